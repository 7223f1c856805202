import { restoreSessionPhase, restoreTargetPhase } from "../../../runner/kubernetes/status-restore-phase.ts";
import { combinations, conditions } from "./status-cases.ts";

const hosts = (...phases: string[]) => ({ stats: phases.map((phase, index) => ({ hostname: `host-${index}`, phase })) });
const ensured = conditions("RestoreExecutorEnsured=True");
const one = { totalHosts: 1 };

test.each([
  ["nothing is known", "Pending", {}],
  ["the hosts are not counted", "Pending", { ...ensured, ...hosts("Succeeded") }],
  ["there is no condition", "Pending", { ...one, ...hosts("Succeeded") }],
  ["there is nothing to restore into", "Pending", { ...one, ...hosts("Succeeded"), ...conditions("RestoreTargetFound=False") }],
  ["it is not known whether there is something to restore into", "Running", { ...one, ...conditions("RestoreTargetFound=Unknown") }],
  ["no host has ended", "Running", { ...one, ...ensured }],
  ["a host is at it", "Running", { ...one, ...ensured, ...hosts("Running") }],
  ["one of two has ended", "Running", { totalHosts: 2, ...ensured, ...hosts("Failed", "Running") }],
  ["more hosts than there are have ended", "Running", { ...one, ...ensured, ...hosts("Succeeded", "Succeeded") }],
  ["the only host succeeded", "Succeeded", { ...one, ...ensured, ...hosts("Succeeded") }],
  ["the only host failed", "Failed", { ...one, ...ensured, ...hosts("Failed") }],
  ["the only host's end is not known", "Unknown", { ...one, ...ensured, ...hosts("Unknown") }],
  ["one failed and another's end is not known", "Unknown", { totalHosts: 2, ...ensured, ...hosts("Failed", "Unknown") }],
  ["one of two that ended failed", "Failed", { totalHosts: 2, ...ensured, ...hosts("Succeeded", "Failed") }],
  ["the Job was not made", "Failed", conditions("RestoreExecutorEnsured=False")],
  ["the hook before it failed", "Failed", { ...one, ...conditions("PreRestoreHookExecutionSucceeded=False") }],
  ["the hook after it failed", "Failed", { ...one, ...hosts("Succeeded"), ...conditions("PostRestoreHookExecutionSucceeded=False") }],
])("when %s, the target is %s", (_, phase, status) => {
  expect(restoreTargetPhase(status)).toBe(phase);
});

test.each([
  ["", {}, "Pending"],
  ["", { ...one, ...hosts("Succeeded") }, "Pending"],
  ["RepositoryFound=True", {}, "Pending"],
  ["RestoreExecutorEnsured=True", one, "Running"],
  ["RepositoryFound=False", one, "Pending"],
  ["BackendSecretFound=False", { ...one, ...hosts("Succeeded") }, "Pending"],
  ["RestoreTargetFound=False MetricsPushed=True", { ...one, ...hosts("Succeeded") }, "Pending"],
  ["RestoreExecutorEnsured=False", one, "Running"],
  ["RestoreExecutorEnsured=False MetricsPushed=True", one, "Failed"],
  ["RestoreExecutorEnsured=True", { ...one, ...hosts("Succeeded") }, "Running"],
  ["RestoreExecutorEnsured=True", { ...one, ...hosts("Failed") }, "Running"],
  ["MetricsPushed=True", { ...one, ...hosts("Succeeded") }, "Succeeded"],
  ["MetricsPushed=Unknown", { ...one, ...hosts("Succeeded") }, "Succeeded"],
  ["MetricsPushed=True", { ...one, ...hosts("Failed") }, "Failed"],
  ["MetricsPushed=True", { ...one, ...hosts("Unknown") }, "Unknown"],
  ["MetricsPushed=True", one, "Running"],
  ["MetricsPushed=True ValidationPassed=False", { ...one, ...hosts("Succeeded") }, "Succeeded"],
  ["ValidationPassed=False", { ...one, ...hosts("Succeeded") }, "Running"],
  ["ValidationPassed=False", one, "Invalid"],
  ["ValidationPassed=False", {}, "Pending"],
  ["MetricsPushed=False", {}, "Failed"],
  ["MetricsPushed=False", { ...one, ...hosts("Succeeded") }, "Failed"],
  ["DeadlineExceeded=True", one, "Running"],
  ["DeadlineExceeded=True MetricsPushed=True", one, "Failed"],
  ["DeadlineExceeded=True MetricsPushed=True", { ...one, ...hosts("Succeeded") }, "Failed"],
])('with "%s" and %j a session is %s', (stand, status, phase) => {
  expect(restoreSessionPhase({ ...conditions(stand), ...status })).toBe(phase);
});

test("a session has succeeded only when its host has and nothing speaks against it, whatever else is said", () => {
  const needed = ["RepositoryFound", "BackendSecretFound", "RestoreTargetFound", "RestoreExecutorEnsured"];
  const hooks = ["PreRestoreHookExecutionSucceeded", "PostRestoreHookExecutionSucceeded"];
  const types = ["MetricsPushed", "DeadlineExceeded", ...needed, ...hooks];
  const wrong: string[] = [];

  for (const values of combinations(types, ["", "True", "False"])) {
    const said = (type: string) => values[types.indexOf(type)];
    const stand = conditions(types.map((type, index) => `${type}=${values[index]}`).join(" "));
    const isFine = said("MetricsPushed") === "True" && said("DeadlineExceeded") !== "True";
    const isUnspoiled = [...needed, ...hooks].every((type) => said(type) !== "False");
    for (const phases of [[], ["Succeeded"], ["Failed"], ["Unknown"], ["Running"], ["Succeeded", "Succeeded"]]) {
      const expected = isFine && isUnspoiled && phases.join() === "Succeeded";
      const phase = restoreSessionPhase({ ...stand, ...one, ...hosts(...phases) });
      if ((phase === "Succeeded") !== expected) wrong.push(`${values} ${phases}: ${phase}`);
    }
  }

  expect(wrong).toEqual([]);
});
