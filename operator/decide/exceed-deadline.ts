import type { Status } from "../../runner/kubernetes/cluster.ts";
import { isAny, withCondition } from "../../runner/kubernetes/status-condition.ts";
import type { Decision } from "../action.ts";
import type { DecideOptions, ObservedBackupSession } from "./observed-backup-session.ts";
import { sessionEvent, sessionStatus, withEntry } from "./session-facts.ts";
import { deadlineOf, withDeadline } from "./start-backup.ts";

/** A session whose time is up, whether it has begun or not. `undefined` while there is time left, or none is set, and once it is said. */
export function exceedDeadline(observed: ObservedBackupSession, { now }: DecideOptions): Decision | undefined {
  const { session, target } = observed;
  const deadline = deadlineOf(observed);
  if (deadline === undefined || now < deadline || isAny(session.status ?? {}, "True", ["DeadlineExceeded"])) return undefined;
  const message = `The session did not end by ${deadline.toISOString().slice(0, 19)}Z; raise spec.timeOut of its invoker if backups need longer`;
  const condition = { type: "DeadlineExceeded", status: "True", reason: "FailedToCompleteWithinDeadline", message } as const;
  // One that never began has no target yet; its failure is told as that of any other.
  const named = (status: Status) => withEntry(status, target, (entry) => entry);
  const change = sessionStatus(session, (status) => withCondition(withDeadline(named(status), observed), condition, now), now);
  return { actions: [change, sessionEvent(session, { type: "Warning", reason: "DeadlineExceeded", message })] };
}
