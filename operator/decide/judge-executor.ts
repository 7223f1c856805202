import type { ExecutorFailure, ExecutorState } from "../executor.ts";
import { controllerOf, type LiveObject } from "../objects.ts";
import type { OperatorSettings } from "../settings.ts";
import { containerFailure } from "./container-failure.ts";
import {
  conditionThat,
  dateOf,
  type ObservedCondition,
  type ObservedJob,
  type ObservedPod,
  observeJob,
  observePod,
} from "./executor-objects.ts";
import { deadlineExceeded, podFailure } from "./pod-failure.ts";
import { podTrouble, type Trouble } from "./pod-trouble.ts";

export interface JudgeOptions {
  readonly now: Date;
  readonly settings: Pick<OperatorSettings, "pendingTimeoutMs" | "waitingTimeoutMs">;
}

/**
 * What the Job and its pods say of one target's work; pods of others are left aside. The same condition stands on every Job that failed, so the reason comes from the pod as
 * long as there is one. Nothing is remembered: all limits are counted from times that stand in the objects.
 */
export function judgeExecutor(job: LiveObject | undefined, pods: readonly LiveObject[], options: JudgeOptions): ExecutorState {
  if (job === undefined) return { kind: "absent" };
  const observed = observeJob(job);
  const own = pods
    .filter((pod) => controllerOf(pod)?.uid === job.metadata.uid)
    .map(observePod)
    .toSorted(byAge);
  const complete =
    conditionThat(observed.conditions, "Complete", "True") ?? conditionThat(observed.conditions, "SuccessCriteriaMet", "True");
  if (complete !== undefined) {
    const finished = observed.completed ?? dateOf(complete.lastTransitionTime) ?? options.now;
    return { kind: "succeeded", finished };
  }
  const failed = conditionThat(observed.conditions, "Failed", "True");
  if (failed !== undefined) return { kind: "failed", failure: jobFailure(observed, { pods: own, condition: failed }) };
  const ended = own[0]?.phase === "Failed" ? podFailure(own[0], observed) : undefined;
  if (ended !== undefined && !observed.isRepeated) return { kind: "failed", failure: ended };
  if (ended !== undefined) return { kind: "working", trouble: { reason: ended.reason, message: ended.message } };
  return stateOf(runningTrouble(observed, { pods: own, options }), options.now);
}

/** The newest first: it is the one that a Job of several tries is at. */
function byAge(one: ObservedPod, other: ObservedPod): number {
  return other.created.getTime() - one.created.getTime();
}

/** A deadline ends the pod as a deletion does, so the Job's word goes first there. */
function jobFailure(
  job: ObservedJob,
  { pods, condition }: { pods: readonly ObservedPod[]; condition: ObservedCondition },
): ExecutorFailure {
  const said = condition.message ?? "";
  if (condition.reason === "DeadlineExceeded") return deadlineExceeded(`Job "${job.name}" did not end in time`);
  const pod = pods.find(({ phase }) => phase === "Failed") ?? pods.find(({ phase }) => phase !== "Succeeded");
  if (pod !== undefined) return podFailure(pod, job);
  const [, name, exitCode] = /^Container (\S+) for pod \S+ failed with exit code (\d+)/.exec(said) ?? [];
  if (name !== undefined) {
    const end = { exitCode: Number(exitCode), message: "its pod is gone, and with it the reason" };
    const failure = containerFailure({ containers: [{ name, state: { terminated: end } }] }, job.memoryLimits);
    if (failure !== undefined) return failure;
  }
  const message = `The pod of Job "${job.name}" is gone, and was not seen to fail by itself: somebody deleted it, or its node is gone`;
  return { reason: "PodDeleted", message, isWorthRetry: true };
}

interface Running {
  readonly pods: readonly ObservedPod[];
  readonly options: JudgeOptions;
}

function runningTrouble(job: ObservedJob, { pods, options: { settings } }: Running): Trouble | undefined {
  const suspended = conditionThat(job.conditions, "Suspended", "True");
  if (suspended !== undefined) return jobSuspended(job, { since: dateOf(suspended.lastTransitionTime) ?? job.created, settings });
  const failing = conditionThat(job.conditions, "FailureTarget", "True");
  if (failing !== undefined) return jobFailing(job, { pods, condition: failing, settings });
  const newest = pods[0];
  if (newest?.phase === "Succeeded") return undefined;
  if (newest !== undefined) return podTrouble(newest, settings);
  return job.active > 0 ? undefined : podNotCreated(job, settings);
}

function stateOf(trouble: Trouble | undefined, now: Date): ExecutorState {
  if (trouble === undefined) return { kind: "working" };
  const { failure, toldAt, failsAt } = trouble;
  if (now >= failsAt) return { kind: "failed", failure };
  if (toldAt !== undefined && now < toldAt) return { kind: "working", wakeAt: earlier(toldAt, failsAt) };
  return { kind: "working", trouble: { reason: failure.reason, message: failure.message }, wakeAt: failsAt };
}

function jobSuspended(job: ObservedJob, { since, settings }: { since: Date; settings: JudgeOptions["settings"] }): Trouble {
  const message = `Job "${job.name}" is suspended: somebody else has to let it start`;
  return { failure: { reason: "JobSuspended", message, isWorthRetry: true }, failsAt: after(since, settings.pendingTimeoutMs) };
}

/** The Job has failed, and waits for its pods to end: they may still write what came of the work. */
function jobFailing(
  job: ObservedJob,
  { pods, condition, settings }: { pods: readonly ObservedPod[]; condition: ObservedCondition; settings: JudgeOptions["settings"] },
): Trouble {
  const since = dateOf(condition.lastTransitionTime) ?? job.created;
  const failsAt = after(since, settings.waitingTimeoutMs);
  return { failure: jobFailure(job, { pods, condition }), toldAt: failsAt, failsAt };
}

/** Told when it lasts: the controller needs a moment for every Job. */
const CREATION_MS = 30_000;

function podNotCreated(job: ObservedJob, settings: JudgeOptions["settings"]): Trouble {
  const since = job.started ?? job.created;
  const look = `kubectl -n ${job.namespace} describe job ${job.name}`;
  const message = `Job "${job.name}" has no pod: look at its events (${look}); a quota, a missing ServiceAccount or Pod Security may be why`;
  return {
    failure: { reason: "PodNotCreated", message, isWorthRetry: true },
    toldAt: after(since, CREATION_MS),
    failsAt: after(since, settings.waitingTimeoutMs),
  };
}

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

function after(time: Date, milliseconds: number): Date {
  return new Date(time.getTime() + milliseconds);
}
