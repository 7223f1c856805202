// The phases of a BackupSession and its targets, exactly as everybody who writes its status computes them: the first rule that fits.
import type { Status } from "./cluster.ts";
import { isAny } from "./status-condition.ts";
import { listIn } from "./status-list.ts";

export type BackupTargetPhase = "Pending" | "Running" | "Succeeded" | "Failed";
export type BackupSessionPhase = "Pending" | "Skipped" | "Running" | "Succeeded" | "Failed";

const STEPS = ["RetentionPolicyApplied", "RepositoryMetricsPushed", "RepositoryIntegrityVerified"];
const ENDINGS = ["BackupHistoryCleaned", "GlobalPreBackupHookSucceeded", "GlobalPostBackupHookSucceeded"];

/** Running until as many hosts have ended as there are; more than there are keep it running, too. */
export function backupTargetPhase(target: Status): BackupTargetPhase {
  if (isAny(target, "False", ["BackupExecutorEnsured", "PreBackupHookExecutionSucceeded"])) return "Failed";
  if (isAny(target, "True", ["BackupDisrupted"])) return "Failed";
  if (isAny(target, "False", ["PostBackupHookExecutionSucceeded"])) return "Failed";
  const totalHosts = target.totalHosts ?? undefined;
  if (totalHosts === undefined) return "Pending";
  const phases = listIn(target, "stats").map((host) => host.phase);
  const failed = phases.filter((phase) => phase === "Failed").length;
  const done = failed + phases.filter((phase) => phase === "Succeeded").length;
  if (done === totalHosts) return failed > 0 ? "Failed" : "Succeeded";
  return "Running";
}

/** Of the session, from its conditions and the phases of its targets, which have to be computed before. */
export function backupSessionPhase(status: Status): BackupSessionPhase {
  const phases = listIn(status, "targets").map((target) => target.phase);
  const isPushed = isAny(status, "True", ["MetricsPushed"]);
  if (isAny(status, "False", ["MetricsPushed"])) return "Failed";
  if (isAny(status, "True", ["BackupSkipped"])) return "Skipped";
  if (isPushed && (isAny(status, "True", ["DeadlineExceeded"]) || isAny(status, "False", ENDINGS))) return "Failed";
  if (phases.every((phase) => phase === "Pending" || (phase ?? "") === "")) return "Pending";
  if (isPushed && phases.every((phase) => phase === "Succeeded" || phase === "Failed")) {
    return phases.includes("Failed") || isAny(status, "False", STEPS) ? "Failed" : "Succeeded";
  }
  return "Running";
}
