// Runs a job, or the doctor, in this process as the account that a cluster was opened for.
import { redisBackup } from "../../../functions/redis/backup.ts";
import { redisRestore } from "../../../functions/redis/restore.ts";
import type { Finding } from "../../../runner/checkup.ts";
import { runDoctor } from "../../../runner/doctor.ts";
import { doctorParameters } from "../../../runner/doctor-parameters.ts";
import type { DatabaseFunction } from "../../../runner/function.ts";
import type { Cluster } from "../../../runner/kubernetes/cluster.ts";
import type { JobObjects } from "../../../runner/kubernetes/needed-rights.ts";
import { parseParameters } from "../../../runner/parameters.ts";
import { runFunction } from "../../../runner/run.ts";
import { backupParameters, restoreParameters } from "../../../runner/runner-parameters.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import type { JobWork } from "./job-world.ts";

/** The flags that Stash's Task would give. */
export function jobFlags(work: JobWork, job: JobObjects): Record<string, string> {
  return {
    namespace: job.namespace,
    appbinding: job.appBinding?.name ?? "",
    "appbinding-namespace": job.appBinding?.namespace ?? "",
    repository: job.repository?.name ?? "",
    "repository-namespace": job.repository?.namespace ?? "",
    ...(job.session !== undefined && { [work === "backup" ? "backupsession" : "restoresession"]: job.session }),
    ...(job.session === undefined && work === "restore" && { function: "redis-restore" }),
  };
}

export interface JobOutcome {
  /** What it failed with; undefined when it succeeded. */
  readonly error: unknown;
  readonly warnings: readonly string[];
}

/** Runs the job in this process, as the account that the cluster was opened for. */
export async function runJob(work: JobWork, job: JobObjects, cluster: Cluster): Promise<JobOutcome> {
  const warnings: string[] = [];
  const fn = (work === "backup" ? redisBackup : redisRestore) as unknown as DatabaseFunction;
  const table = { ...(work === "backup" ? backupParameters : restoreParameters), ...fn.parameters };
  const flags = { ...jobFlags(work, job), ...(work === "restore" && { policy: "replace" }) };
  const parameters = parseParameters(table, { flags, environment: {} });
  const parts = { ...runParts(cluster), warn: (_reason: string, message: string) => void warnings.push(message) };
  const error = await runFunction(fn, parameters as never, parts).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  return { error, warnings };
}

/** What the doctor finds, as the same account. */
export async function examineJob(work: JobWork, job: JobObjects, cluster: Cluster) {
  let printed = "";
  const print = async (text: string) => {
    printed += text;
  };
  const functions = [redisBackup, redisRestore] as unknown as DatabaseFunction[];
  const parameters = parseParameters(doctorParameters, { flags: { ...jobFlags(work, job), json: "true" }, environment: {} });
  const parts = { ...runParts(cluster), warn: () => undefined, print, functions };
  const error = await runDoctor(parameters, parts).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  return { error, ...(JSON.parse(printed) as { findings: Finding[]; roles: KubernetesObject[] }) };
}

function runParts(cluster: Cluster) {
  const { signal } = new AbortController();
  const ignore = () => undefined;
  return {
    ...{ version: "0.0.0", signal, progress: ignore, redact: (text: string) => text },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    sources: { environment: {}, remember: ignore, signal, cluster: async () => cluster },
  };
}
