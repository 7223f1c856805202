import { describeError } from "./errors.ts";
import type { Cluster, ObjectName, Status } from "./kubernetes/cluster.ts";
import { formatBytes, formatTime } from "./kubernetes/go-format.ts";

/** The object that names a repository's place. */
export interface RepositoryObject {
  readonly cluster: Cluster;
  readonly name: ObjectName;
  /** Of the one that the place was read from: another of the same name may name another place, and must not be told of this one's backups. */
  readonly uid?: string | undefined;
}

/** What was found out about a repository; what is not given stays in the status as it is. */
export interface RepositoryFacts {
  /** Whether the last check found everything whole: false is as much worth telling as true. */
  readonly integrity?: boolean | undefined;
  /** Of everything stored. */
  readonly totalBytes?: number | undefined;
  readonly snapshotCount?: number | undefined;
  readonly snapshotsRemoved?: number | undefined;
  /** When the oldest snapshot was taken; says when backups began unless the status knows that already. RFC 3339. */
  readonly oldest?: string | undefined;
  /** When the backup that has just been committed was asked for: the session's creation; without a session, the snapshot's end. RFC 3339. */
  readonly lastBackup?: string | undefined;
}

export interface RecordOptions {
  readonly signal: AbortSignal;
  warn(reason: string, message: string): void;
  /** How long a write is tried while the API is away; the cluster's own default when absent. */
  readonly patienceMs?: number | undefined;
  /** Told on the Repository object once the status is written. */
  readonly event?: { readonly reason: string; readonly message: string } | undefined;
}

/**
 * Writes the facts into the Repository object's status; nothing without an object. What they tell of stands whether this succeeds or not, so a failure
 * is a warning; resolves with it.
 */
export async function recordRepository(
  object: RepositoryObject | undefined,
  facts: RepositoryFacts,
  options: RecordOptions,
): Promise<{ readonly error?: unknown }> {
  if (object === undefined) return {};
  const { signal, patienceMs, event, warn } = options;
  const { cluster, name, uid } = object;
  const label = `Repository "${name.namespace}/${name.name}"`;
  try {
    await cluster.updateStatus("Repository", name, (status) => withFacts(status, facts), { uid, signal, patienceMs });
  } catch (error) {
    warn("StatusNotWritten", `The status of ${label} could not be written: ${describeError(error)}`);
    return { error };
  }
  if (event === undefined) return {};
  try {
    await cluster.emitEvent({ kind: "Repository", object: name, type: "Normal", ...event }, { signal });
    return {};
  } catch (error) {
    warn("EventNotEmitted", `Cannot emit event "${event.reason}" of ${label}: ${describeError(error)}`);
    return { error };
  }
}

/** The status with these facts in it. */
export function withFacts(status: Status, facts: RepositoryFacts): Status {
  const { integrity, totalBytes, snapshotCount, snapshotsRemoved, oldest, lastBackup } = facts;
  const isFirstKnown = oldest === undefined || (status.firstBackupTime ?? "") !== "";
  return {
    ...status,
    ...(integrity !== undefined && { integrity }),
    ...(totalBytes !== undefined && { totalSize: formatBytes(totalBytes) }),
    ...(snapshotCount !== undefined && { snapshotCount }),
    ...(snapshotsRemoved !== undefined && { snapshotsRemovedOnLastCleanup: snapshotsRemoved }),
    ...(!isFirstKnown && { firstBackupTime: firstOf(oldest, lastBackup) }),
    ...(lastBackup !== undefined && { lastBackupTime: formatTime(new Date(lastBackup)) }),
  };
}

/** The first backup is never later than the last, although the one may be known by its end and the other by when it was asked for. */
function firstOf(oldest: string, lastBackup = oldest): string {
  return formatTime(new Date(Math.min(Date.parse(oldest), Date.parse(lastBackup))));
}
