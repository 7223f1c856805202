import { judgeExecutor } from "../../../../operator/decide/judge-executor.ts";
import type { LiveObject } from "../../../../operator/objects.ts";
import {
  at,
  completeJob,
  condition,
  failedJob,
  INIT,
  job,
  MAIN,
  pod,
  podEndedBy,
  running,
  SCHEDULED,
  settings,
  stamp,
  terminated,
  waiting,
} from "./executor-cases.ts";

const judge = (aJob: LiveObject | undefined, pods: readonly LiveObject[], seconds = 62) =>
  judgeExecutor(aJob, pods, { now: at(seconds), settings });

const failureOf = (aJob: LiveObject, pods: readonly LiveObject[], seconds?: number) => {
  const state = judge(aJob, pods, seconds);
  if (state.kind !== "failed") throw new Error(`It is ${state.kind}`);
  return state.failure;
};

const disruption = (reason: string, message: string) => condition("DisruptionTarget", "True", { reason, message });

test("without a Job nothing is known", () => {
  expect(judge(undefined, [])).toEqual({ kind: "absent" });
});

test("a Job that is complete has succeeded when it says so", () => {
  expect(judge(job(completeJob(61)), [])).toEqual({ kind: "succeeded", finished: at(61) });
});

test("a Job whose success is certain has succeeded although it is not yet complete", () => {
  const { completionTime: _, conditions, ...status } = completeJob(61) as { completionTime: string; conditions: object[] };

  const state = judge(job({ ...status, conditions: conditions.slice(0, 1) }), []);

  expect(state).toEqual({ kind: "succeeded", finished: at(61) });
});

test("a pod that works is left to its work", () => {
  const working = pod({ phase: "Running", startTime: stamp(1), conditions: [SCHEDULED], containerStatuses: [running(MAIN)] });

  expect(judge(job(), [working], 100_000)).toEqual({ kind: "working" });
});

test("between two containers a pod works", () => {
  const between = pod({
    phase: "Pending",
    startTime: stamp(1),
    conditions: [SCHEDULED],
    initContainerStatuses: [terminated(INIT, { exitCode: 0, reason: "Completed", finishedAt: stamp(7_000) })],
    containerStatuses: [waiting(MAIN, "PodInitializing")],
  });

  expect(judge(job(), [between], 7_001)).toEqual({ kind: "working", wakeAt: at(7_300) });
});

describe("a pod that has failed", () => {
  const message = JSON.stringify({ code: 20, reason: "DatabaseUnavailable", message: 'Cannot reach "carts"', hint: "Is it running?" });
  const refused = JSON.stringify({ code: 21, reason: "DatabaseRefused", message: "NOPERM", counts: {} });
  const half = JSON.stringify({ code: null, reason: "Running", message: "redis-restore has not ended" });
  const interrupted = JSON.stringify({ code: 143, reason: "Interrupted", message: "Stopped by SIGTERM" });

  test.each<[string, LiveObject, object]>([
    [
      "out of memory, in an init container",
      podEndedBy({ exitCode: 137, reason: "OOMKilled", message: half }),
      {
        reason: "OutOfMemory",
        exitCode: 137,
        isWorthRetry: false,
        message: expect.stringMatching(/limit of 512Mi; raise spec\.runtime.*limits\.memory$/),
      },
    ],
    [
      "out of the node's memory, without a limit",
      podEndedBy({ exitCode: 0, reason: "Completed" }, { containerStatuses: [terminated(MAIN, { exitCode: 137, reason: "OOMKilled" })] }),
      { reason: "OutOfMemory", exitCode: 137, isWorthRetry: true, message: expect.stringContaining("node ran out of memory") },
    ],
    [
      "evicted",
      podEndedBy(
        { exitCode: 137, reason: "Error", message: half },
        {
          reason: "Evicted",
          message: "The node was low on resource: ephemeral-storage. ",
          conditions: [SCHEDULED, disruption("TerminationByKubelet", "The node was low on resource: ephemeral-storage. ")],
        },
      ),
      { reason: "Evicted", isWorthRetry: true, message: expect.stringContaining("low on resource: ephemeral-storage") },
    ],
    [
      "evicted before its containers began",
      pod({
        phase: "Failed",
        startTime: stamp(1),
        reason: "Evicted",
        message: "Pod was rejected: The node had condition: [DiskPressure]. ",
      }),
      { reason: "Evicted", isWorthRetry: true, message: expect.stringContaining("DiskPressure") },
    ],
    [
      "preempted by its node",
      pod({ phase: "Failed", reason: "Preempting", message: "Preempted in order to admit critical pod" }),
      { reason: "Preempted", isWorthRetry: true },
    ],
    [
      "preempted by the scheduler",
      podEndedBy(
        { exitCode: 143, reason: "Error", message: interrupted },
        { conditions: [SCHEDULED, disruption("PreemptionByScheduler", "default-scheduler: preempting")] },
        { deletionTimestamp: stamp(90) },
      ),
      { reason: "Preempted", isWorthRetry: true },
    ],
    [
      "evicted by somebody who drains its node",
      podEndedBy(
        { exitCode: 143, reason: "Error", message: interrupted },
        { conditions: [SCHEDULED, disruption("EvictionByEvictionAPI", "Eviction API: evicting")] },
        { deletionTimestamp: stamp(90) },
      ),
      { reason: "Evicted", isWorthRetry: true },
    ],
    [
      "on a node that was lost",
      podEndedBy(
        {
          exitCode: 137,
          reason: "ContainerStatusUnknown",
          message: "The container could not be located when the pod was deleted",
          startedAt: null,
          finishedAt: null,
        },
        { conditions: [disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")] },
      ),
      { reason: "NodeLost", isWorthRetry: true },
    ],
    [
      "collected with its node",
      pod({
        phase: "Failed",
        conditions: [SCHEDULED, disruption("DeletionByPodGC", "PodGC: node no longer exists")],
        initContainerStatuses: [running(INIT)],
      }),
      { reason: "NodeLost", isWorthRetry: true },
    ],
    [
      "with a container nobody knows the end of",
      podEndedBy({
        exitCode: 137,
        reason: "ContainerStatusUnknown",
        message: "The container could not be located when the pod was terminated",
        startedAt: null,
        finishedAt: null,
      }),
      { reason: "NodeLost", exitCode: 137, isWorthRetry: true },
    ],
    [
      "on a node that shuts down",
      podEndedBy(
        { exitCode: 143, reason: "Error", message: interrupted },
        { reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown." },
      ),
      { reason: "NodeShutdown", isWorthRetry: true },
    ],
    [
      "refused by a node without room",
      pod({
        phase: "Failed",
        reason: "OutOfmemory",
        message: "Pod was rejected: Node didn't have enough resource: memory, requested: 9, used: 8, capacity: 8",
      }),
      { reason: "NodeRejected", isWorthRetry: true, message: expect.stringContaining("enough resource: memory") },
    ],
    [
      "at its own deadline",
      podEndedBy(
        { exitCode: 137, reason: "Error" },
        { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" },
      ),
      { reason: "DeadlineExceeded", isWorthRetry: false, message: expect.stringContaining("raise spec.timeOut") },
    ],
    [
      "deleted by somebody",
      podEndedBy({ exitCode: 143, reason: "Error", message: interrupted }, {}, { deletionTimestamp: stamp(90) }),
      { reason: "PodDeleted", isWorthRetry: true },
    ],
    [
      "by its program's own word, which says that another try may help",
      podEndedBy({ exitCode: 20, reason: "Error", message }),
      { reason: "DatabaseUnavailable", exitCode: 20, isWorthRetry: true, message: 'Cannot reach "carts"; Is it running?' },
    ],
    [
      "by its program's own word, which says that no other try helps",
      podEndedBy({ exitCode: 21, reason: "Error", message: refused }),
      { reason: "DatabaseRefused", exitCode: 21, isWorthRetry: false, message: "NOPERM" },
    ],
    [
      "by its program's own word, while its node was being emptied",
      podEndedBy({ exitCode: 21, reason: "Error", message: refused }, { conditions: [disruption("EvictionByEvictionAPI", "evicting")] }),
      { reason: "DatabaseRefused", exitCode: 21, isWorthRetry: false },
    ],
    [
      "killed half-way",
      podEndedBy({ exitCode: 137, reason: "Error", message: half }),
      { reason: "Killed", exitCode: 137, isWorthRetry: true, message: expect.stringContaining("redis-restore has not ended") },
    ],
    [
      "stopped by a signal, with the program's word",
      podEndedBy({ exitCode: 143, reason: "Error", message: interrupted }),
      { reason: "Interrupted", exitCode: 143, isWorthRetry: true },
    ],
    [
      "by another program, with its words",
      podEndedBy({ exitCode: 3, reason: "Error", message: "no such flag --foo\n" }),
      {
        reason: "ContainerFailed",
        exitCode: 3,
        isWorthRetry: false,
        message: `Container "${INIT}" failed (exit code 3): no such flag --foo`,
      },
    ],
    [
      "by another program, without a word",
      podEndedBy({ exitCode: 1, reason: "Error" }),
      { reason: "ContainerFailed", exitCode: 1, isWorthRetry: false, message: expect.stringContaining("its log may say why") },
    ],
    [
      "by words that were cut off",
      podEndedBy({ exitCode: 20, reason: "Error", message: '{"code":20,"reason":"Datab' }),
      { reason: "ContainerFailed", exitCode: 20, isWorthRetry: true },
    ],
    [
      "because its program is not in the image",
      podEndedBy({ exitCode: 128, reason: "StartError", message: 'exec: "holdfst": executable file not found in $PATH' }),
      {
        reason: "ContainerFailed",
        exitCode: 128,
        isWorthRetry: false,
        message: expect.stringMatching(/could not be started .*executable file not found/),
      },
    ],
    [
      "without any word",
      pod({ phase: "Failed" }),
      { reason: "PodFailed", isWorthRetry: false, message: expect.stringContaining("says nothing of why") },
    ],
  ])("%s: the reason is named, before and after the Job knows", (_, failed, expected) => {
    const before = failureOf(job(), [failed]);
    const after = failureOf(job(failedJob("BackoffLimitExceeded", "Job has reached the specified backoff limit")), [failed]);

    expect(before).toMatchObject(expected);
    expect(after).toEqual(before);
    expect(before.message).not.toMatch(/[.\s]$/);
  });

  test("of another Job has no say", () => {
    const foreign = podEndedBy(
      { exitCode: 137, reason: "OOMKilled" },
      {},
      { ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "stash-restore-back-0", uid: "job-0", controller: true }] },
    );

    expect(judge(job(), [foreign], 1)).toEqual({ kind: "working" });
  });
});

describe("a container beside ours", () => {
  const proxy = (end: object) => terminated("proxy", { reason: "Error", ...end });

  test("that was stopped because ours had failed is not taken for the cause", () => {
    const failed = podEndedBy(
      {},
      {
        initContainerStatuses: [proxy({ exitCode: 143, finishedAt: stamp(61) }), terminated(INIT, { exitCode: 0 })],
        containerStatuses: [terminated(MAIN, { exitCode: 3, finishedAt: stamp(60) })],
      },
    );

    expect(failureOf(job(), [failed])).toMatchObject({ reason: "ContainerFailed", exitCode: 3 });
  });

  test("that ended in the same second is not taken for the cause when ours says what it was", () => {
    const message = '{"code":31,"reason":"StoreRefused","message":"403"}';
    const failed = podEndedBy(
      {},
      { initContainerStatuses: [proxy({ exitCode: 137 })], containerStatuses: [terminated(MAIN, { exitCode: 31, message })] },
    );

    expect(failureOf(job(), [failed])).toMatchObject({ reason: "StoreRefused", exitCode: 31 });
  });

  test("that works does not hide that ours cannot be started", () => {
    const stuck = pod({
      phase: "Pending",
      startTime: stamp(10),
      conditions: [SCHEDULED],
      initContainerStatuses: [running("proxy")],
      containerStatuses: [waiting(MAIN, "ErrImagePull", "not found")],
    });

    expect(judge(job(), [stuck], 11)).toMatchObject({ kind: "working", trouble: { reason: "ErrImagePull" } });
  });
});

describe("a Job of several tries", () => {
  const tries = job();
  const repeated = { ...tries, spec: { ...tries.spec, backoffLimit: 6 } };
  const first = podEndedBy({ exitCode: 40, reason: "Error", message: '{"code":40,"reason":"ClusterUnavailable","message":"no answer"}' });

  test("goes on after a pod that failed, which is told", () => {
    expect(judge(repeated, [first])).toEqual({ kind: "working", trouble: { reason: "ClusterUnavailable", message: "no answer" } });
  });

  test("is at its newest pod", () => {
    const second = pod(
      { phase: "Running", startTime: stamp(70), conditions: [SCHEDULED], containerStatuses: [running(MAIN)] },
      { name: "stash-restore-back-0-b2b2b", uid: "pod-2", creationTimestamp: stamp(69) },
    );

    expect(judge(repeated, [first, second], 71)).toEqual({ kind: "working" });
  });
});

describe("a Job that has failed, and has no pod any more", () => {
  test("had its pod deleted", () => {
    const failure = failureOf(job(failedJob("BackoffLimitExceeded", "Job has reached the specified backoff limit")), []);

    expect(failure).toMatchObject({ reason: "PodDeleted", isWorthRetry: true });
  });

  test.each([
    [3, "ContainerFailed", false],
    [20, "ContainerFailed", true],
    [137, "Killed", true],
  ])("still knows of exit code %i", (exitCode, reason, isWorthRetry) => {
    const message = `Container ${INIT} for pod shop/stash-restore-back-0-x7k2p failed with exit code ${exitCode} matching FailJob rule at index 0`;

    const failure = failureOf(job(failedJob("PodFailurePolicy", message)), []);

    expect(failure).toMatchObject({ reason, exitCode, isWorthRetry, message: expect.stringContaining("its pod is gone") });
  });

  test("was stopped at its deadline, whatever its pod says", () => {
    const stopped = podEndedBy({ exitCode: 143, reason: "Error" }, {}, { deletionTimestamp: stamp(90) });

    const failure = failureOf(job(failedJob("DeadlineExceeded", "Job was active longer than specified deadline")), [stopped]);

    expect(failure).toMatchObject({ reason: "DeadlineExceeded", isWorthRetry: false });
  });
});

test("a Job that has as good as failed waits for the last words of its pod, but not for ever", () => {
  const { conditions, ...status } = failedJob("DeadlineExceeded", "Job was active longer than specified deadline", 60) as {
    conditions: object[];
  };
  const failing = job({ ...status, conditions: conditions.slice(0, 1) });
  const last = pod({ phase: "Running", conditions: [SCHEDULED], containerStatuses: [running(MAIN)] }, { deletionTimestamp: stamp(90) });

  expect(judge(failing, [last], 70)).toEqual({ kind: "working", wakeAt: at(360) });
  expect(failureOf(failing, [last], 360)).toMatchObject({ reason: "DeadlineExceeded" });
});

describe("a pod that does not get on", () => {
  const unscheduled = condition("PodScheduled", "False", {
    reason: "Unschedulable",
    message: "0/3 nodes are available: 3 Insufficient memory.",
  });
  const begun = { phase: "Pending", startTime: stamp(10), conditions: [SCHEDULED] };

  test.each<[string, LiveObject, { told: number; fails: number; reason: string; isWorthRetry: boolean; message: RegExp }]>([
    [
      "that no node takes",
      pod({ phase: "Pending", conditions: [unscheduled] }),
      { told: 0, fails: 1800, reason: "Unschedulable", isWorthRetry: true, message: /3 Insufficient memory.*resources, nodeSelector/ },
    ],
    [
      "that nobody schedules",
      pod({ phase: "Pending" }),
      { told: 300, fails: 1800, reason: "Unschedulable", isWorthRetry: true, message: /schedulerName/ },
    ],
    ...["ErrImagePull", "ImagePullBackOff"].map((reason): [string, LiveObject, never] => [
      `in ${reason}`,
      pod({
        ...begun,
        initContainerStatuses: [waiting(INIT, reason, `Back-off pulling image "registry.example/own:1"`)],
        containerStatuses: [waiting(MAIN, "PodInitializing")],
      }),
      { told: 10, fails: 310, reason, isWorthRetry: true, message: /pulling image "registry.example\/own:1".*imagePullSecrets/ } as never,
    ]),
    [
      "whose Secret is missing",
      pod({ ...begun, containerStatuses: [waiting(MAIN, "CreateContainerConfigError", 'secret "extra" not found')] }),
      { told: 10, fails: 310, reason: "CreateContainerConfigError", isWorthRetry: false, message: /secret "extra" not found/ },
    ],
    [
      "whose container cannot be made",
      pod({ ...begun, containerStatuses: [waiting(MAIN, "CreateContainerError", "context deadline exceeded")] }),
      { told: 10, fails: 310, reason: "CreateContainerError", isWorthRetry: true, message: /context deadline exceeded/ },
    ],
    [
      "whose second image cannot be had, long after its beginning",
      pod({
        ...begun,
        initContainerStatuses: [terminated(INIT, { exitCode: 0, reason: "Completed", finishedAt: stamp(5_000) })],
        containerStatuses: [waiting(MAIN, "ErrImagePull", "not found")],
      }),
      { told: 5_000, fails: 5_300, reason: "ErrImagePull", isWorthRetry: true, message: /not found/ },
    ],
    [
      "whose volume is never mounted",
      pod({ ...begun, initContainerStatuses: [waiting(INIT, "PodInitializing")], containerStatuses: [waiting(MAIN, "PodInitializing")] }),
      { told: 310, fails: 1810, reason: "PodNotStarted", isWorthRetry: true, message: /kubectl describe pod/ },
    ],
    [
      "that its node never looked at",
      pod({ phase: "Pending", conditions: [SCHEDULED] }),
      { told: 301, fails: 1801, reason: "PodNotStarted", isWorthRetry: true, message: /has a node/ },
    ],
    [
      "that is being deleted, and does not go",
      pod(
        {
          phase: "Running",
          startTime: stamp(1),
          conditions: [SCHEDULED, disruption("DeletionByTaintManager", "Taint manager")],
          containerStatuses: [running(MAIN)],
        },
        { deletionTimestamp: stamp(400) },
      ),
      { told: 0, fails: 700, reason: "NodeLost", isWorthRetry: true, message: /not been seen to end/ },
    ],
  ])("%s: told, then a failure", (_, stuck, { told, fails, reason, isWorthRetry, message }) => {
    const early = judge(job(), [stuck], Math.max(0, told - 1));
    const late = judge(job(), [stuck], told);

    if (told > 10 && told !== 5_000) expect(early).toEqual({ kind: "working", wakeAt: at(told) });
    expect(late).toEqual({ kind: "working", trouble: { reason, message: expect.stringMatching(message) }, wakeAt: at(fails) });
    expect(judge(job(), [stuck], fails - 1)).toMatchObject({ kind: "working", trouble: { reason } });
    expect(failureOf(job(), [stuck], fails)).toMatchObject({ reason, isWorthRetry });
  });

  test("whose image has no name at all fails at once", () => {
    const stuck = pod({ ...begun, containerStatuses: [waiting(MAIN, "InvalidImageName", 'Failed to apply default image tag "a:b:c"')] });

    expect(failureOf(job(), [stuck], 11)).toMatchObject({ reason: "InvalidImageName", isWorthRetry: false });
  });
});

describe("a Job without a pod", () => {
  const empty = job({ startTime: stamp(0), ready: 0, terminating: 0, uncountedTerminatedPods: {} });

  test("gets a moment, is told of, and has failed in the end", () => {
    expect(judge(empty, [], 1)).toEqual({ kind: "working", wakeAt: at(30) });
    expect(judge(empty, [], 31)).toEqual({
      kind: "working",
      trouble: { reason: "PodNotCreated", message: expect.stringContaining("kubectl -n shop describe job stash-restore-back-0") },
      wakeAt: at(300),
    });
    expect(failureOf(empty, [], 300)).toMatchObject({ reason: "PodNotCreated", isWorthRetry: true });
  });

  test("whose controller has not seen it yet is counted from its creation", () => {
    expect(failureOf(job({}), [], 300)).toMatchObject({ reason: "PodNotCreated" });
  });

  test("whose controller counts one is believed", () => {
    expect(judge(job(), [], 31)).toEqual({ kind: "working" });
  });

  test("because it is suspended is told of at once", () => {
    const suspended = job({ conditions: [condition("Suspended", "True", { reason: "JobSuspended", lastTransitionTime: stamp(5) })] });

    expect(judge(suspended, [], 6)).toMatchObject({ kind: "working", trouble: { reason: "JobSuspended" }, wakeAt: at(1805) });
    expect(failureOf(suspended, [], 1805)).toMatchObject({ reason: "JobSuspended" });
  });
});
