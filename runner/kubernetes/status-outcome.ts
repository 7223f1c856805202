import type { Condition } from "./status-condition.ts";

/** Reasons for what went well and for what failed. */
const REASONS = {
  BackendRepositoryInitialized: ["BackendRepositoryFound", "FailedToInitializeBackendRepository"],
  RetentionPolicyApplied: ["SuccessfullyAppliedRetentionPolicy", "FailedToApplyRetentionPolicy"],
  RepositoryIntegrityVerified: ["SuccessfullyVerifiedRepositoryIntegrity", "FailedToVerifyRepositoryIntegrity"],
  RepositoryMetricsPushed: ["SuccessfullyPushedRepositoryMetrics", "FailedToPushRepositoryMetrics"],
  MetricsPushed: ["SuccessfullyPushedMetrics", "FailedToPushMetrics"],
} as const;

export type OutcomeType = keyof typeof REASONS;

/**
 * The condition that says how a step of a session went, in Stash's words.
 *
 * A deliberate difference: metrics that could not be pushed give the condition True, with the reason FailedToPush…. With False, as Stash writes it, the
 * rules of the phase make a complete and verified backup Failed, and have it repeated, because a gateway for metrics was away.
 */
export function outcomeCondition(type: OutcomeType, outcome: { readonly isSuccess: boolean; readonly message: string }): Condition {
  const { isSuccess, message } = outcome;
  const [succeeded, failed] = REASONS[type];
  const isOfMetrics = type === "MetricsPushed" || type === "RepositoryMetricsPushed";
  return { type, status: isSuccess || isOfMetrics ? "True" : "False", reason: isSuccess ? succeeded : failed, message };
}
