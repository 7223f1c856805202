import { findTarget } from "../../runner/kubernetes/status-target.ts";
import { type Decision, NOTHING } from "../action.ts";
import { isBeingDeleted } from "../objects.ts";
import { exceedDeadline } from "./exceed-deadline.ts";
import { finishBackup } from "./finish-backup.ts";
import type { DecideOptions, ObservedBackupSession } from "./observed-backup-session.ts";
import { decideRetry } from "./retry.ts";
import { isFinal, isStarted } from "./session-facts.ts";
import { admitBackup } from "./start-backup.ts";
import { watchExecutor } from "./watch-executor.ts";

/** What is to be done for one BackupSession now: the first step that has something to do. One that is final stays as it is. */
export function decideBackupSession(observed: ObservedBackupSession | undefined, options: DecideOptions): Decision {
  if (observed === undefined || isBeingDeleted(observed.session)) return NOTHING;
  const { session, target } = observed;
  if (isFinal(session)) return decideRetry(observed, options);
  const ending = finishBackup(observed, options) ?? exceedDeadline(observed, options);
  if (ending !== undefined) return ending;
  return isStarted(findTarget(session.status ?? {}, target)) ? watchExecutor(observed, options) : admitBackup(observed, options);
}
