import { admission } from "../../../../operator/decide/admission.ts";
import { decideBackupSession } from "../../../../operator/decide/backup-session.ts";
import type { ObservedBackupSession } from "../../../../operator/decide/observed-backup-session.ts";
import {
  at,
  carriedOut,
  condition,
  configuration,
  entry,
  firstTarget,
  HOST,
  observed,
  SAID,
  session,
  told,
} from "./backup-session-cases.ts";

const notReady = { phase: "NotReady", observedGeneration: 1, conditions: [condition("RepositoryFound", "False", { message: "no vault" })] };
const running = { targets: [entry()] };

test.each<[string, Partial<ObservedBackupSession>, string]>([
  ["whose invoker is missing", { invoker: undefined }, 'BackupConfiguration "shop/nightly" is missing'],
  [
    "of a BackupBatch",
    { session: session({ kind: "BackupBatch", invoker: "all" }), invoker: undefined },
    "BackupBatches are not supported",
  ],
  ["of anything else", { session: session({ kind: "Deployment" }), invoker: undefined }, 'spec.invoker.kind is "Deployment"'],
  ["whose invoker is not Ready", { invoker: configuration({}, { status: notReady }) }, "is not Ready: RepositoryFound is False (no vault)"],
  [
    "whose invoker runs another",
    { siblings: [session({ name: "nightly-0", age: -60, status: running })] },
    'BackupSession "nightly-0" of the same BackupConfiguration is still running',
  ],
])("a session %s is skipped, with the reason", (_, fields, message) => {
  const seen = observed(fields);

  const { actions, wakeAt } = decideBackupSession(seen, { now: at(5) });

  const after = carriedOut(seen.session, actions);
  expect(after.status).toMatchObject({
    phase: "Skipped",
    conditions: [{ type: "BackupSkipped", status: "True", reason: "SkippedTakingNewBackup", message: expect.stringContaining(message) }],
  });
  expect(wakeAt).toBeUndefined();
});

test("a sibling whose run has told everything, and which waits for the operator alone, is waited for: no backup is left out because we were away", () => {
  const status = { targets: [entry({ stats: [HOST] })], conditions: SAID };
  const told = session({ name: "nightly-0", age: -60, status });
  const stillSaying = session({ name: "nightly-0", age: -60, status: { ...status, conditions: SAID.slice(1) } });
  const facts = (sibling: typeof told) => observed({ siblings: [sibling], rivals: [sibling] });

  expect(told.status?.phase).toBe("Running");
  expect(admission(facts(told), at(5))).toMatchObject({ kind: "wait", isInLine: true });
  expect(admission(facts(stillSaying), at(5)).kind).toBe("skip");
});

test("a sibling without our labels counts as running, too (R27)", () => {
  const unlabelled = session({ name: "by-hand", age: -60, status: running, metadata: { labels: {} } });

  expect(admission(observed({ siblings: [unlabelled] }), at(5)).kind).toBe("skip");
});

test.each([
  ["a new invoker that nobody has looked at", {}, 5, "wait"],
  ["one whose change nobody has looked at", { phase: "NotReady", observedGeneration: 0 }, 5, "wait"],
  ["one that nobody looks at for a minute", {}, 61, "skip"],
])("%s: a session of it has to %s", (...[, status, seconds, kind]) => {
  const invoker = configuration({}, { status });

  expect(admission(observed({ invoker }), at(seconds)).kind).toBe(kind);
});

test("an invoker that is paused suspends its schedule alone: a session made by hand begins", () => {
  expect(admission(observed({ invoker: configuration({ paused: true }) }), at(5))).toEqual({ kind: "start" });
});

const mine = session({ name: "m", age: 10 });
test.each([
  ["one that has begun", session({ name: "z", invoker: "other", age: 90, status: running }), "wait"],
  ["an older one", session({ name: "z", invoker: "other", age: 9 }), "wait"],
  ["one as old with an earlier name", session({ name: "a", invoker: "other", age: 10 }), "wait"],
  ["an older one of the same invoker", session({ name: "z", age: 9 }), "wait"],
  ["a younger one", session({ name: "a", invoker: "other", age: 11 }), "start"],
  ["one as old with a later name", session({ name: "z", invoker: "other", age: 10 }), "start"],
])("with %s for the same target a session has to %s", (_, rival, kind) => {
  expect(admission(observed({ session: mine, rivals: [rival] }), at(20)).kind).toBe(kind);
});

test("of any sessions that have not begun, exactly one may: nobody waits for somebody who waits for him", () => {
  const all = [3, 1, 2, 1].map((age, index) => session({ name: `s-${index}`, invoker: `i-${index}`, age }));

  const kinds = all.map((each) => admission(observed({ session: each, rivals: all.filter((other) => other !== each) }), at(9)).kind);

  expect(kinds).toEqual(["wait", "start", "wait", "wait"]);
});

test("a session that waits in line is Pending, with its target and its deadline", () => {
  const seen = observed({ rivals: [session({ name: "a", age: -1 })], invoker: configuration({ timeOut: "10m" }) });

  const decision = decideBackupSession(seen, { now: at(5) });

  const { status } = carriedOut(seen.session, decision.actions);
  expect(told(decision)).toEqual(["status", "event BackupWaits"]);
  expect(status).toMatchObject({ phase: "Pending", sessionDeadline: "2026-11-22T03:10:00Z" });
  expect(firstTarget({ ...seen.session, status: status ?? {} })).toEqual({ ref: seen.target, phase: "Pending" });
  expect(decision.wakeAt).toEqual(at(65));
});

test("a skip removes what is beyond the history's limit, but not the last backup that was taken", () => {
  const old = ["nightly-a", "nightly-b"].map((name, index) =>
    session({
      name,
      age: index - 100,
      status: { conditions: [condition("MetricsPushed")], targets: [entry({ stats: [{ phase: "Succeeded" }] })] },
    }),
  );
  const seen = observed({ invoker: configuration({}, { status: notReady }), siblings: old });

  expect(told(decideBackupSession(seen, { now: at(5) }))).toEqual(["status", "event BackupSkipped", "remove nightly-a"]);
});

test("a skip that comes late, after another operator began, is none", () => {
  const seen = observed({ invoker: undefined });
  const begun = session({ status: running });

  expect(carriedOut(begun, decideBackupSession(seen, { now: at(5) }).actions).status).toEqual(begun.status);
});
