import { describeError } from "./errors.ts";
import type { BackupInvoker } from "./kubernetes/cluster.ts";
import type { HostStats } from "./kubernetes/status-hosts.ts";
import { outcomeCondition } from "./kubernetes/status-outcome.ts";
import { type BackupMetricFacts, backupSamples } from "./metrics/backup-samples.ts";
import type { SessionIdentity } from "./metrics/metric-labels.ts";
import { repositoryGroup, targetGroup } from "./metrics/push-group.ts";
import { repositorySamples } from "./metrics/repository-samples.ts";
import { longestScheduleInterval } from "./metrics/schedule-interval.ts";
import type { RepositoryPlace } from "./places.ts";
import { type PostBackupOutcome, runPostBackupActions } from "./post-backup.ts";
import type { RunParts } from "./run.ts";
import { type MetricsBatch, pushRunMetrics } from "./run-metrics.ts";
import type { BackupSessionWriter } from "./session.ts";
import type { Repository } from "./snapshot/repository.ts";
import { identifyStore } from "./store-identity.ts";

export interface BackupConclusion {
  readonly session: BackupSessionWriter;
  /** Absent when the run did not come so far; a good one did. */
  readonly invoker: BackupInvoker | undefined;
  /** What the operator wants done once all targets have ended; done after a success only. */
  readonly actions: readonly string[];
  readonly stats: HostStats;
  /** For the metrics. */
  readonly outcome: BackupMetricFacts["outcome"];
  readonly database: BackupMetricFacts["target"];
  readonly host: string;
  readonly engine: string;
  /** Absent when the run did not come so far. */
  readonly place: RepositoryPlace | undefined;
  /** Called when there is something to do in the repository. */
  openRepository(): Promise<Repository>;
  readonly samplePercent: number;
  readonly pushgateway: string | undefined;
  readonly metricLabels?: Readonly<Record<string, string>> | undefined;
}

const SEND = "SendRepositoryMetrics";

/**
 * What comes after a backup, good or not, in this order: the host's stats and an Event; verification and retention with their conditions; the
 * Repository's status; metrics. Rejects when the stats could not be written: nobody may believe what is not told. Resolves with the first failure of
 * what came after them, if there was one.
 */
export async function concludeBackup(conclusion: BackupConclusion, parts: RunParts): Promise<{ readonly failure?: unknown }> {
  const { session, stats, actions } = conclusion;
  await session.hostStats(stats);
  const isSuccess = stats.phase === "Succeeded";
  await (isSuccess
    ? session.event("Normal", "HostBackupSucceeded", `Host ${conclusion.host} is backed up as snapshot ${stats.snapshots?.[0]?.name}`)
    : session.event("Warning", "HostBackupFailed", `Host ${conclusion.host} could not be backed up: ${stats.error}`));
  const after = isSuccess ? await actAfter(conclusion, parts) : {};
  const pushed = await pushRunMetrics(
    metricsOf(conclusion, after, parts),
    { url: conclusion.pushgateway, invoker: session.invoker, session },
    parts,
  );
  if (isSuccess && actions.includes(SEND) && !(await session.hasCondition("RepositoryMetricsPushed"))) {
    await session.condition(outcomeCondition("RepositoryMetricsPushed", pushed), { afterAbort: true });
  }
  return after.failure === undefined ? {} : { failure: after.failure };
}

async function actAfter(conclusion: BackupConclusion, parts: RunParts): Promise<PostBackupOutcome> {
  const { session, actions, invoker, samplePercent, place } = conclusion;
  if (actions.length === 0 || place?.object === undefined || invoker === undefined) return {};
  try {
    const repository = await conclusion.openRepository();
    return await runPostBackupActions({ session, actions, repository, object: place.object, invoker, samplePercent }, parts);
  } catch (error) {
    parts.log.error("The backup stands, but what was to follow failed", { error: describeError(error) });
    return { failure: error };
  }
}

function metricsOf(conclusion: BackupConclusion, after: PostBackupOutcome, parts: RunParts): MetricsBatch[] {
  const { database, host, engine, outcome, invoker, place } = conclusion;
  const finished = new Date();
  const schedule = invoker?.spec.schedule;
  const repository = place?.object?.name ?? { namespace: "", name: invoker?.spec.repository?.name ?? "" };
  const identity: SessionIdentity = {
    invoker: conclusion.session.invoker,
    driver: "Restic",
    repository,
    extraLabels: conclusion.metricLabels,
  };
  const facts: BackupMetricFacts = {
    ...identity,
    target: database,
    host,
    engine,
    version: parts.version,
    finished,
    outcome,
    expectedIntervalMs: schedule === undefined ? undefined : longestScheduleInterval(schedule),
  };
  const batches: MetricsBatch[] = [{ group: targetGroup(database), samples: backupSamples(facts) }];
  if (place === undefined || after.snapshots === undefined) return batches;
  const { verification, sizeBytes, snapshots, retention } = after;
  const pruned = retention?.pruned;
  const samples = repositorySamples({
    ...identity,
    store: identifyStore(place.location),
    verification,
    sizeBytes,
    snapshots,
    snapshotsRemoved: retention?.forgotten.length,
    prune: pruned && { removedObjects: pruned.removed.objects, removedBytes: pruned.removed.bytes, finished },
  });
  return [...batches, { group: repositoryGroup(repository), samples }];
}
