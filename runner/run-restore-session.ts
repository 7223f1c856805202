import { describeError } from "./errors.ts";
import type { RestoreFunction } from "./function.ts";
import type { FailedRun } from "./metrics/backup-samples.ts";
import { targetGroup } from "./metrics/push-group.ts";
import { type GoodRestore, restoreSamples } from "./metrics/restore-samples.ts";
import { findDatabase, findRepository } from "./places.ts";
import { planOf } from "./plan-of.ts";
import type { Success } from "./report.ts";
import { type FinishedRestore, type RestorePlan, restoreSnapshot } from "./restore-snapshot.ts";
import type { RestoreParameters, RunParts } from "./run.ts";
import { databaseName } from "./run-backup-session.ts";
import { pushRunMetrics } from "./run-metrics.ts";
import { outcomeOfFailure, outcomeOfRestore, type RunOutcome } from "./run-outcome.ts";
import { withSessionDeadline } from "./session-deadline.ts";
import { openRestoreSession, type RestoreSessionWriter } from "./session-restore.ts";

export type SessionRestoreParameters = RestoreParameters & { readonly session: string };

/** Does the restore that a RestoreSession asks for, and tells the truth about it in the session and the metrics. */
export async function runRestoreSession(fn: RestoreFunction, parameters: SessionRestoreParameters, parts: RunParts): Promise<Success> {
  const { signal, log, warn, redact } = parts;
  const cluster = await parts.sources.cluster();
  const name = { namespace: parameters.namespace, name: parameters.session };
  const started = performance.now();
  const session = await openRestoreSession(cluster, { session: name, ...{ signal, log, warn, redact } });
  const seen: Seen = { signal };
  const run = () => ({ host: parameters.host, durationMs: performance.now() - started, signal: seen.signal });
  try {
    const finished = await restore(fn, parameters, { session, seen, parts });
    await conclude(outcomeOfRestore(finished, run()), { session, fn, parameters, seen, parts });
    return finished.success;
  } catch (error) {
    if (!seen.isTold) {
      await conclude(outcomeOfFailure(error, run()), { session, fn, parameters, seen, parts }).catch((cause: unknown) => {
        log.error("The session's status could not be written", { error: describeError(cause) });
      });
    }
    throw error;
  }
}

interface Seen {
  signal: AbortSignal;
  databaseType?: string | undefined;
  /** An outcome was handed to the session; a failure of that is no second outcome. */
  isTold?: boolean;
}

interface Surroundings {
  readonly session: RestoreSessionWriter;
  readonly seen: Seen;
  readonly parts: RunParts;
}

async function restore(
  fn: RestoreFunction,
  parameters: RestoreParameters,
  { session, seen, parts }: Surroundings,
): Promise<FinishedRestore> {
  seen.signal = withSessionDeadline(parts.signal, { created: session.created, timeOut: session.spec.timeOut });
  await session.waitForTarget();
  const sources = { ...parts.sources, signal: seen.signal };
  const database = await findDatabase(parameters, sources);
  seen.databaseType = database.type;
  const repository = await findRepository(parameters, sources);
  const selector = { id: parameters.snapshot, target: database.target, host: parameters.sourceHost ?? parameters.host };
  const plan: RestorePlan = { database, repository, ...planOf(fn, parameters), selector };
  return restoreSnapshot(fn, plan, { ...parts, signal: seen.signal, sources });
}

async function conclude(
  { stats, outcome }: RunOutcome<GoodRestore | FailedRun>,
  options: Surroundings & { fn: RestoreFunction; parameters: RestoreParameters },
): Promise<void> {
  const { session, seen, fn, parameters, parts } = options;
  const { host, pushgateway: url } = parameters;
  seen.isTold = true;
  await session.hostStats(stats);
  await (stats.phase === "Succeeded"
    ? session.event("Normal", "HostRestoreSucceeded", `Host ${host} is restored`)
    : session.event("Warning", "HostRestoreFailed", `Host ${host} could not be restored: ${stats.error}`));
  const database = databaseName(parameters);
  const invoker = { kind: "RestoreSession", ...session.name };
  const samples = restoreSamples({
    invoker,
    driver: "Restic",
    repository: { namespace: parameters.repositoryNamespace ?? parameters.namespace, name: parameters.repository ?? "" },
    target: { ...database, type: seen.databaseType },
    ...{ host, engine: fn.engine, version: parts.version, finished: new Date(), outcome },
  });
  await pushRunMetrics([{ group: targetGroup(database), samples }], { url, invoker, session }, parts);
}
