import type { StatusChange } from "../../runner/kubernetes/cluster.ts";
import { completedRestore } from "../../runner/kubernetes/status.ts";
import type { Condition } from "../../runner/kubernetes/status-condition.ts";
import { withCondition } from "../../runner/kubernetes/status-condition.ts";
import { restoreTargetPhase } from "../../runner/kubernetes/status-restore-phase.ts";
import type { Action, ChangeStatus, TellEvent } from "../action.ts";
import { identityOf, type LiveObject } from "../objects.ts";

export interface RestoreMoment {
  readonly session: LiveObject;
  readonly now: Date;
}

/** Writes what `change` makes of the session's status, with all that follows from it. */
export function changeRestore({ session, now }: RestoreMoment, change: StatusChange): ChangeStatus {
  const times = { created: new Date(session.metadata.creationTimestamp), now };
  return {
    do: "status",
    kind: "RestoreSession",
    object: identityOf(session),
    change: (status) => completedRestore(change(status), times),
  };
}

export function tellOfRestore(
  { session }: RestoreMoment,
  event: Pick<TellEvent, "reason" | "message"> & Partial<Pick<TellEvent, "type">>,
): TellEvent {
  return { do: "event", kind: "RestoreSession", object: identityOf(session), type: "Warning", ...event };
}

/** Why there was no restore, or why nobody knows how it ended. A result that was written meanwhile stays the truth. */
export function failRestore(moment: RestoreMoment, { reason, message }: Pick<Condition, "reason" | "message">): readonly Action[] {
  const condition: Condition = { type: "RestoreExecutorEnsured", status: "False", reason, message };
  return [
    changeRestore(moment, (status) => (hasEnded(restoreTargetPhase(status)) ? status : withCondition(status, condition, moment.now))),
    tellOfRestore(moment, { reason, message }),
  ];
}

export function hasEnded(phase: string): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Unknown";
}
