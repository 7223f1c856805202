import { invokerLabels, type SessionIdentity, type TargetIdentity, targetLabels } from "./metric-labels.ts";
import { collectSamples, type Sample } from "./metrics.ts";
import { STASH_SERIES as stash } from "./stash-series.ts";

/**
 * How a session ended, from what its targets say. Never from the session's own phase: that stays `Running` until the metrics are pushed, and a gauge
 * made from it is 0 for every good restore.
 */
export interface SessionMetricFacts extends SessionIdentity {
  readonly targetPhases: readonly string[];
  /** Whatever else makes the session fail: a deadline, a hook, the retention policy. */
  readonly hasFailedOtherwise: boolean;
  readonly durationMs: number;
  readonly finished: Date;
}

export interface TargetMetricFacts extends SessionIdentity {
  readonly target: TargetIdentity;
  readonly phase: string;
  readonly hosts: number;
  readonly finished: Date;
}

/** What a backup session pushes at its end, under the session's group. */
export function backupSessionSamples(facts: SessionMetricFacts): Sample[] {
  const isSuccess = isGoodSession(facts);
  const labels = invokerLabels(facts);
  return collectSamples(isSuccess, [
    [stash.backupSessionSuccess, labels, isSuccess ? 1 : 0],
    [stash.backupSessionDuration, labels, facts.durationMs / 1000],
    [stash.backupSessionTargets, labels, facts.targetPhases.length],
    [stash.backupSessionLastSuccess, labels, facts.finished.getTime() / 1000],
  ]);
}

/** What a backup session pushes for each of its targets, under the target's group. */
export function backupTargetSamples(facts: TargetMetricFacts): Sample[] {
  const isSuccess = facts.phase === "Succeeded";
  const labels = targetLabels(facts);
  return collectSamples(isSuccess, [
    [stash.backupTargetSuccess, labels, isSuccess ? 1 : 0],
    [stash.backupTargetHosts, labels, facts.hosts],
    [stash.backupTargetLastSuccess, labels, facts.finished.getTime() / 1000],
  ]);
}

/** What a restore session pushes at its end, under the session's group. */
export function restoreSessionSamples(facts: SessionMetricFacts): Sample[] {
  const isSuccess = isGoodSession(facts);
  const labels = invokerLabels(facts);
  return collectSamples(isSuccess, [
    [stash.restoreSessionSuccess, labels, isSuccess ? 1 : 0],
    [stash.restoreSessionDuration, labels, facts.durationMs / 1000],
    [stash.restoreSessionTargets, labels, facts.targetPhases.length],
  ]);
}

/** What a restore session pushes for each of its targets, under the target's group. */
export function restoreTargetSamples(facts: TargetMetricFacts): Sample[] {
  const isSuccess = facts.phase === "Succeeded";
  const labels = targetLabels(facts);
  return collectSamples(isSuccess, [
    [stash.restoreTargetSuccess, labels, isSuccess ? 1 : 0],
    [stash.restoreTargetHosts, labels, facts.hosts],
  ]);
}

/** A session without targets has backed up nothing. */
function isGoodSession({ targetPhases, hasFailedOtherwise }: SessionMetricFacts): boolean {
  return !hasFailedOtherwise && targetPhases.length > 0 && targetPhases.every((phase) => phase === "Succeeded");
}
