import type { StatusChange } from "../../runner/kubernetes/cluster.ts";
import { completedRestore } from "../../runner/kubernetes/status.ts";
import { type Condition, findCondition, isAny, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { outcomeCondition } from "../../runner/kubernetes/status-outcome.ts";
import type { PushResult } from "../../runner/metrics/push-metrics.ts";
import type { Action, Decision } from "../action.ts";
import type { ExecutorState } from "../executor.ts";
import { identityOf, type LiveObject } from "../objects.ts";
import { changeRestore, type RestoreMoment, tellOfRestore } from "./restore-status.ts";
import { restoreSessionPushes } from "./session-metrics.ts";

export interface EndOptions {
  readonly appBindingTypes: ReadonlyMap<string, string>;
  readonly job?: LiveObject | undefined;
  readonly executor?: ExecutorState | undefined;
}

/**
 * Pushes the metrics, and says so in the condition that makes the phase final: the last word of a restore. A Job that goes on although its restore has failed is stopped
 * first, so that nothing is written into a database whose restore is told to be over.
 */
export function finishRestore(moment: RestoreMoment, { appBindingTypes, job, executor }: EndOptions): Decision {
  const { session, now } = moment;
  const isGivenUp =
    isAny(session.status ?? {}, "False", ["RestoreExecutorEnsured"]) || isAny(session.status ?? {}, "True", ["DeadlineExceeded"]);
  const stop: readonly Action[] =
    isGivenUp && job !== undefined && executor?.kind !== "succeeded" ? [{ do: "stop", job: identityOf(job) }] : [];
  const pushes = restoreSessionPushes({ session, appBindingTypes, now });
  const push: Action = { do: "push", pushes, afterwards: (result) => concluded(moment, result) };
  return { actions: [...stop, push] };
}

/** The session has lasted too long. @param deadline when it had to be over */
export function exceedDeadline(moment: RestoreMoment, deadline: Date): readonly Action[] {
  const { session, now } = moment;
  if (findCondition(session.status ?? {}, "DeadlineExceeded") !== undefined) return [];
  const message = `The restore was not over at ${deadline.toISOString()}: raise spec.timeOut in a new RestoreSession if it needs longer`;
  const condition: Condition = { type: "DeadlineExceeded", status: "True", reason: "FailedToCompleteWithinDeadline", message };
  return [
    changeRestore(moment, (status) => withCondition(status, condition, now)),
    tellOfRestore(moment, { reason: "DeadlineExceeded", message }),
  ];
}

function concluded(moment: RestoreMoment, result: PushResult | undefined): readonly Action[] {
  const outcome = outcomeOf(result);
  const condition = outcomeCondition("MetricsPushed", outcome);
  const change: StatusChange = (status) => withCondition(status, condition, moment.now);
  const created = new Date(moment.session.metadata.creationTimestamp);
  const { phase } = completedRestore(change(moment.session.status ?? {}), { created, now: moment.now });
  const told = outcome.isSuccess ? [] : [tellOfRestore(moment, { reason: condition.reason, message: condition.message })];
  return [changeRestore(moment, change), tellOfRestore(moment, phase === "Succeeded" ? GOOD : BAD), ...told];
}

const GOOD = { type: "Normal", reason: "RestoreSucceeded", message: "The restore is complete" } as const;
const BAD = { reason: "RestoreFailed", message: "The restore failed: the session's status says why" } as const;

function outcomeOf(result: PushResult | undefined): { readonly isSuccess: boolean; readonly message: string } {
  if (result === undefined) return { isSuccess: true, message: "No Pushgateway is named: metrics are not pushed" };
  return result.isPushed ? { isSuccess: true, message: "Metrics are pushed" } : { isSuccess: false, message: result.message };
}
