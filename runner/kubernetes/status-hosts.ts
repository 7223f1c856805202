// host: what a target consists of; a database is one. Its stats are the outcome of its backup or restore, and what the phases are made from.
import type { Status } from "./cluster.ts";
import { upsert } from "./status-list.ts";
import type { SnapshotStats } from "./status-snapshot.ts";
import { type TargetRef, withTarget } from "./status-target.ts";

/** The outcome of one host; a failure has an error, a success has none. */
export interface HostStats {
  readonly hostname?: string | undefined;
  readonly phase: "Succeeded" | "Failed";
  /** As `formatDuration` writes it. */
  readonly duration?: string | undefined;
  readonly error?: string | undefined;
  /** Of a backup. */
  readonly snapshots?: readonly SnapshotStats[] | undefined;
}

/** A BackupSession's status with these stats in the place of the host's former ones. @throws ParameterError as `withTarget` does */
export function withHostStats(status: Status, ref: TargetRef, stats: HostStats): Status {
  return withTarget(status, ref, (target) => withStats(target, stats));
}

/** The same for a RestoreSession, which has one target: its stats stand in the status itself, and name no snapshots. */
export function withRestoreHostStats(status: Status, stats: HostStats): Status {
  return withStats(status, { ...stats, snapshots: undefined });
}

function withStats(holder: Status, stats: HostStats): Status {
  const entry = entryOf(stats);
  return upsert(holder, entry, { field: "stats", isSame: (other) => (other.hostname ?? "") === (stats.hostname ?? "") });
}

/** Readers tell success by the missing error, others by the phase: both have to say the same, and when in doubt it is a failure. */
function entryOf({ hostname, phase, duration, error, snapshots }: HostStats): Status {
  const isFailed = phase !== "Succeeded" || (error ?? "") !== "";
  return {
    ...(hostname !== undefined && { hostname }),
    phase: isFailed ? "Failed" : "Succeeded",
    ...(duration !== undefined && { duration }),
    ...(isFailed && { error: error || "It failed without a word" }),
    ...(snapshots !== undefined && { snapshots: snapshots.map((snapshot) => ({ ...snapshot })) }),
  };
}
