import { decideBackupSession } from "../../../../operator/decide/backup-session.ts";
import type { ObservedBackupSession } from "../../../../operator/decide/observed-backup-session.ts";
import type { ExecutorState } from "../../../../operator/executor.ts";
import type { Fields } from "../../../../operator/objects.ts";
import { ClusterUnavailableError } from "../../../../runner/errors.ts";
import {
  ACTIONS,
  at,
  carriedOut,
  condition,
  conditionIn,
  configuration,
  entry,
  FAILED_HOST,
  firstTarget,
  HOST,
  job,
  observed,
  REF,
  SAID,
  START,
  session,
  told,
  working,
} from "./backup-session-cases.ts";

function decide(seen: ObservedBackupSession, seconds = 30) {
  const decision = decideBackupSession(seen, { now: at(seconds) });
  return { decision, after: carriedOut(seen.session, decision.actions), words: told(decision) };
}

const disruption = (after: ReturnType<typeof carriedOut>) => conditionIn(firstTarget(after), "BackupDisrupted");
const ensuring = (after: ReturnType<typeof carriedOut>) => conditionIn(firstTarget(after), "BackupExecutorEnsured");
const finish = ["status", "push"];
const evicted: ExecutorState = { kind: "failed", failure: { reason: "Evicted", message: "its node evicted it", isWorthRetry: true } };

describe("the first lines", () => {
  test("of a session that is gone, or being deleted, nothing is made", () => {
    expect(decideBackupSession(undefined, { now: at(5) }).actions).toEqual([]);
    expect(decide(observed({ session: session({ metadata: { deletionTimestamp: at(1).toISOString() } }) })).words).toEqual([]);
  });

  test.each<[string, Fields]>([
    ["Succeeded", { conditions: [condition("MetricsPushed"), ...SAID], targets: [entry({ stats: [HOST] })] }],
    ["Failed", { conditions: [condition("MetricsPushed")], targets: [entry({ stats: [FAILED_HOST] })] }],
    ["Skipped", { conditions: [condition("BackupSkipped")] }],
  ])("one that is %s stays as it is, whatever its Job does", (phase, status) => {
    const seen = working({ status, executor: evicted });

    expect(seen.session.status?.phase).toBe(phase);
    expect(decide(seen).decision).toEqual({ actions: [] });
  });
});

describe("the start", () => {
  test("rights, then orders in one write, then the Job, then the word that it is there", () => {
    const { words, after } = decide(observed({ invoker: configuration({ timeOut: "10m" }) }), 5);

    expect(words).toEqual(["ensure ServiceAccount", "status", "create Job", "status"]);
    expect(after.status).toMatchObject({ phase: "Running", sessionDeadline: "2026-11-22T03:10:00Z" });
    expect(firstTarget(after)).toMatchObject({
      ref: REF,
      totalHosts: 1,
      preBackupActions: ["InitializeBackendRepository"],
      postBackupActions: ACTIONS,
      phase: "Running",
    });
    expect(ensuring(after)).toMatchObject({ status: "True", reason: "SuccessfullyEnsuredBackupExecutor" });
  });

  test("the orders are there before the Job is (R12)", () => {
    const seen = observed();
    const { decision } = decide(seen, 5);
    const beforeJob = decision.actions.slice(
      0,
      decision.actions.findIndex((action) => action.do === "create"),
    );

    expect(firstTarget(carriedOut(seen.session, beforeJob))).toMatchObject({ totalHosts: 1, postBackupActions: ACTIONS });
  });

  test("a volume is made before the orders are given", () => {
    const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "c", namespace: "shop" } };

    expect(decide(observed({ start: { ...START, claim } })).words).toEqual([
      ...["ensure ServiceAccount", "create PersistentVolumeClaim"],
      ...["status", "create Job", "status"],
    ]);
  });

  test("the pod has as long as the session has left", () => {
    const { decision } = decide(observed({ invoker: configuration({ timeOut: "1m" }) }), 45.5);

    const made = decision.actions.find((action) => action.do === "create");
    expect(made).toMatchObject({ object: { spec: { template: { spec: { activeDeadlineSeconds: 15 } } } } });
  });

  test("a session made by hand gets labels and its invoker as owner, and keeps its own labels", () => {
    const byHand = session({ metadata: { labels: { team: "carts" }, ownerReferences: undefined } });

    const { words, after } = decide(observed({ session: byHand }));

    expect(words[0]).toBe("metadata");
    expect(after.metadata.labels).toMatchObject({ team: "carts", "stash.appscode.com/invoker-name": "nightly" });
    expect(after.metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: "BackupConfiguration", uid: "bc-1", controller: true }),
    ]);
  });

  test("what cannot be resolved is said, and fails the session for good (R19)", () => {
    const { words, after } = decide(observed({ start: { kind: "fault", message: 'Task "t" is missing' } }));

    expect(words).toEqual(["status", "event FailedToEnsureBackupExecutor"]);
    expect(ensuring(after)).toMatchObject({ status: "False", message: 'Task "t" is missing' });
    expect(firstTarget(after)?.phase).toBe("Failed");
    expect(carriedOut(after, decide(observed({ session: after })).decision.actions).status?.phase).toBe("Failed");
  });

  test.each(["ensure", "create"])("a server that refuses to %s fails the session with its words", (verb) => {
    const seen = observed();
    const action = decide(seen).decision.actions.find(({ do: each }) => each === verb);
    const refused = action?.do === "ensure" || action?.do === "create" ? action.refused : undefined;

    const after = carriedOut(seen.session, refused?.("exceeded quota") ?? []);

    expect(ensuring(after)).toMatchObject({ status: "False", message: "exceeded quota" });
  });

  test.each<[string, Fields]>([
    ["skipped", { conditions: [condition("BackupSkipped")] }],
    ["began", { targets: [entry()] }],
    ["ended, as Stash once did", { phase: "Succeeded", targets: [{ ref: REF, phase: "Succeeded" }] }],
    ["failed", { targets: [{ ref: REF, conditions: [condition("BackupExecutorEnsured", "False")] }] }],
  ])("of a session that somebody else %s meanwhile no Job is made: the pass ends before it", (_, status) => {
    const [, orders, create] = decide(observed()).decision.actions;

    if (orders?.do !== "status") throw new Error("The second action is the orders");
    expect(create?.do).toBe("create");
    expect(() => orders.change(status)).toThrow(ClusterUnavailableError);
  });
});

test("an end that somebody wrote meanwhile is not written over, whatever was decided before", () => {
  const ended = { phase: "Succeeded", targets: [{ ref: REF, phase: "Succeeded" }] };

  const { decision } = decide(observed({ invoker: undefined }));

  const [skip] = decision.actions;
  if (skip?.do !== "status") throw new Error("The first action is the skip");
  expect(skip.change({})).toMatchObject({ phase: "Skipped" });
  expect(skip.change(ended)).toBe(ended);
});

describe("cut short in between", () => {
  const ordered = { targets: [entry({ conditions: [] })] };

  test("orders without a Job: it is made", () => {
    expect(decide(observed({ session: session({ status: ordered }) })).words).toEqual([
      ...["ensure ServiceAccount", "status"],
      ...["create Job", "status"],
    ]);
  });

  test("orders without a Job, and the invoker is gone: the session fails, and does not hang", () => {
    const { after } = decide(observed({ session: session({ status: ordered }), invoker: undefined, start: undefined }));

    expect(ensuring(after)).toMatchObject({ status: "False", message: expect.stringContaining("invoker was deleted") });
  });

  test("orders and a Job: only the word is missing", () => {
    const { words, after } = decide(working({ status: ordered }));

    expect(words).toEqual(["status"]);
    expect(ensuring(after)?.status).toBe("True");
  });

  test("a Job that Stash said was there, before its operator could give orders, is watched", () => {
    const half = session({ status: { targets: [{ ref: REF, conditions: [condition("BackupExecutorEnsured")] }] } });
    const running = working({ session: half });
    const gone = observed({ session: half, start: undefined });

    expect(told(decideBackupSession(running, { now: at(5) }))).toEqual([]);
    expect(firstTarget(carriedOut(half, decideBackupSession(gone, { now: at(5) }).actions))).toMatchObject({ phase: "Failed" });
  });

  test("a Job that was there and is gone is never made again", () => {
    const { words, after } = decide(working({ job: { kind: "absent" }, executor: { kind: "absent" } }));

    expect(words).toEqual(["status", "event JobDeleted"]);
    expect(disruption(after)).toMatchObject({ status: "True", reason: "FailedToCompleteDueToDisruption" });
    expect(firstTarget(after)?.phase).toBe("Failed");
  });

  test("a Job of somebody else that is going is waited for, one that stays fails the session", () => {
    const foreign = { kind: "foreign", name: "stash-backup-nightly-1-0", isGoing: true } as const;

    expect(decide(working({ status: ordered, job: foreign, executor: { kind: "absent" } })).decision).toEqual({
      actions: [],
      wakeAt: at(35),
    });
    const { after } = decide(working({ status: ordered, job: { ...foreign, isGoing: false }, executor: { kind: "absent" } }));
    expect(ensuring(after)).toMatchObject({ status: "False", message: expect.stringContaining("is not of this session") });
  });
});

describe("the Job", () => {
  test("one that works is left alone until the deadline", () => {
    const status = { sessionDeadline: at(600).toISOString() };

    expect(decide(working({ status })).decision).toEqual({ actions: [], wakeAt: at(600) });
    expect(decide(working()).decision).toEqual({ actions: [], wakeAt: undefined });
  });

  test("trouble is told, and looked at again when it counts as a failure", () => {
    const trouble = { reason: "Unschedulable", message: "0/3 nodes are available" };

    const { words, decision } = decide(working({ executor: { kind: "working", trouble, wakeAt: at(1800) } }));

    expect(words).toEqual(["event Unschedulable"]);
    expect(decision.wakeAt).toEqual(at(1800));
  });

  test("a failure is written at once, before anything else, with its reason; then what may still run is stopped (R2)", () => {
    const { words, after } = decide(working({ executor: evicted }));

    expect(words).toEqual(["status", "event Evicted", "stop"]);
    expect(disruption(after)).toMatchObject({
      status: "True",
      reason: "FailedToCompleteDueToDisruption",
      message: "Evicted: its node evicted it",
    });
    expect(firstTarget(after)?.phase).toBe("Failed");
  });

  test.each([HOST, FAILED_HOST])("a result that was written counts more than how the Job ended: $phase", (host) => {
    const seen = working({ executor: evicted });
    const meanwhile = session({ status: { targets: [entry({ stats: [host] })] } });

    const after = carriedOut(meanwhile, decide(seen).decision.actions);

    expect(after.status).toEqual(meanwhile.status);
  });

  test("one that ended well without a result is a failure, after a while", () => {
    const seen = working({ executor: { kind: "succeeded", finished: at(20) } });

    expect(decide(seen, 30).decision).toEqual({ actions: [], wakeAt: at(50) });
    const { words, after } = decide(seen, 50);
    expect(words).toEqual(["status", "event NoResult", "stop"]);
    expect(disruption(after)?.message).toContain("NoResult: ");
  });
});

describe("the deadline", () => {
  const late = { sessionDeadline: at(600).toISOString() };
  const exceeded = { ...late, conditions: [condition("DeadlineExceeded", "True", { seconds: 600 })] };

  test.each<[string, ObservedBackupSession]>([
    ["whose Job works", working({ status: late })],
    [
      "whose pod never started",
      working({ status: late, executor: { kind: "working", trouble: { reason: "Unschedulable", message: "" } } }),
    ],
    [
      "that waits in line",
      observed({ session: session({ status: { ...late, targets: [{ ref: REF }] } }), rivals: [session({ age: -1 })] }),
    ],
    ["that nobody looked at in time", observed({ invoker: configuration({ timeOut: "10m" }) })],
  ])("a session %s is late", (_, seen) => {
    const { words, after } = decide(seen, 600);

    expect(words).toEqual(["status", "event DeadlineExceeded"]);
    expect(conditionIn(after.status, "DeadlineExceeded")).toMatchObject({ status: "True", reason: "FailedToCompleteWithinDeadline" });
    expect(after.status?.sessionDeadline).toBeDefined();
  });

  test("a session that began without a time limit keeps none, whatever its invoker says by now", () => {
    expect(decide(working({ invoker: configuration({ timeOut: "1m" }) }), 600).words).toEqual([]);
  });

  test("a run that knows its deadline has half a minute for its last words; then the Job is stopped (R3)", () => {
    expect(decide(working({ status: exceeded }), 601).decision).toEqual({ actions: [], wakeAt: at(630) });
    const stopped = decide(working({ status: exceeded }), 630);
    expect(stopped.words).toEqual(["stop"]);
    expect(stopped.decision.wakeAt).toEqual(at(690));
  });

  test("the session ends when the Job has, and after another minute in any case", () => {
    const ended = { kind: "ours", object: job({ status: { conditions: [condition("Failed")] } }) } as const;
    const hanging = { kind: "ours", object: job({ spec: { activeDeadlineSeconds: 1 } }) } as const;

    for (const seen of [working({ status: exceeded, job: ended, executor: evicted }), working({ status: exceeded, job: hanging })]) {
      const { words, after } = decide(seen, 690);
      expect(words).toEqual(["status", ...finish]);
      expect(after.status?.phase).toBe("Failed");
      expect(disruption(after)?.message).toContain("DeadlineExceeded");
    }
  });

  test("a result in the last words ends the session at once", () => {
    const { words, after } = decide(working({ status: { ...exceeded, targets: [entry({ stats: [FAILED_HOST] })] } }), 610);

    expect(words).toEqual(finish);
    expect(after.status?.phase).toBe("Failed");
    expect(disruption(after)).toBeUndefined();
  });

  test("a session that never began and is late is Failed", () => {
    expect(decide(observed({ session: session({ status: exceeded }) }), 601).after.status?.phase).toBe("Failed");
  });
});

describe("the end", () => {
  const good = { conditions: SAID, targets: [entry({ stats: [HOST] })] };

  test("with everything said: history, metrics, and a phase that is final", () => {
    const old = session({ name: "old", age: -9, status: { ...good, conditions: [condition("MetricsPushed"), ...SAID] } });

    const { words, after } = decide(working({ status: good, siblings: [old] }), 77);

    expect(words).toEqual(["remove old", "status", "push"]);
    expect(after.status).toMatchObject({ phase: "Succeeded", sessionDuration: "1m17s" });
    expect(conditionIn(after.status, "BackupHistoryCleaned")).toMatchObject({ status: "True" });
    expect(conditionIn(after.status, "MetricsPushed")).toMatchObject({ status: "True", reason: "SuccessfullyPushedMetrics" });
  });

  test("a session is not over while its run is still verifying", () => {
    const status = { ...good, conditions: SAID.slice(0, 1) };

    expect(decide(working({ status })).decision).toEqual({ actions: [], wakeAt: undefined });
    expect(decide(working({ status, executor: { kind: "working", wakeAt: at(99) } })).decision).toEqual({ actions: [], wakeAt: at(99) });
  });

  test.each<[string, ExecutorState, string]>([
    ["failed", evicted, "The run ended before it came so far (Evicted: its node evicted it)"],
    ["ended", { kind: "succeeded", finished: at(20) }, "The run ended before it came so far"],
    ["is gone", { kind: "absent" }, "The run ended before it came so far"],
  ])("a Job that %s before everything was said: what is missing has failed", (_, executor, message) => {
    const seen = working({ executor, status: { ...good, conditions: SAID.slice(0, 1) }, job: { kind: "absent" } });

    const { after } = decide(seen);

    expect(after.status?.phase).toBe("Failed");
    expect(conditionIn(after.status, "RetentionPolicyApplied")?.status).toBe("True");
    expect(conditionIn(after.status, "RepositoryIntegrityVerified")).toMatchObject({ status: "False", message });
    expect(firstTarget(after)?.phase).toBe("Succeeded");
  });

  test("only metrics of the repository that nobody pushed leave a good backup good", () => {
    const { after } = decide(working({ executor: evicted, job: { kind: "absent" }, status: { ...good, conditions: SAID.slice(0, 2) } }));

    expect(after.status?.phase).toBe("Succeeded");
    expect(conditionIn(after.status, "RepositoryMetricsPushed")).toMatchObject({ status: "True", reason: "FailedToPushRepositoryMetrics" });
  });

  test("a failed host ends the session, and asks for nothing that follows a success", () => {
    const { words, after } = decide(working({ status: { targets: [entry({ stats: [FAILED_HOST] })] } }));

    expect(words).toEqual(finish);
    expect(after.status).toMatchObject({ phase: "Failed" });
    expect(conditionIn(after.status, "RepositoryIntegrityVerified")).toBeUndefined();
  });

  test("after a disruption the Job's end is waited for, a minute long", () => {
    const broken = [condition("BackupExecutorEnsured"), condition("BackupDisrupted", "True", { seconds: 20 })];
    const status = { targets: [entry({ conditions: broken })] };

    expect(decide(working({ status, executor: evicted }), 30)).toMatchObject({ words: ["stop"], decision: { wakeAt: at(80) } });
    expect(decide(working({ status, executor: evicted }), 80).words).toEqual(["stop", ...finish]);
    expect(decide(working({ status, executor: evicted, job: { kind: "absent" } }), 30).words).toEqual(finish);
  });

  test("a gateway that is away leaves a good backup good, and says so (R1)", () => {
    const seen = working({ status: good });
    const { decision } = decide(seen);
    const push = decision.actions.find((action) => action.do === "push");
    if (push?.do !== "push") throw new Error("There is no push");

    const message = "Cannot push metrics: no answer";
    const then = push.afterwards({ isPushed: false, reason: "FailedToPushMetrics", message, hint: "" });

    const after = carriedOut(seen.session, then);
    expect(after.status?.phase).toBe("Succeeded");
    expect(conditionIn(after.status, "MetricsPushed")).toMatchObject({ status: "True", reason: "FailedToPushMetrics", message });
    expect(told({ actions: then })).toEqual(["status", "event BackupSucceeded", "event FailedToPushMetrics"]);
  });

  test("session and target are pushed, as they are about to be", () => {
    const { decision } = decide(working({ status: good }));

    const [push] = decision.actions.filter((action) => action.do === "push");

    expect(push?.do === "push" && push.pushes.map(({ job: name, group }) => [name, group])).toEqual([
      ["backupconfiguration-shop-nightly", {}],
      ["backupconfiguration-shop-nightly", { holdfast_target: "shop.carts" }],
    ]);
  });
});
