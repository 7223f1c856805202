import { describeError, ParameterError } from "./errors.ts";
import type { BackupInvoker, ObjectName } from "./kubernetes/cluster.ts";
import type { HostStats } from "./kubernetes/status-hosts.ts";
import { outcomeCondition } from "./kubernetes/status-outcome.ts";
import { type BackupMetricFacts, backupSamples } from "./metrics/backup-samples.ts";
import type { SessionIdentity } from "./metrics/metric-labels.ts";
import { repositoryGroup, targetGroup } from "./metrics/push-group.ts";
import { repositorySamples } from "./metrics/repository-samples.ts";
import { longestScheduleInterval } from "./metrics/schedule-interval.ts";
import type { RepositoryPlace } from "./places.ts";
import { type OpenedRepository, type PostBackupOutcome, runPostBackupActions } from "./post-backup.ts";
import type { RunParts } from "./run.ts";
import { type MetricsBatch, pushRunMetrics } from "./run-metrics.ts";
import type { BackupSessionWriter } from "./session.ts";
import type { Repository } from "./snapshot/repository.ts";
import { identifyStore } from "./store-identity.ts";

export interface BackupConclusion {
  readonly session: BackupSessionWriter;
  readonly stats: HostStats;
  readonly host: string;
  /** As far as it is known beforehand. */
  readonly repository?: ObjectName | undefined;
  readonly samplePercent: number;
  readonly pushgateway: string | undefined;
  readonly metricLabels?: Readonly<Record<string, string>> | undefined;
  /** Called once the stats are written: what there is to do after a success. */
  prepare(): Promise<BackupFollowUp>;
  /** Called at the very end, for the metrics. */
  describe(): Promise<Pick<BackupMetricFacts, "target" | "engine" | "outcome">>;
}

export interface BackupFollowUp {
  /** Absent when the run did not come so far. */
  readonly invoker?: BackupInvoker | undefined;
  /** What the operator wants done once all targets have ended. */
  readonly actions: readonly string[];
  readonly place?: RepositoryPlace | undefined;
  openRepository(): Promise<Repository>;
}

const SEND = "SendRepositoryMetrics";

/**
 * What comes after a backup, good or not, in this order: the host's stats and an Event; after a success verification and retention with their
 * conditions, and the Repository's status; metrics. Rejects when the stats could not be written: nobody may believe what is not told. Resolves with what
 * came after them.
 */
export async function concludeBackup(conclusion: BackupConclusion, parts: RunParts): Promise<PostBackupOutcome> {
  const { session, stats, host } = conclusion;
  await session.hostStats(stats);
  const isSuccess = stats.phase === "Succeeded";
  await (isSuccess
    ? session.event("Normal", "HostBackupSucceeded", `Host ${host} is backed up as snapshot ${stats.snapshots?.[0]?.name}`)
    : session.event("Warning", "HostBackupFailed", `Host ${host} could not be backed up: ${stats.error}`));
  const { followUp, after } = await follow(conclusion, { isSuccess, parts });
  const pushed = await push(conclusion, { followUp, after, parts });
  if (isSuccess && followUp.actions.includes(SEND) && (await session.findCondition("RepositoryMetricsPushed")) === undefined) {
    await session.condition(outcomeCondition("RepositoryMetricsPushed", pushed), { afterAbort: true });
  }
  return after;
}

interface Followed {
  readonly followUp: Pick<BackupFollowUp, "invoker" | "actions" | "place">;
  readonly after: PostBackupOutcome;
}

async function follow(conclusion: BackupConclusion, options: { isSuccess: boolean; parts: RunParts }): Promise<Followed> {
  const { session, samplePercent } = conclusion;
  const { isSuccess, parts } = options;
  let followUp: Followed["followUp"] = { actions: [] };
  try {
    const prepared = await conclusion.prepare();
    followUp = prepared;
    if (!isSuccess) return { followUp, after: {} };
    const { actions } = prepared;
    return { followUp, after: await runPostBackupActions({ session, actions, samplePercent, open: () => open(prepared) }, parts) };
  } catch (error) {
    // The session says already that the backup failed; only labels of its metrics are missing.
    if (!isSuccess) parts.log.warn("Not all is known of the failed backup", { error: describeError(error) });
    if (!isSuccess) return { followUp, after: {} };
    parts.log.error("The backup stands, but what was to follow failed", { error: describeError(error) });
    return { followUp, after: { failure: error } };
  }
}

async function open({ openRepository, place, invoker }: BackupFollowUp): Promise<OpenedRepository> {
  const repository = await openRepository();
  if (place?.object !== undefined && invoker !== undefined) return { repository, object: place.object, invoker };
  throw new ParameterError("The session's invoker, or its Repository, is not known");
}

async function push(conclusion: BackupConclusion, { followUp, after, parts }: Followed & { parts: RunParts }) {
  const { session, pushgateway: url } = conclusion;
  const place = { url, invoker: session.invoker, session };
  if (url === undefined) return pushRunMetrics([], place, parts);
  const { target, engine, outcome } = await conclusion.describe();
  const finished = new Date();
  const { schedule, repository } = followUp.invoker?.spec ?? {};
  const identity: SessionIdentity = {
    invoker: session.invoker,
    driver: "Restic",
    repository: followUp.place?.object?.name ?? conclusion.repository ?? { namespace: "", name: repository?.name ?? "" },
    extraLabels: conclusion.metricLabels,
  };
  const expectedIntervalMs = schedule === undefined ? undefined : longestScheduleInterval(schedule);
  const { version } = parts;
  const samples = backupSamples({
    ...identity,
    ...{ target, host: conclusion.host, engine, version, finished, outcome, expectedIntervalMs },
  });
  const batches = [{ group: targetGroup(target), samples }, ...repositoryBatches(identity, { followUp, after, finished })];
  return pushRunMetrics(batches, place, parts);
}

function repositoryBatches(identity: SessionIdentity, { followUp, after, finished }: Followed & { finished: Date }): MetricsBatch[] {
  const { verification, sizeBytes, snapshots, retention } = after;
  if (followUp.place === undefined || snapshots === undefined) return [];
  const pruned = retention?.pruned;
  const samples = repositorySamples({
    ...identity,
    store: identifyStore(followUp.place.location),
    ...{ verification, sizeBytes, snapshots },
    snapshotsRemoved: retention?.forgotten.length,
    prune: pruned && { removedObjects: pruned.removed.objects, removedBytes: pruned.removed.bytes, finished },
  });
  return [{ group: repositoryGroup(identity.repository), samples }];
}
