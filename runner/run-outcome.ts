import type { FinishedBackup } from "./back-up.ts";
import { formatDuration } from "./kubernetes/go-format.ts";
import type { HostStats } from "./kubernetes/status-hosts.ts";
import type { FailedRun, GoodBackup } from "./metrics/backup-samples.ts";
import type { GoodRestore } from "./metrics/restore-samples.ts";
import { type Failure, failureOf } from "./report.ts";
import type { FinishedRestore } from "./restore-snapshot.ts";
import { statsOfSnapshot } from "./session-snapshot.ts";

/** One outcome as the session's status and the metrics tell of it. */
export interface RunOutcome<Good> {
  readonly stats: HostStats;
  readonly outcome: Good;
}

export function outcomeOfBackup(finished: FinishedBackup, run: { host: string; durationMs: number }): RunOutcome<GoodBackup> {
  const { manifest, success } = finished;
  const { host, durationMs } = run;
  const processingMs = Math.max(0, Date.parse(manifest.finished) - Date.parse(manifest.started));
  const snapshot = statsOfSnapshot(manifest, { durationMs: processingMs });
  const { totalFiles, newFiles, modifiedFiles, unmodifiedFiles } = snapshot.fileStats;
  return {
    stats: { hostname: host, phase: "Succeeded", duration: formatDuration(durationMs), snapshots: [snapshot] },
    outcome: {
      kind: "Succeeded",
      committed: new Date(manifest.finished),
      durationMs,
      processingMs,
      rawBytes: success.snapshot?.rawBytes ?? 0,
      addedBytes: success.snapshot?.addedBytes ?? 0,
      files: { total: totalFiles, new: newFiles, modified: modifiedFiles, unmodified: unmodifiedFiles },
      counts: success.counts ?? {},
    },
  };
}

export function outcomeOfRestore(
  { manifest, success }: FinishedRestore,
  run: { host: string; durationMs: number },
): RunOutcome<GoodRestore> {
  const rawBytes = manifest.streams.reduce((sum, stream) => sum + stream.rawBytes, 0);
  return {
    stats: { hostname: run.host, phase: "Succeeded", duration: formatDuration(run.durationMs) },
    outcome: { kind: "Succeeded", durationMs: run.durationMs, rawBytes, counts: success.counts ?? {} },
  };
}

export function outcomeOfFailure(error: unknown, run: { host: string; durationMs: number; signal: AbortSignal }): RunOutcome<FailedRun> {
  const failure = failureOf(error, run.signal);
  return {
    stats: { hostname: run.host, phase: "Failed", duration: formatDuration(run.durationMs), error: describeFailure(failure) },
    outcome: { kind: "Failed", exitCode: failure.code, reason: failure.reason },
  };
}

/** On one line: what is wrong, and what a person can do. */
export function describeFailure({ message, hint }: Pick<Failure, "message" | "hint">): string {
  return (hint === undefined ? message : `${message}; ${hint}`).replace(/\s*\n\s*/g, " ");
}
