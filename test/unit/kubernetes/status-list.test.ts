import { completedBackup, completedRestore } from "../../../runner/kubernetes/status.ts";
import { withCondition } from "../../../runner/kubernetes/status-condition.ts";
import { withHostStats, withRestoreHostStats } from "../../../runner/kubernetes/status-hosts.ts";
import { ref } from "../session-cases.ts";

const now = new Date("2026-01-02T03:05:23Z");
const times = { created: now, now };
const condition = { type: "MetricsPushed", status: "True", reason: "SuccessfullyPushedMetrics", message: "" } as const;
const failed = { hostname: "host-0", phase: "Failed", error: "so" } as const;
const refused = expect.objectContaining({ reason: "InvalidStatus", hint: expect.stringContaining("kubectl get") });

test.each([
  ["targets that are a text", () => completedBackup({ targets: "all" }, times)],
  ["a target that is none", () => completedBackup({ targets: [null] }, times)],
  ["stats that are an object", () => withHostStats({ targets: [{ ref, stats: { "host-0": "Succeeded" } }] }, ref, failed)],
  ["stats of a restore that are a number", () => withRestoreHostStats({ stats: 1 }, failed)],
  ["conditions that are words", () => withCondition({ conditions: ["MetricsPushed"] }, condition, now)],
  ["conditions of a restore that are an object", () => completedRestore({ conditions: { MetricsPushed: "True" } }, times)],
])("%s: nothing is written over them, and nothing is believed", (_, change) => {
  expect(change).toThrow(refused);
});

test("conditions without a type count for nothing, and stay", () => {
  const strange = { status: "True", reason: "SuccessfullyPushedMetrics" };
  const status = { conditions: [strange], targets: [{ ref, totalHosts: 1, stats: [{ hostname: "host-0", phase: "Succeeded" }] }] };

  const completed = completedBackup(withCondition(status, { ...condition, type: "BackupHistoryCleaned" }, now), times);

  expect(completed).toMatchObject({ phase: "Running", conditions: [strange, { type: "BackupHistoryCleaned" }] });
});

test("lists that are null are empty", () => {
  expect(completedBackup({ targets: null, conditions: null }, times)).toMatchObject({ phase: "Pending" });
  expect(withRestoreHostStats({ stats: null }, failed)).toEqual({ stats: [failed] });
});
