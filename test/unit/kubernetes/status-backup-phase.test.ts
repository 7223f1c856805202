import { backupSessionPhase, backupTargetPhase } from "../../../runner/kubernetes/status-backup-phase.ts";
import { combinations, conditions } from "./status-cases.ts";

const hosts = (...phases: string[]) => ({ stats: phases.map((phase, index) => ({ hostname: `host-${index}`, phase })) });
const targets = (...phases: string[]) => ({ targets: phases.map((phase) => ({ phase })) });

test.each([
  ["nothing is known", "Pending", {}],
  ["the hosts are not counted", "Pending", { ...conditions("BackupExecutorEnsured=True"), ...hosts("Succeeded") }],
  ["the hosts are null", "Pending", { totalHosts: null, ...hosts("Succeeded") }],
  ["no host has ended", "Running", { totalHosts: 1 }],
  ["a host has no phase", "Running", { totalHosts: 1, stats: [{ hostname: "host-0" }] }],
  ["a host is at something unknown", "Running", { totalHosts: 1, ...hosts("Unknown") }],
  ["one of two hosts has ended", "Running", { totalHosts: 2, ...hosts("Succeeded") }],
  ["one of two hosts has failed", "Running", { totalHosts: 2, ...hosts("Failed") }],
  ["more hosts than there are have ended", "Running", { totalHosts: 1, ...hosts("Succeeded", "Succeeded") }],
  ["the only host succeeded", "Succeeded", { totalHosts: 1, ...hosts("Succeeded") }],
  ["the only host failed", "Failed", { totalHosts: 1, ...hosts("Failed") }],
  ["one of two that ended failed", "Failed", { totalHosts: 2, ...hosts("Failed", "Succeeded") }],
  ["both succeeded", "Succeeded", { totalHosts: 2, ...hosts("Succeeded", "Succeeded") }],
  ["the Job was not made", "Failed", conditions("BackupExecutorEnsured=False")],
  ["the hook before it failed", "Failed", { totalHosts: 1, ...conditions("PreBackupHookExecutionSucceeded=False") }],
  ["it was disrupted", "Failed", { totalHosts: 1, ...hosts("Succeeded"), ...conditions("BackupDisrupted=True") }],
  ["it was not disrupted", "Succeeded", { totalHosts: 1, ...hosts("Succeeded"), ...conditions("BackupDisrupted=False") }],
  ["the hook after it failed", "Failed", { totalHosts: 1, ...hosts("Succeeded"), ...conditions("PostBackupHookExecutionSucceeded=False") }],
  [
    "a hook's end is not known",
    "Succeeded",
    { totalHosts: 1, ...hosts("Succeeded"), ...conditions("PreBackupHookExecutionSucceeded=Unknown") },
  ],
])("when %s, a target is %s", (_, phase, target) => {
  expect(backupTargetPhase(target)).toBe(phase);
});

test.each([
  ["", [], "Pending"],
  ["", ["Pending"], "Pending"],
  ["", ["Pending", ""], "Pending"],
  ["", ["Running"], "Running"],
  ["", ["Pending", "Succeeded"], "Running"],
  ["", ["Succeeded"], "Running"],
  ["", ["Failed", "Failed"], "Running"],
  ["MetricsPushed=Unknown", ["Succeeded"], "Running"],
  ["MetricsPushed=True", ["Succeeded"], "Succeeded"],
  ["MetricsPushed=True", ["Succeeded", "Failed"], "Failed"],
  ["MetricsPushed=True", ["Succeeded", "Running"], "Running"],
  ["MetricsPushed=True", ["Succeeded", "Pending"], "Running"],
  ["MetricsPushed=True", [], "Pending"],
  ["MetricsPushed=True RetentionPolicyApplied=False", ["Succeeded"], "Failed"],
  ["MetricsPushed=True RepositoryMetricsPushed=False", ["Succeeded"], "Failed"],
  ["MetricsPushed=True RepositoryIntegrityVerified=False", ["Succeeded"], "Failed"],
  ["MetricsPushed=True RepositoryIntegrityVerified=True RetentionPolicyApplied=True", ["Succeeded"], "Succeeded"],
  ["RetentionPolicyApplied=False", ["Succeeded"], "Running"],
  ["MetricsPushed=True RetentionPolicyApplied=False", ["Running"], "Running"],
  ["MetricsPushed=True BackendRepositoryInitialized=False", ["Succeeded"], "Succeeded"],
  ["MetricsPushed=False", [], "Failed"],
  ["MetricsPushed=False", ["Running"], "Failed"],
  ["MetricsPushed=False BackupSkipped=True", ["Succeeded"], "Failed"],
  ["BackupSkipped=True", [], "Skipped"],
  ["BackupSkipped=True", ["Running"], "Skipped"],
  ["BackupSkipped=True MetricsPushed=True DeadlineExceeded=True", ["Failed"], "Skipped"],
  ["BackupSkipped=False", ["Running"], "Running"],
  ["DeadlineExceeded=True", ["Running"], "Running"],
  ["DeadlineExceeded=True MetricsPushed=True", ["Running"], "Failed"],
  ["DeadlineExceeded=False MetricsPushed=True", ["Running"], "Running"],
  ["DeadlineExceeded=True MetricsPushed=True", [], "Failed"],
  ["BackupHistoryCleaned=False", ["Succeeded"], "Running"],
  ["BackupHistoryCleaned=False MetricsPushed=True", ["Succeeded"], "Failed"],
  ["BackupHistoryCleaned=True MetricsPushed=True", ["Succeeded"], "Succeeded"],
  ["GlobalPreBackupHookSucceeded=False MetricsPushed=True", ["Pending"], "Failed"],
  ["GlobalPostBackupHookSucceeded=False MetricsPushed=True", ["Succeeded"], "Failed"],
  ["GlobalPreBackupHookSucceeded=False", ["Pending"], "Pending"],
])('with "%s" and targets %j a session is %s', (stand, phases, phase) => {
  expect(backupSessionPhase({ ...conditions(stand), ...targets(...phases) })).toBe(phase);
});

test("a session has succeeded only when nothing at all speaks against it, whatever else is said", () => {
  const bad = [
    "RetentionPolicyApplied",
    "RepositoryMetricsPushed",
    "RepositoryIntegrityVerified",
    "BackupHistoryCleaned",
    "GlobalPostBackupHookSucceeded",
  ];
  const types = ["MetricsPushed", "BackupSkipped", "DeadlineExceeded", "GlobalPreBackupHookSucceeded", ...bad];
  const wrong: string[] = [];

  for (const values of combinations(types, ["", "True", "False"])) {
    const said = (type: string) => values[types.indexOf(type)];
    const stand = conditions(types.map((type, index) => `${type}=${values[index]}`).join(" "));
    const isFine = said("MetricsPushed") === "True" && said("BackupSkipped") !== "True" && said("DeadlineExceeded") !== "True";
    const isUnspoiled = [...bad, "GlobalPreBackupHookSucceeded"].every((type) => said(type) !== "False");
    for (const phases of [[], ["Succeeded"], ["Succeeded", "Succeeded"], ["Succeeded", "Failed"], ["Succeeded", "Running"], ["Pending"]]) {
      const allSucceeded = phases.length > 0 && phases.every((phase) => phase === "Succeeded");
      const expected = isFine && isUnspoiled && allSucceeded;
      const phase = backupSessionPhase({ ...stand, ...targets(...phases) });
      if ((phase === "Succeeded") !== expected) wrong.push(`${values} ${phases}: ${phase}`);
    }
  }

  expect(wrong).toEqual([]);
});
