import { exitCodeOf, type FailedRun, itemEntries, reasonOf, seconds } from "./backup-samples.ts";
import { HOLDFAST_SERIES as own } from "./holdfast-series.ts";
import { hostLabels, type RunIdentity, runLabels } from "./metric-labels.ts";
import { collectSamples, type Sample } from "./metrics.ts";
import { STASH_SERIES as stash } from "./stash-series.ts";

export interface RestoreMetricFacts extends RunIdentity {
  readonly finished: Date;
  readonly outcome: GoodRestore | FailedRun;
}

export interface GoodRestore {
  readonly kind: "Succeeded";
  readonly durationMs: number;
  /** Of the snapshot, before compression; absent when it is not known. */
  readonly rawBytes?: number | undefined;
  /** The engine's counts: restored, skipped … */
  readonly counts: Readonly<Record<string, number>>;
}

/** What the restore of one host pushes, under the group of its target. */
export function restoreSamples(facts: RestoreMetricFacts): Sample[] {
  const good = facts.outcome.kind === "Succeeded" ? facts.outcome : undefined;
  const host = hostLabels(facts);
  const run = runLabels(facts);
  const finished = facts.finished.getTime() / 1000;
  return collectSamples(good !== undefined, [
    [stash.hostRestoreSuccess, host, good ? 1 : 0],
    [stash.hostRestoreDuration, host, seconds(good?.durationMs)],
    [own.restoreLastAttempt, run, finished],
    [own.restoreLastAttemptSuccess, run, good ? 1 : 0],
    [own.restoreLastAttemptInfo, { ...run, reason: reasonOf(facts.outcome) }, 1],
    [own.restoreExitCode, run, exitCodeOf(facts.outcome)],
    [own.restoreLastSuccess, run, finished],
    [own.restoreDuration, run, seconds(good?.durationMs)],
    [own.restoreRawBytes, run, good?.rawBytes],
    ...itemEntries(own.restoreItems, run, good?.counts),
    [own.buildInfo, { version: facts.version }, 1],
  ]);
}
