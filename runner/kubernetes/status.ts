// status: what is known of an object so far, written by many: the operator, the runs, hooks. Each changes its own part and computes the phases anew.
import type { Status } from "./cluster.ts";
import { formatSessionDuration } from "./go-format.ts";
import { backupSessionPhase, backupTargetPhase } from "./status-backup-phase.ts";
import { listIn } from "./status-list.ts";
import { restoreSessionPhase } from "./status-restore-phase.ts";

export interface SessionTimes {
  /** The session's own creationTimestamp. */
  readonly created: Date;
  readonly now: Date;
}

const FINAL = {
  backup: ["Succeeded", "Failed", "Skipped"],
  restore: ["Succeeded", "Failed", "Unknown"],
} as const;

/**
 * A BackupSession's status with all that follows from it: the phase of each target, that of the session, and how long it took once that is final.
 * Everybody's every write goes through this. The very same value when nothing follows anew.
 */
export function completedBackup(status: Status, times: SessionTimes): Status {
  const targets = listIn(status, "targets");
  const judged = targets.map((target) => withField(target, "phase", backupTargetPhase(target)));
  const isSame = judged.every((target, index) => target === targets[index]);
  const changed = isSame ? status : { ...status, targets: judged };
  return withPhase(changed, { ...times, phase: backupSessionPhase(changed), final: FINAL.backup });
}

/** The same for a RestoreSession. */
export function completedRestore(status: Status, times: SessionTimes): Status {
  return withPhase(status, { ...times, phase: restoreSessionPhase(status), final: FINAL.restore });
}

function withPhase(status: Status, options: SessionTimes & { readonly phase: string; readonly final: readonly string[] }): Status {
  const { created, now, phase, final } = options;
  const changed = withField(status, "phase", phase);
  const isTimed = (status.sessionDuration ?? "") !== "";
  if (isTimed || !final.includes(phase)) return changed;
  return { ...changed, sessionDuration: formatSessionDuration(now.getTime() - created.getTime()) };
}

function withField(object: Status, field: string, value: string): Status {
  return object[field] === value ? object : { ...object, [field]: value };
}
