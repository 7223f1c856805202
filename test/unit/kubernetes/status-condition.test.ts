import { ParameterError } from "../../../runner/errors.ts";
import { findCondition, isAny, withCondition } from "../../../runner/kubernetes/status-condition.ts";
import { type OutcomeType, outcomeCondition } from "../../../runner/kubernetes/status-outcome.ts";

const now = new Date("2026-03-04T05:06:07.890Z");
const found = { type: "Found", status: "True", reason: "Seen", message: "It is there" } as const;
const stands = { ...found, lastTransitionTime: "2020-01-01T00:00:00Z" };

test("a first condition starts the list, with the time in whole seconds", () => {
  const status = { other: [1] };

  expect(withCondition(status, found, now)).toEqual({ other: [1], conditions: [{ ...found, lastTransitionTime: "2026-03-04T05:06:07Z" }] });
  expect(status).toEqual({ other: [1] });
});

test("a condition that says the same again changes nothing, not even its time", () => {
  const status = { conditions: [{ ...stands, severity: "low" }] };

  expect(withCondition(status, found, now)).toBe(status);
});

test("a condition without a message says the same as one with an empty message", () => {
  const { message: _, ...silent } = stands;
  const status = { conditions: [silent] };

  expect(withCondition(status, { ...found, message: "" }, now)).toBe(status);
});

test.each([
  ["status", { status: "False" }],
  ["reason", { reason: "Missing" }],
  ["message", { message: "Where is it" }],
] as const)("another %s takes the place of the former, and the others stay where they are", (_, difference) => {
  const first = { type: "First", status: "Unknown" };
  const last = { type: "Last", extra: { deep: true } };
  const status = { conditions: [first, stands, last] };

  const changed = withCondition(status, { ...found, ...difference }, now);

  expect(changed.conditions).toEqual([first, { ...found, ...difference, lastTransitionTime: "2026-03-04T05:06:07Z" }, last]);
});

test("a condition is found by its type, and one that is missing has no value at all", () => {
  const status = { conditions: [stands] };

  expect(findCondition(status, "Found")).toEqual(stands);
  expect(findCondition(status, "Lost")).toBeUndefined();
  expect(isAny(status, "True", ["Lost", "Found"])).toBe(true);
  for (const value of ["True", "False", "Unknown"] as const) expect(isAny(status, value, ["Lost"])).toBe(false);
});

test.each([["text"], [{}], [[null]], [["text"]]])("conditions that are %j are an error, and not written over", (conditions) => {
  expect(() => withCondition({ conditions }, found, now)).toThrow(ParameterError);
});

test.each([
  ["BackendRepositoryInitialized", "BackendRepositoryFound", "FailedToInitializeBackendRepository"],
  ["RetentionPolicyApplied", "SuccessfullyAppliedRetentionPolicy", "FailedToApplyRetentionPolicy"],
  ["RepositoryIntegrityVerified", "SuccessfullyVerifiedRepositoryIntegrity", "FailedToVerifyRepositoryIntegrity"],
] as [OutcomeType, string, string][])("%s is True or False, with Stash's reasons", (type, succeeded, failed) => {
  const message = "so";

  expect(outcomeCondition(type, { isSuccess: true, message })).toEqual({ type, status: "True", reason: succeeded, message });
  expect(outcomeCondition(type, { isSuccess: false, message })).toEqual({ type, status: "False", reason: failed, message });
});

test.each([
  ["MetricsPushed", "SuccessfullyPushedMetrics", "FailedToPushMetrics"],
  ["RepositoryMetricsPushed", "SuccessfullyPushedRepositoryMetrics", "FailedToPushRepositoryMetrics"],
] as [OutcomeType, string, string][])("%s is True even when the push failed: only its reason says so", (type, succeeded, failed) => {
  const message = "so";

  expect(outcomeCondition(type, { isSuccess: true, message })).toEqual({ type, status: "True", reason: succeeded, message });
  expect(outcomeCondition(type, { isSuccess: false, message })).toEqual({ type, status: "True", reason: failed, message });
});
