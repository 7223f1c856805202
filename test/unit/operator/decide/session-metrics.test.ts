import { backupSessionPushes, restoreSessionPushes, typeOfBinding } from "../../../../operator/decide/session-metrics.ts";
import type { Fields, LiveObject } from "../../../../operator/objects.ts";
import { conditions } from "../../kubernetes/status-cases.ts";

const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts", namespace: "shop" };
const created = "2026-11-20T03:00:00Z";
const now = new Date("2026-11-20T03:01:18Z");
const appBindingTypes = new Map([["shop/carts", "kubedb.com/redis"]]);
const metadata = { namespace: "shop", uid: "u-1", resourceVersion: "1", creationTimestamp: created };

const invoker: LiveObject = {
  apiVersion: "stash.appscode.com/v1beta1",
  kind: "BackupConfiguration",
  metadata: { ...metadata, name: "nightly" },
  spec: { repository: { name: "vault", namespace: "stores" } },
};

function backupSession(status: Fields): LiveObject {
  const spec = { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" } };
  return { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata: { ...metadata, name: "nightly-1" }, spec, status };
}

function restoreSession(status: Fields): LiveObject {
  const spec = { repository: { name: "vault" }, target: { ref: { ...ref, namespace: undefined } } };
  return { apiVersion: "stash.appscode.com/v1beta1", kind: "RestoreSession", metadata: { ...metadata, name: "back" }, spec, status };
}

const done = (phase: string, more: Fields = {}) => ({ ref, totalHosts: 1, stats: [{ hostname: "host-0", phase }], ...more });

/** Values by new name and without labels, of one push. */
const valuesOf = (push: { readonly samples: readonly { name: string; value: number }[] } | undefined) =>
  Object.fromEntries(
    (push?.samples ?? []).filter(({ name }) => name.startsWith("stash_appscode_com_")).map(({ name, value }) => [name.slice(19), value]),
  );

const pushesOf = (status: Fields) => backupSessionPushes({ session: backupSession(status), invoker, appBindingTypes, now });

test("a good backup session pushes its success, its duration and its target's, each in a group of its own (R25)", () => {
  const pushes = pushesOf({
    phase: "Running",
    targets: [done("Succeeded")],
    ...conditions("RetentionPolicyApplied=True BackupHistoryCleaned=True"),
  });

  expect(pushes.map(({ job, group }) => [job, group])).toEqual([
    ["backupconfiguration-shop-nightly", {}],
    ["backupconfiguration-shop-nightly", { holdfast_target: "shop.carts" }],
  ]);
  expect(valuesOf(pushes[0])).toEqual({
    backupsession_success: 1,
    backupsession_duration_seconds: 78,
    backupsession_target_count_total: 1,
    backupsession_last_success_time_seconds: now.getTime() / 1000,
  });
  expect(valuesOf(pushes[1])).toEqual({
    backupsession_target_success: 1,
    backupsession_target_host_count_total: 1,
    backupsession_target_last_success_time_seconds: now.getTime() / 1000,
  });
  expect(pushes[1]?.samples[0]?.labels).toEqual({
    invoker_kind: "BackupConfiguration",
    invoker_name: "nightly",
    namespace: "shop",
    driver: "Restic",
    repository: "vault",
    name: "carts",
    group: "kubedb.com",
    kind: "redis",
  });
});

test.each([
  ["its deadline", "DeadlineExceeded=True"],
  ["its retention policy", "RetentionPolicyApplied=False"],
  ["the check of its repository", "RepositoryIntegrityVerified=False"],
  ["its repository's metrics", "RepositoryMetricsPushed=False"],
  ["its history", "BackupHistoryCleaned=False"],
  ["a global hook", "GlobalPostBackupHookSucceeded=False"],
])("a session that fails by %s pushes no success, although its target has one", (_, text) => {
  const [session, target] = pushesOf({ targets: [done("Succeeded")], ...conditions(text) });

  expect(valuesOf(session)).toEqual({ backupsession_success: 0 });
  expect(valuesOf(target)).toMatchObject({ backupsession_target_success: 1 });
});

test.each<[string, Fields]>([
  ["whose host failed", done("Failed", { stats: [{ hostname: "host-0", phase: "Failed", error: "no" }] })],
  ["that was disrupted", { ref, totalHosts: 1, ...conditions("BackupExecutorEnsured=True BackupDisrupted=True") }],
  ["without a Job", { ref, ...conditions("BackupExecutorEnsured=False") }],
  ["that has not ended", { ref, totalHosts: 1, ...conditions("BackupExecutorEnsured=True") }],
  ["that says it succeeded, and does not show it", { ref, totalHosts: 1, phase: "Succeeded" }],
])("a target %s is no success, and neither is its session", (_, target) => {
  const pushes = pushesOf({ targets: [target] });

  expect(pushes.map(valuesOf)).toEqual([{ backupsession_success: 0 }, { backupsession_target_success: 0 }]);
});

test("a session without targets is no success", () => {
  expect(pushesOf({ ...conditions("DeadlineExceeded=True") }).map(valuesOf)).toEqual([{ backupsession_success: 0 }]);
});

test("a skipped session pushes nothing", () => {
  expect(pushesOf({ phase: "Skipped", ...conditions("BackupSkipped=True") })).toEqual([]);
});

test("a session whose invoker is gone is pushed under that one's name all the same", () => {
  const [push] = backupSessionPushes({
    session: backupSession({ targets: [done("Succeeded")] }),
    invoker: undefined,
    appBindingTypes: new Map(),
    now,
  });

  expect(push?.job).toBe("backupconfiguration-shop-nightly");
  expect(push?.samples[0]?.labels).toMatchObject({ invoker_name: "nightly", repository: "" });
});

test("a good restore pushes its success although its phase is not yet final (R24)", () => {
  const session = restoreSession({
    phase: "Running",
    totalHosts: 1,
    stats: [{ phase: "Succeeded" }],
    ...conditions("RestoreExecutorEnsured=True"),
  });

  const pushes = restoreSessionPushes({ session, appBindingTypes, now });

  expect(pushes.map(({ job, group }) => [job, group])).toEqual([
    ["restoresession-shop-back", {}],
    ["restoresession-shop-back", { holdfast_target: "shop.carts" }],
  ]);
  expect(pushes.map(valuesOf)).toEqual([
    { restoresession_success: 1, restoresession_duration_seconds: 78, restoresession_target_count_total: 1 },
    { restoresession_target_success: 1, restoresession_target_host_count_total: 1 },
  ]);
});

test.each<[string, Fields, number]>([
  ["whose host failed", { totalHosts: 1, stats: [{ phase: "Failed", error: "no" }], ...conditions("RestoreExecutorEnsured=True") }, 0],
  ["whose Job was lost", { totalHosts: 1, ...conditions("RestoreExecutorEnsured=False") }, 0],
  ["that never began", { ...conditions("RepositoryFound=False DeadlineExceeded=True") }, 0],
  ["that ended after its deadline", { totalHosts: 1, stats: [{ phase: "Succeeded" }], ...conditions("DeadlineExceeded=True") }, 1],
])("a restore %s is no success", (_, status, target) => {
  const pushes = restoreSessionPushes({ session: restoreSession(status), appBindingTypes, now });

  expect(valuesOf(pushes[0])).toEqual({ restoresession_success: 0 });
  expect(valuesOf(pushes[1])).toMatchObject({ restoresession_target_success: target });
});

test("the labels of a target whose AppBinding is gone name it alone", () => {
  const [, push] = restoreSessionPushes({ session: restoreSession({ totalHosts: 1 }), appBindingTypes: new Map(), now });

  expect(push?.samples[0]?.labels).toEqual({
    invoker_kind: "RestoreSession",
    invoker_name: "back",
    namespace: "shop",
    driver: "Restic",
    repository: "vault",
    name: "carts",
  });
});

test("an AppBinding that does not say its type has an empty one", () => {
  expect([typeOfBinding({ ...invoker, spec: {} }), typeOfBinding({ ...invoker, spec: { type: "redis" } })]).toEqual(["", "redis"]);
});
