import { backUp } from "./back-up.ts";
import type { BackupFunction, RestoreFunction } from "./function.ts";
import { backupSamples, type FailedRun, type GoodBackup } from "./metrics/backup-samples.ts";
import type { RunIdentity } from "./metrics/metric-labels.ts";
import { targetGroup } from "./metrics/push-group.ts";
import { type GoodRestore, restoreSamples } from "./metrics/restore-samples.ts";
import { type DatabaseParameters, type DatabasePlace, findDatabase, findRepository } from "./places.ts";
import { planOf } from "./plan-of.ts";
import { recordBackup } from "./record-backup.ts";
import type { Success } from "./report.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import type { BackupParameters, RestoreParameters, RunParts } from "./run.ts";
import { pushRunMetrics } from "./run-metrics.ts";
import { outcomeOfBackup, outcomeOfFailure, outcomeOfRestore } from "./run-outcome.ts";

/** A backup that no session asks for: the Repository's status and the metrics tell of it. */
export async function backUpAlone(fn: BackupFunction, parameters: BackupParameters, parts: RunParts): Promise<Success> {
  return tellingMetrics(fn, parameters, {
    parts,
    work: async (places) => {
      const plan = { ...(await places()), ...planOf(fn, parameters), host: parameters.host, verifyAfter: parameters.verifyAfter };
      const finished = await backUp(fn, plan, parts);
      await recordBackup(finished.repository, finished.manifest, { object: plan.repository.object, parts });
      return { success: finished.success, outcomeOf: (run) => outcomeOfBackup(finished, run).outcome };
    },
    samplesOf: (identity, outcome) => backupSamples({ ...identity, finished: new Date(), outcome }),
  });
}

/** A restore that no session asks for. */
export async function restoreAlone(fn: RestoreFunction, parameters: RestoreParameters, parts: RunParts): Promise<Success> {
  return tellingMetrics(fn, parameters, {
    parts,
    work: async (places) => {
      const { database, repository } = await places();
      // With objects, `latest` is the target's own; with flags alone it must be the only one there is.
      const isNamed = parameters.appbinding !== undefined && repository.object !== undefined;
      const own = isNamed ? { target: database.target, host: parameters.sourceHost ?? parameters.host } : {};
      const plan = { database, repository, ...planOf(fn, parameters), selector: { id: parameters.snapshot, ...own } };
      const finished = await restoreSnapshot(fn, plan, parts);
      return { success: finished.success, outcomeOf: (run) => outcomeOfRestore(finished, run).outcome };
    },
    samplesOf: (identity, outcome) => restoreSamples({ ...identity, finished: new Date(), outcome }),
  });
}

interface Work<Good> {
  readonly parts: RunParts;
  work(
    places: () => Promise<Places>,
  ): Promise<{ success: Success; outcomeOf(run: { host: string; durationMs: number }): Good | FailedRun }>;
  samplesOf(identity: RunIdentity, outcome: Good | FailedRun): ReturnType<typeof backupSamples>;
}

type Places = { readonly database: DatabasePlace; readonly repository: Awaited<ReturnType<typeof findRepository>> };

async function tellingMetrics<Good extends GoodBackup | GoodRestore>(
  fn: BackupFunction | RestoreFunction,
  parameters: DatabaseParameters & { readonly pushgateway: string | undefined },
  { parts, work, samplesOf }: Work<Good>,
): Promise<Success> {
  const started = performance.now();
  let database: DatabasePlace | undefined;
  const places = async () => {
    database = await findDatabase(parameters, parts.sources);
    return { database, repository: await findRepository(parameters, parts.sources) };
  };
  const push = async (outcome: Good | FailedRun) => {
    const { pushgateway: url, namespace, host } = parameters;
    const target = { namespace, name: parameters.appbinding ?? parameters.url ?? "", ...database?.target };
    const place = { ...target, namespace: target.namespace || namespace };
    const invoker = { kind: parameters.appbinding === undefined ? "URL" : "AppBinding", namespace: place.namespace, name: place.name };
    const repository = { namespace: parameters.repositoryNamespace ?? namespace, name: parameters.repository ?? "" };
    const { version } = parts;
    const identity = {
      invoker,
      driver: "Restic",
      repository,
      target: { ...place, type: database?.type },
      host,
      engine: fn.engine,
      version,
    };
    await pushRunMetrics([{ group: targetGroup(place), samples: samplesOf(identity, outcome) }], { url, invoker }, parts);
  };
  const run = () => ({ host: parameters.host, durationMs: performance.now() - started, signal: parts.signal });
  try {
    const { success, outcomeOf } = await work(places);
    await push(outcomeOf(run()));
    return success;
  } catch (error) {
    await push(outcomeOfFailure(error, run()).outcome);
    throw error;
  }
}
