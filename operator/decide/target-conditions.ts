// Conditions of a session's target that the operator writes, and none of them over a result that is there.
import type { Status, StatusChange } from "../../runner/kubernetes/cluster.ts";
import { backupTargetPhase } from "../../runner/kubernetes/status-backup-phase.ts";
import { findCondition, withCondition } from "../../runner/kubernetes/status-condition.ts";
import type { TargetRef } from "../../runner/kubernetes/status-target.ts";
import { withEntry } from "./session-facts.ts";

export function isEnded(entry: Status | undefined): boolean {
  const phase = entry === undefined ? "Pending" : backupTargetPhase(entry);
  return phase === "Succeeded" || phase === "Failed";
}

/** The target has failed because what did the work is gone or broken. A result that was written stays the truth. */
export function disrupted(ref: TargetRef, failure: { readonly reason: string; readonly message: string }, now: Date): StatusChange {
  const message = `${failure.reason}: ${failure.message}`;
  const condition = { type: "BackupDisrupted", status: "True", reason: "FailedToCompleteDueToDisruption", message } as const;
  return (status) => withEntry(status, ref, (entry) => (isEnded(entry) ? entry : withCondition(entry, condition, now)));
}

/** The Job is there. */
export function ensured(ref: TargetRef, now: Date): StatusChange {
  const [type, reason] = ["BackupExecutorEnsured", "SuccessfullyEnsuredBackupExecutor"];
  const condition = { type, status: "True", reason, message: "The Job of the backup is there" } as const;
  return (status) =>
    withEntry(status, ref, (entry) => (findCondition(entry, type) === undefined ? withCondition(entry, condition, now) : entry));
}

/** There will be no Job: the target has failed. Nothing where another operator has made it meanwhile. */
export function notEnsured(ref: TargetRef, message: string, now: Date): StatusChange {
  const condition = { type: "BackupExecutorEnsured", status: "False", reason: "FailedToEnsureBackupExecutor", message } as const;
  return (status) => withEntry(status, ref, (entry) => (isEnded(entry) || isEnsured(entry) ? entry : withCondition(entry, condition, now)));
}

/** Whether the operator has said that there is a Job. */
export function isEnsured(entry: Status | undefined): boolean {
  return entry !== undefined && findCondition(entry, "BackupExecutorEnsured")?.status === "True";
}
