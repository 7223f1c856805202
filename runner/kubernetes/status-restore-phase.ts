// The phases of a RestoreSession and of its only target, which share one list of conditions: the first rule that fits.
import type { Status } from "./cluster.ts";
import { findCondition, isAny } from "./status-condition.ts";
import { listIn } from "./status-list.ts";

export type RestoreTargetPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
export type RestoreSessionPhase = RestoreTargetPhase | "Invalid";

const STEPS = ["RestoreExecutorEnsured", "PreRestoreHookExecutionSucceeded", "PostRestoreHookExecutionSucceeded"];
const NEEDED = ["RepositoryFound", "BackendSecretFound", "RestoreTargetFound"];

/** Running until as many hosts have ended as there are; more than there are keep it running, too. */
export function restoreTargetPhase(status: Status): RestoreTargetPhase {
  const totalHosts = status.totalHosts ?? undefined;
  if (isAny(status, "False", STEPS)) return "Failed";
  if (totalHosts === undefined || hasNoConditions(status) || isAny(status, "False", ["RestoreTargetFound"])) return "Pending";
  const phases = listIn(status, "stats").map((host) => host.phase);
  const finished = phases.filter((phase) => phase === "Succeeded" || phase === "Failed" || phase === "Unknown");
  if (finished.length !== totalHosts) return "Running";
  if (finished.includes("Unknown")) return "Unknown";
  return finished.includes("Failed") ? "Failed" : "Succeeded";
}

export function restoreSessionPhase(status: Status): RestoreSessionPhase {
  const target = restoreTargetPhase(status);
  if (isAny(status, "False", ["MetricsPushed"])) return "Failed";
  if (isAny(status, "True", ["MetricsPushed"]) && isAny(status, "True", ["DeadlineExceeded"])) return "Failed";
  if (hasNoConditions(status) || target === "Pending") return "Pending";
  if (isAny(status, "False", NEEDED)) return "Pending";
  if (target !== "Running") return findCondition(status, "MetricsPushed") === undefined ? "Running" : target;
  return isAny(status, "False", ["ValidationPassed"]) ? "Invalid" : "Running";
}

function hasNoConditions(status: Status): boolean {
  return listIn(status, "conditions").length === 0;
}
