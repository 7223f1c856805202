import type { Action, Decision } from "../action.ts";
import type { KindName } from "../kinds.ts";
import { identityOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import type { OperatorSettings } from "../settings.ts";
import { judgeExecutor } from "./judge-executor.ts";

export interface ObservedTrigger {
  readonly job: LiveObject;
  readonly pods: readonly LiveObject[];
  /** Whose backup it was to start; absent when that is gone. */
  readonly invoker: LiveObject | undefined;
}

/** On a trigger's Job, once people were told of its failure. */
const FAILURE_TOLD = "holdfast/failure-told";
/** By then its CronJob's controller has seen it end: it would warn of a Job that went missing, and not count the success. */
const SEEN_AFTER_MS = 5_000;

/** A trigger that is done is removed. One that failed has started no backup, and nothing else would tell of it. */
export function decideTriggerJob(
  observed: ObservedTrigger,
  now: Date,
  settings: Pick<OperatorSettings, "pendingTimeoutMs" | "waitingTimeoutMs">,
): Decision {
  const { job, pods } = observed;
  if (isBeingDeleted(job) || job.metadata.annotations?.[FAILURE_TOLD] !== undefined) return { actions: [] };
  const state = judgeExecutor(job, pods, { now, settings });
  switch (state.kind) {
    case "absent":
      return { actions: [] };
    case "succeeded":
      return removeAt(new Date(state.finished.getTime() + SEEN_AFTER_MS), { job, now });
    case "working": {
      const { trouble, wakeAt } = state;
      return { actions: trouble === undefined ? [] : [tell(observed, { ...trouble, isOver: false })], wakeAt };
    }
    case "failed":
      // Unless the Job itself gave up, it may still come right.
      return { actions: [tell(observed, { ...state.failure, isOver: true }), ...(hasFailed(job) ? [mark(job)] : [])] };
  }
}

function removeAt(time: Date, { job, now }: { readonly job: LiveObject; readonly now: Date }): Decision {
  if (now < time) return { actions: [], wakeAt: time };
  return { actions: [{ do: "remove", kind: "Job", object: identityOf(job) }] };
}

function tell(
  { job, invoker }: ObservedTrigger,
  { reason, message, isOver }: { readonly reason: string; readonly message: string; readonly isOver: boolean },
): Action {
  const about = invoker ?? job;
  return {
    do: "event",
    kind: about.kind as KindName,
    object: identityOf(about),
    type: "Warning",
    reason: isOver ? "TriggerFailed" : "TriggerDelayed",
    message: `Job "${job.metadata.name}" ${isOver ? "started no backup" : "has not started a backup yet"} (${reason}): ${message}`,
  };
}

function hasFailed({ status }: LiveObject): boolean {
  const conditions = (status?.conditions ?? []) as readonly { readonly type: string; readonly status: string }[];
  return conditions.some((condition) => condition.type === "Failed" && condition.status === "True");
}

function mark(job: LiveObject): Action {
  const change = (live: LiveObject): LiveObject => ({
    ...live,
    metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, [FAILURE_TOLD]: "true" } },
  });
  return { do: "metadata", kind: "Job", object: identityOf(job), change };
}
