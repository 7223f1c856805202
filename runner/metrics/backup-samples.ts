import { HOLDFAST_SERIES as own } from "./holdfast-series.ts";
import { hostLabels, type RunIdentity, runLabels } from "./metric-labels.ts";
import { collectSamples, type Entry, type Sample } from "./metrics.ts";
import { STASH_SERIES as stash } from "./stash-series.ts";

export interface BackupMetricFacts extends RunIdentity {
  readonly finished: Date;
  /** Longest time between two backups that the schedule asks for, when there is a schedule. */
  readonly expectedIntervalMs?: number | undefined;
  readonly outcome: GoodBackup | FailedRun;
}

/** Sizes come from the manifest, in bytes. */
export interface GoodBackup {
  readonly kind: "Succeeded";
  /** When the snapshot was complete; what follows a backup may take long. */
  readonly committed: Date;
  readonly durationMs: number;
  /** Of reading, compressing and storing the data alone. */
  readonly processingMs: number;
  readonly rawBytes: number;
  /** That this backup added to the store. */
  readonly addedBytes: number;
  readonly files: { readonly total: number; readonly new: number; readonly modified: number; readonly unmodified: number };
  /** The engine's counts: keys, documents … */
  readonly counts: Readonly<Record<string, number>>;
}

/** The exit code that the run has, or would have where the contract wants another. */
export interface FailedRun {
  readonly kind: "Failed";
  readonly exitCode: number;
  /** CamelCase. */
  readonly reason: string;
}

/** What the backup of one host pushes, under the group of its target. After a failure the last success stays in the gateway. */
export function backupSamples(facts: BackupMetricFacts): Sample[] {
  const good = facts.outcome.kind === "Succeeded" ? facts.outcome : undefined;
  const host = hostLabels(facts);
  const run = runLabels(facts);
  const finished = facts.finished.getTime() / 1000;
  return collectSamples(good !== undefined, [
    [stash.hostBackupSuccess, host, good ? 1 : 0],
    [stash.hostBackupDuration, host, seconds(good?.durationMs)],
    [stash.hostDataSize, host, good?.rawBytes],
    [stash.hostDataUploaded, host, good?.addedBytes],
    [stash.hostProcessingTime, host, seconds(good?.processingMs)],
    [stash.hostFiles, host, good?.files.total],
    [stash.hostFilesNew, host, good?.files.new],
    [stash.hostFilesModified, host, good?.files.modified],
    [stash.hostFilesUnmodified, host, good?.files.unmodified],
    [own.backupLastAttempt, run, finished],
    [own.backupLastAttemptSuccess, run, good ? 1 : 0],
    [own.backupLastAttemptInfo, { ...run, reason: reasonOf(facts.outcome) }, 1],
    [own.backupExitCode, run, exitCodeOf(facts.outcome)],
    [own.backupExpectedInterval, run, seconds(facts.expectedIntervalMs)],
    [own.backupLastSuccess, run, good && good.committed.getTime() / 1000],
    [own.backupDuration, run, seconds(good?.durationMs)],
    [own.backupRawBytes, run, good?.rawBytes],
    [own.backupStoredBytes, run, good?.addedBytes],
    ...itemEntries(own.backupItems, run, good?.counts),
    [own.buildInfo, { version: facts.version }, 1],
  ]);
}

/** One entry for each of the engine's counts. */
export function itemEntries(series: Entry[0], labels: Entry[1], counts: Readonly<Record<string, number>> = {}): Entry[] {
  return Object.entries(counts).map(([item, count]) => [series, { ...labels, item }, count] as const);
}

export function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

export function reasonOf(outcome: { readonly kind: "Succeeded" } | FailedRun): string {
  return outcome.kind === "Succeeded" ? outcome.kind : outcome.reason;
}

/** A failure never shows 0, whatever its process had to exit with. */
export function exitCodeOf(outcome: { readonly kind: "Succeeded" } | FailedRun): number {
  return outcome.kind === "Succeeded" ? 0 : outcome.exitCode || 1;
}
