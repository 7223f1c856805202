import { decideBackupSession } from "../../../../operator/decide/backup-session.ts";
import type { ObservedBackupSession } from "../../../../operator/decide/observed-backup-session.ts";
import type { ExecutorState } from "../../../../operator/executor.ts";
import { NO_RETRY, RETRY_OF } from "../../../../operator/names.ts";
import type { Fields, LiveObject } from "../../../../operator/objects.ts";
import {
  at,
  carriedOut,
  condition,
  configuration,
  entry,
  FAILED_HOST,
  HOST,
  observed,
  type SessionChoice,
  session,
  told,
} from "./backup-session-cases.ts";

const pushed = condition("MetricsPushed");
const failedStatus = { conditions: [pushed], targets: [entry({ stats: [FAILED_HOST] })] };
const done: ExecutorState = { kind: "succeeded", finished: at(60) };

function failed(choice: SessionChoice = {}, status: Fields = {}): LiveObject {
  return session({ retryLeft: 2, status: { ...failedStatus, ...status }, ...choice });
}

function decide(fields: Partial<ObservedBackupSession>, seconds = 100) {
  const seen = observed({ session: failed(), executor: done, start: undefined, ...fields });
  const decision = decideBackupSession(seen, { now: at(seconds) });
  return { decision, after: carriedOut(seen.session, decision.actions) };
}

/** A pod whose container exited with 0 and left these last words. */
function podSaying(code: number): LiveObject {
  const message = JSON.stringify({ code, reason: "Incomplete", message: "3 keys are missing" });
  const status = { containerStatuses: [{ name: "c", state: { terminated: { exitCode: 0, message } } }] };
  const metadata = { name: "p", namespace: "shop", uid: "p", resourceVersion: "1", creationTimestamp: at(0).toISOString() };
  return { apiVersion: "v1", kind: "Pod", metadata, status };
}

test("a failed session is to be tried again after the delay, once", () => {
  const invoker = configuration({ retryConfig: { maxRetry: 2, delay: "5m" } });

  const { decision, after } = decide({ invoker });

  expect(told(decision)).toEqual(["status"]);
  expect(after.status).toMatchObject({ phase: "Failed", nextRetry: "2026-11-22T03:06:40Z" });
  expect(decide({ invoker, session: after }, 200).decision).toEqual({ actions: [], wakeAt: at(400) });
});

test("without a delay it is tried again at once", () => {
  expect(decide({}).after.status?.nextRetry).toBe("2026-11-22T03:01:40Z");
});

test("when it is due there is a new session, and once that is seen the old one says so", () => {
  const old = failed({}, { nextRetry: at(100).toISOString() });

  const { decision } = decide({ session: old }, 101);

  const [action] = decision.actions;
  if (action?.do !== "create") throw new Error("There is no new session");
  const { metadata, spec } = action.object;
  expect(spec).toEqual({ invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" }, retryLeft: 1 });
  expect(metadata).toMatchObject({ name: `nightly-${at(100).getTime() / 1000}`, annotations: { [RETRY_OF]: "u-nightly-1" } });
  expect(decide({ session: old }, 500).decision.actions).toEqual([action]);
  const next = session({ name: metadata.name, age: 101, metadata: { annotations: metadata.annotations } });
  const { decision: last, after } = decide({ session: old, siblings: [next] }, 102);
  expect(told(last)).toEqual(["status"]);
  expect(after.status?.retried).toBe(true);
  expect(decide({ session: after, siblings: [next] }, 103).decision.actions).toEqual([]);
});

test("a second that the schedule took is passed over", () => {
  const old = failed({}, { nextRetry: at(100).toISOString() });
  const skipped = session({ name: `nightly-${at(100).getTime() / 1000}`, age: 100, status: { conditions: [condition("BackupSkipped")] } });

  const [action] = decide({ session: old, siblings: [skipped] }, 101).decision.actions;

  expect(action).toMatchObject({ do: "create", object: { metadata: { name: `nightly-${at(101).getTime() / 1000}` } } });
});

test.each<[string, Partial<ObservedBackupSession>]>([
  ["that has no try left", { session: failed({ retryLeft: 0 }) }],
  ["that was tried again", { session: failed({}, { retried: true }) }],
  ["that is not worth it, as it says", { session: failed({ metadata: { annotations: { [NO_RETRY]: "Incomplete" } } }) }],
  ["that succeeded", { session: failed({}, { targets: [entry({ stats: [HOST] })] }) }],
  ["that was skipped", { session: session({ retryLeft: 2, status: { conditions: [condition("BackupSkipped")] } }) }],
  ["whose invoker is gone", { invoker: undefined }],
  ["that is being deleted", { session: failed({ metadata: { deletionTimestamp: "2026-11-22T04:00:00Z" } }) }],
])("nothing is done for a session %s", (_, fields) => {
  expect(decide(fields).decision).toEqual({ actions: [] });
});

const retries = ["status"];
const givesUp = ["event BackupNotRetried", "metadata"];
test.each([
  ...[11, 20, 30, 40, 130, 143].map((code) => [code, retries] as const),
  ...[1, 2, 3, 10, 12, 21, 31, 41].map((code) => [code, givesUp] as const),
])("a container that exited with 0 and tells of exit code %d: %j", (code, expected) => {
  expect(told(decide({ pods: [podSaying(code)] }).decision)).toEqual(expected);
});

test.each<[string, Partial<ObservedBackupSession>, readonly string[]]>([
  ["a disruption", { executor: { kind: "failed", failure: { reason: "Evicted", message: "", isWorthRetry: true } } }, retries],
  [
    "a limit that is too low",
    { executor: { kind: "failed", failure: { reason: "OutOfMemory", message: "", isWorthRetry: false } } },
    givesUp,
  ],
  ["a Job that is gone, and nobody knows why", { executor: { kind: "absent" } }, retries],
  ["a deadline", { session: failed({}, { conditions: [pushed, condition("DeadlineExceeded")] }) }, givesUp],
  [
    "a Job that could not be made",
    { session: failed({}, { targets: [{ ref: {}, conditions: [condition("BackupExecutorEnsured", "False")] }] }) },
    givesUp,
  ],
])("after %s: %j", (_, fields, expected) => {
  expect(told(decide(fields).decision)).toEqual(expected);
});

test("what the program says counts more than what became of the container behind it", () => {
  const executor: ExecutorState = { kind: "failed", failure: { reason: "ContainerFailed", message: "", isWorthRetry: false } };

  expect(told(decide({ executor, pods: [podSaying(20)] }).decision)).toEqual(retries);
});

test("what is not worth it is said once, and never looked at again", () => {
  const { decision, after } = decide({ pods: [podSaying(3)] });

  expect(decision.actions[0]).toMatchObject({ message: "The backup is not tried again: 3 keys are missing (exit code 3)" });
  expect(after.metadata.annotations?.[NO_RETRY]).toBe("Incomplete");
  expect(decide({ session: after }).decision).toEqual({ actions: [] });
});

const succeeded = { conditions: [pushed], targets: [entry({ stats: [HOST] })] };
test.each<[string, SessionChoice, readonly string[], Date | undefined]>([
  ["succeeded", { age: 50, status: succeeded }, givesUp, undefined],
  ["failed and is tried again itself", { age: 50, retryLeft: 1, status: failedStatus }, givesUp, undefined],
  ["failed for good", { age: 50, status: failedStatus }, ["create BackupSession"], at(161)],
  ["was skipped", { age: 50, status: { conditions: [condition("BackupSkipped")] } }, ["create BackupSession"], at(161)],
  ["still runs", { age: 50, status: { targets: [entry()] } }, [], at(161)],
])("when a newer session %s: %j", (_, choice, expected, wakeAt) => {
  const old = failed({}, { nextRetry: at(100).toISOString() });

  const { decision } = decide({ session: old, siblings: [session({ name: "nightly-2", ...choice })] }, 101);

  expect(told(decision)).toEqual(expected);
  expect(decision.wakeAt).toEqual(wakeAt);
});

test("an older session that succeeded says nothing about the next try", () => {
  const older = session({ name: "nightly-0", age: -50, status: succeeded });

  expect(told(decide({ siblings: [older] }).decision)).toEqual(retries);
});

test("a Job that is still ending is waited for: its pods say why it failed", () => {
  expect(decide({ executor: { kind: "working" } }).decision).toEqual({ actions: [], wakeAt: at(160) });
});
