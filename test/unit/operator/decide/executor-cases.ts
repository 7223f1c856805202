// Jobs and pods as an API server shows them.
import type { Fields, LiveObject } from "../../../../operator/objects.ts";

export const settings = { pendingTimeoutMs: 1_800_000, waitingTimeoutMs: 300_000 };

const START = Date.parse("2026-11-20T03:00:00Z");

/** So many seconds after the Job was made. */
export function at(seconds: number): Date {
  return new Date(START + seconds * 1000);
}

export function stamp(seconds: number): string {
  return `${at(seconds).toISOString().slice(0, 19)}Z`;
}

export function job(status: Fields = { active: 1, startTime: stamp(0), ready: 0, terminating: 0 }, options: JobOptions = {}): LiveObject {
  const { uid = "job-1", owner, limits = { memory: "512Mi" }, name = "stash-restore-back-0" } = options;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      namespace: "shop",
      uid,
      resourceVersion: "7",
      creationTimestamp: stamp(0),
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          initContainers: [{ name: "redis-restore-7-0-5-0", image: "registry.example/own:1", resources: { limits } }],
          containers: [{ name: "update-status-1", image: "registry.example/own:1", resources: {} }],
        },
      },
    },
    status,
  };
}

interface JobOptions {
  readonly uid?: string;
  readonly name?: string;
  readonly limits?: Fields;
  readonly owner?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller: true;
  };
}

/** The conditions of a Job that has failed, in the order in which its controller writes them. */
export function failedJob(reason = "PodFailurePolicy", message = "", at = 61): Fields {
  const condition = { status: "True", reason, message, lastProbeTime: stamp(at), lastTransitionTime: stamp(at) };
  return {
    failed: 1,
    startTime: stamp(0),
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
    conditions: [
      { type: "FailureTarget", ...condition },
      { type: "Failed", ...condition },
    ],
  };
}

export function completeJob(at = 61): Fields {
  const condition = { status: "True", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
  const times = { lastProbeTime: stamp(at), lastTransitionTime: stamp(at) };
  return {
    succeeded: 1,
    startTime: stamp(0),
    completionTime: stamp(at),
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
    conditions: [
      { type: "SuccessCriteriaMet", ...condition, ...times },
      { type: "Complete", ...condition, ...times },
    ],
  };
}

export function pod(status: Fields, metadata: Fields = {}): LiveObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "stash-restore-back-0-x7k2p",
      namespace: "shop",
      uid: "pod-1",
      resourceVersion: "8",
      creationTimestamp: stamp(0),
      labels: { "batch.kubernetes.io/job-name": "stash-restore-back-0" },
      finalizers: ["batch.kubernetes.io/job-tracking"],
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "stash-restore-back-0", uid: "job-1", controller: true }],
      ...metadata,
    },
    spec: { nodeName: "node-1" },
    status: { qosClass: "Burstable", ...status },
  };
}

export function condition(type: string, status: "True" | "False", more: Fields = {}): Fields {
  return { type, status, lastProbeTime: null, lastTransitionTime: stamp(1), ...more };
}

export const SCHEDULED = condition("PodScheduled", "True");

export function terminated(name: string, end: Fields): Fields {
  const times = { startedAt: stamp(2), finishedAt: stamp(60), containerID: "containerd://1f0e" };
  return {
    name,
    image: "registry.example/own:1",
    imageID: "",
    lastState: {},
    ready: false,
    restartCount: 0,
    started: false,
    state: { terminated: { ...times, ...end } },
  };
}

export function waiting(name: string, reason: string, message?: string): Fields {
  return {
    name,
    image: "registry.example/own:1",
    imageID: "",
    lastState: {},
    ready: false,
    restartCount: 0,
    started: false,
    state: { waiting: { reason, ...(message === undefined ? {} : { message }) } },
  };
}

export function running(name: string): Fields {
  return {
    name,
    image: "registry.example/own:1",
    imageID: "registry.example/own@sha256:0a",
    lastState: {},
    ready: true,
    restartCount: 0,
    started: true,
    state: { running: { startedAt: stamp(2) } },
  };
}

export const INIT = "redis-restore-7-0-5-0";
export const MAIN = "update-status-1";

/** A pod whose first container ended so, and whose second never began. */
export function podEndedBy(end: Fields, more: Fields = {}, metadata: Fields = {}): LiveObject {
  return pod(
    {
      phase: "Failed",
      startTime: stamp(1),
      conditions: [SCHEDULED],
      initContainerStatuses: [terminated(INIT, end)],
      containerStatuses: [waiting(MAIN, "PodInitializing")],
      ...more,
    },
    metadata,
  );
}
