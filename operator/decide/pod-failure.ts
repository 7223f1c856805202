import type { ExecutorFailure } from "../executor.ts";
import { containerFailure } from "./container-failure.ts";
import { conditionThat, type ObservedJob, type ObservedPod } from "./executor-objects.ts";
import { readProgramResult } from "./program-result.ts";

type Cause = readonly [reason: string, meaning: string];

/** `status.reason` of a pod that its kubelet ended, or would not take. */
const POD_REASONS: Readonly<Record<string, Cause>> = {
  Evicted: ["Evicted", "its node evicted it"],
  Preempting: ["Preempted", "its node needed the room for a more important pod"],
  Terminated: ["NodeShutdown", "its node was shut down"],
  Shutdown: ["NodeShutdown", "its node was shut down"],
  NodeShutdown: ["NodeShutdown", "its node was shut down"],
  NodeLost: ["NodeLost", "its node was lost"],
  NodeAffinity: ["NodeRejected", "its node no longer suits it"],
  UnexpectedAdmissionError: ["NodeRejected", "its node did not take it"],
};

/** Reasons of the condition DisruptionTarget. */
const DISRUPTIONS: Readonly<Record<string, Cause>> = {
  PreemptionByScheduler: ["Preempted", "a more important pod took its place"],
  DeletionByTaintManager: ["NodeLost", "its node was lost, or tainted"],
  DeletionByPodGC: ["NodeLost", "its node was lost"],
  EvictionByEvictionAPI: ["Evicted", "it was evicted: somebody emptied its node"],
  TerminationByKubelet: ["Evicted", "its node ended it"],
};

/** Why a pod that has failed did so: what was done to it, else what its program says. */
export function podFailure(pod: ObservedPod, { memoryLimits }: Pick<ObservedJob, "memoryLimits">): ExecutorFailure {
  const container = containerFailure(pod, memoryLimits);
  if (container?.reason === "OutOfMemory" || endedByItself(pod)) return container ?? unknownFailure(pod);
  return disruptionOf(pod) ?? container ?? unknownFailure(pod);
}

/** What is done to a pod, or was: `undefined` when nothing is. */
export function disruptionOf(pod: ObservedPod): ExecutorFailure | undefined {
  if (pod.reason === "DeadlineExceeded") return deadlineExceeded(`Pod "${pod.name}" did not end in time`);
  const [reason, meaning] = POD_REASONS[pod.reason] ?? outOf(pod.reason) ?? disruption(pod) ?? [];
  if (reason !== undefined && meaning !== undefined) return failure(pod, { reason, meaning, said: pod.message });
  if (pod.deleted === undefined) return undefined;
  return failure(pod, { reason: "PodDeleted", meaning: "somebody deleted it", said: "" });
}

export function deadlineExceeded(message: string): ExecutorFailure {
  return { reason: "DeadlineExceeded", message: `${message}; raise spec.timeOut if it needs longer`, isWorthRetry: false };
}

/** Our program had come to an end of its own before anybody stopped it. */
function endedByItself({ containers }: ObservedPod): boolean {
  return containers.some(({ state }) => {
    const code = readProgramResult(state?.terminated?.message)?.code;
    return code !== undefined && code !== 0 && code !== 130 && code !== 143;
  });
}

/** "OutOfcpu", "OutOfmemory", "OutOfpods": the scheduler was wrong about the node's room. */
function outOf(reason: string): Cause | undefined {
  return reason.startsWith("OutOf") ? ["NodeRejected", "its node had no room for it"] : undefined;
}

function disruption({ conditions }: ObservedPod): Cause | undefined {
  const target = conditionThat(conditions, "DisruptionTarget", "True");
  return target === undefined ? undefined : (DISRUPTIONS[target.reason ?? ""] ?? ["Disrupted", target.message || "it was disrupted"]);
}

function failure(pod: ObservedPod, { reason, meaning, said }: { reason: string; meaning: string; said: string }): ExecutorFailure {
  return { reason, message: `Pod "${pod.name}" was ended: ${meaning}${said === "" ? "" : ` (${said.trim()})`}`, isWorthRetry: true };
}

function unknownFailure({ name, reason, message }: ObservedPod): ExecutorFailure {
  const said = [reason, message].filter((text) => text !== "").join(": ");
  return {
    reason: "PodFailed",
    message: `Pod "${name}" failed${said === "" ? ", and says nothing of why" : `: ${said}`}`,
    isWorthRetry: false,
  };
}
