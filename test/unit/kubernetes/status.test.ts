import type { Status } from "../../../runner/kubernetes/cluster.ts";
import { completedBackup, completedRestore } from "../../../runner/kubernetes/status.ts";
import { withCondition } from "../../../runner/kubernetes/status-condition.ts";
import { outcomeCondition } from "../../../runner/kubernetes/status-outcome.ts";
import { conditions } from "./status-cases.ts";

const created = new Date("2026-01-02T03:04:05Z");
const now = new Date("2026-01-02T03:05:23.400Z");
const times = { created, now };
const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "sample", namespace: "demo" };
const done = { ref, totalHosts: 1, stats: [{ hostname: "host-0", phase: "Succeeded" }] };
const ended = { ...conditions("MetricsPushed=True"), targets: [done] };

test("the phases of targets and of the session follow from the rest, and what nobody knows is kept", () => {
  const status = {
    sessionDeadline: "2026-01-03T00:00:00Z",
    extra: [1],
    targets: [{ ...done, custom: { deep: 1 } }, { ref: { ...ref, name: "b" } }],
  };

  expect(completedBackup(status, times)).toEqual({
    sessionDeadline: "2026-01-03T00:00:00Z",
    extra: [1],
    phase: "Running",
    targets: [
      { ...done, phase: "Succeeded", custom: { deep: 1 } },
      { ref: { ...ref, name: "b" }, phase: "Pending" },
    ],
  });
});

test("a phase that somebody wrote without a ground is put right", () => {
  const status = { phase: "Succeeded", targets: [{ ref, totalHosts: 1, phase: "Succeeded" }] };

  expect(completedBackup(status, times)).toEqual({ phase: "Running", targets: [{ ref, totalHosts: 1, phase: "Running" }] });
});

test("the duration is set once, at the write that makes the phase final", () => {
  const running = completedBackup({ targets: [done] }, times);
  const final = completedBackup({ ...running, ...ended }, times);
  const later = completedBackup({ ...final, retried: true }, { created, now: new Date("2027-01-01T00:00:00Z") });

  expect(running).not.toHaveProperty("sessionDuration");
  expect(final).toMatchObject({ phase: "Succeeded", sessionDuration: "1m18s" });
  expect(later).toEqual({ ...final, retried: true });
});

test("a session that was skipped has its duration, too", () => {
  expect(completedBackup(conditions("BackupSkipped=True"), times)).toMatchObject({ phase: "Skipped", sessionDuration: "1m18s" });
});

test("a duration is never negative, although the clock of the cluster may be ahead of ours", () => {
  expect(completedBackup(ended, { created: now, now: created })).toMatchObject({ sessionDuration: "0s" });
});

test("a status from which nothing new follows is given back itself", () => {
  const backup = completedBackup(ended, times);
  const restore = completedRestore({ ...conditions("MetricsPushed=True"), totalHosts: 1 }, times);

  expect(completedBackup(backup, times)).toBe(backup);
  expect(completedRestore(restore, times)).toBe(restore);
});

test("a session without targets gets no list of them", () => {
  expect(completedBackup({}, times)).toEqual({ phase: "Pending" });
});

test("metrics that could not be pushed leave a complete backup succeeded", () => {
  const pushed = ["MetricsPushed", "RepositoryMetricsPushed"] as const;
  const failed = pushed.map((type) => outcomeCondition(type, { isSuccess: false, message: "No route" }));

  const status = failed.reduce<Status>((before, condition) => withCondition(before, condition, now), { targets: [done] });

  expect(completedBackup(status, times)).toMatchObject({
    phase: "Succeeded",
    conditions: [
      { type: "MetricsPushed", status: "True", reason: "FailedToPushMetrics", message: "No route" },
      { type: "RepositoryMetricsPushed", status: "True", reason: "FailedToPushRepositoryMetrics", message: "No route" },
    ],
  });
});

test.each([
  ["Succeeded", "Succeeded", "1m18s"],
  ["Failed", "Failed", "1m18s"],
  ["Unknown", "Unknown", "1m18s"],
  ["Running", "Running", undefined],
])("a restore whose host is %s is %s, and has a duration only at its end", (host, phase, sessionDuration) => {
  const status = { ...conditions("MetricsPushed=True"), totalHosts: 1, stats: [{ phase: host }], extra: 1 };

  expect(completedRestore(status, times)).toEqual({ ...status, phase, ...(sessionDuration && { sessionDuration }) });
});

test("a restore that is invalid may still become valid: it has no duration yet", () => {
  const status = { ...conditions("ValidationPassed=False"), totalHosts: 1 };

  expect(completedRestore(status, times)).toEqual({ ...status, phase: "Invalid" });
});
