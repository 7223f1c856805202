import type { ExecutorFailure } from "../executor.ts";
import type { OperatorSettings } from "../settings.ts";
import { type ContainerStatus, conditionThat, dateOf, type ObservedPod } from "./executor-objects.ts";
import { disruptionOf } from "./pod-failure.ts";

/** Why a pod does not get on. */
export interface Trouble {
  /** As what it has failed at `failsAt`. */
  readonly failure: ExecutorFailure;
  /** Until then it is as things are in every pod, and nobody is told; at once when absent. */
  readonly toldAt?: Date | undefined;
  readonly failsAt: Date;
}

type Limits = Pick<OperatorSettings, "pendingTimeoutMs" | "waitingTimeoutMs">;

/** What keeps a pod that has not ended from working, with the time from which on it has failed: at once, in due time, or never (`undefined`: it works). */
export function podTrouble(pod: ObservedPod, limits: Limits): Trouble | undefined {
  if (pod.deleted !== undefined) return beingDeleted(pod, { deleted: pod.deleted, limits });
  if (conditionThat(pod.conditions, "PodScheduled", "True") === undefined && pod.containers.length === 0) return unscheduled(pod, limits);
  const since = latestStep(pod);
  const refused = pod.containers.find(({ state }) => !ORDINARY.has(state?.waiting?.reason ?? ""));
  if (refused !== undefined) return notStartable(refused, { pod, since, limits });
  return pod.containers.some(({ state }) => state?.running != null) ? undefined : notStarted(pod, { since, limits });
}

/** A pod on a node that is cut off is being deleted for ever. */
function beingDeleted(pod: ObservedPod, { deleted, limits }: { deleted: Date; limits: Limits }): Trouble {
  const failure = disruptionOf(pod);
  const why = failure ?? { reason: "PodDeleted", message: `Pod "${pod.name}" is being deleted`, isWorthRetry: true };
  const message = `${why.message}; it has not been seen to end`;
  return { failure: { ...why, message }, failsAt: after(deleted, limits.waitingTimeoutMs) };
}

function unscheduled(pod: ObservedPod, { pendingTimeoutMs, waitingTimeoutMs }: Limits): Trouble {
  const failsAt = after(pod.created, pendingTimeoutMs);
  const refused = conditionThat(pod.conditions, "PodScheduled", "False");
  if (refused === undefined) {
    const message = `No scheduler has looked at pod "${pod.name}": does the cluster's scheduler run, or that of spec.runtimeSettings.pod.schedulerName?`;
    const toldAt = after(pod.created, waitingTimeoutMs);
    return { failure: { reason: "Unschedulable", message, isWorthRetry: true }, toldAt, failsAt };
  }
  const said = refused.message ? `: ${refused.message}` : "";
  const remedy = "make room for it, or change spec.runtimeSettings (resources, nodeSelector, tolerations, affinity)";
  const message = `No node takes pod "${pod.name}"${said}; ${remedy}`;
  return { failure: { reason: refused.reason || "Unschedulable", message, isWorthRetry: true }, failsAt };
}

interface Waiting {
  readonly pod: ObservedPod;
  readonly since: Date;
  readonly limits: Limits;
}

/** What every container waits for at first. */
const ORDINARY: ReadonlySet<string> = new Set(["", "ContainerCreating", "PodInitializing"]);
/** Nothing but another object makes these right. */
const LASTING: ReadonlySet<string> = new Set(["InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"]);

function notStartable({ name, state }: ContainerStatus, { pod, since, limits }: Waiting): Trouble {
  const reason = state?.waiting?.reason ?? "";
  const said = state?.waiting?.message ? `: ${state.waiting.message.trim()}` : "";
  const message = `Container "${name}" of pod "${pod.name}" cannot be started, ${reason}${said}; ${remedyFor(reason)}`;
  const failsAt = reason === "InvalidImageName" ? since : after(since, limits.waitingTimeoutMs);
  return { failure: { reason, message, isWorthRetry: !LASTING.has(reason) }, failsAt };
}

function remedyFor(reason: string): string {
  if (reason === "InvalidImageName") return "correct the image in the Function";
  if (/Image|Registry|Signature/.test(reason)) return "check the Function's image, and imagePullSecrets in spec.runtimeSettings.pod";
  return "check the Function and spec.runtimeSettings: a Secret or ConfigMap that they name may be missing";
}

/** A volume that cannot be mounted shows nowhere but in events. */
function notStarted(pod: ObservedPod, { since, limits }: Omit<Waiting, "pod">): Trouble {
  const message = `Pod "${pod.name}" has a node, but its containers do not start; look at its events (kubectl describe pod ${pod.name}): a volume or Secret may be missing`;
  return {
    failure: { reason: "PodNotStarted", message, isWorthRetry: true },
    toldAt: after(since, limits.waitingTimeoutMs),
    failsAt: after(since, limits.pendingTimeoutMs),
  };
}

/** When the pod last got on: each container starts after the one before it ended, so a late container's wait is not counted from the pod's beginning. */
function latestStep({ created, started, conditions, containers }: ObservedPod): Date {
  const scheduled = dateOf(conditionThat(conditions, "PodScheduled", "True")?.lastTransitionTime);
  const ended = containers.map(({ state }) => dateOf(state?.terminated?.finishedAt));
  const steps = [created, started, scheduled, ...ended].filter((time) => time !== undefined);
  return new Date(Math.max(...steps.map((time) => time.getTime())));
}

function after(time: Date, milliseconds: number): Date {
  return new Date(time.getTime() + milliseconds);
}
