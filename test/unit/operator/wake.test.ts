import type { WatchedKind } from "../../../operator/kinds.ts";
import type { Fields, LiveObject } from "../../../operator/objects.ts";
import { type Change, wakings } from "../../../operator/wake.ts";

const owner = (kind: string, name: string) => ({ apiVersion: "v1", kind, name, uid: `uid-${name}`, controller: true });
const later = "2026-11-22T03:10:00Z";

let versions = 0;

interface Parts {
  readonly kind: WatchedKind;
  readonly name: string;
  readonly namespace?: string;
  readonly spec?: Fields;
  readonly status?: Fields;
  readonly metadata?: object;
}

function object({ kind, name, namespace = "shop", metadata = {}, ...rest }: Parts): LiveObject {
  versions += 1;
  const own = { name, namespace, uid: `uid-${name}`, resourceVersion: String(versions), creationTimestamp: "2026-11-22T03:00:00Z" };
  return { apiVersion: "v1", kind, metadata: { ...own, ...metadata }, ...rest };
}

/** The same, written once more. */
function changed(before: LiveObject, { metadata = {}, ...rest }: Partial<Omit<Parts, "kind" | "name">>): LiveObject {
  versions += 1;
  return { ...before, ...rest, metadata: { ...before.metadata, ...metadata, resourceVersion: String(versions) } };
}

const ref = (name: string, namespace?: string) => ({ target: { ref: { kind: "AppBinding", name, ...(namespace ? { namespace } : {}) } } });
const sessionOf = (invoker: string) => ({ invoker: { kind: "BackupConfiguration", name: invoker } });
const uses = (name: string, namespace?: string) => ({ repository: { name, ...(namespace === undefined ? {} : { namespace }) } });

const nightly = object({ kind: "BackupConfiguration", name: "nightly", spec: { ...uses("vault"), ...ref("carts") } });
const elsewhere = object({
  ...{ kind: "BackupConfiguration", name: "hourly", namespace: "mail" },
  spec: { ...uses("vault", "shop"), ...ref("carts", "shop") },
  status: { phase: "NotReady" },
});
const namesake = object({ kind: "BackupConfiguration", name: "twin", namespace: "mail", spec: { ...uses("vault", ""), ...ref("carts") } });
const pending = object({ kind: "BackupSession", name: "pending", spec: sessionOf("nightly"), status: { phase: "Pending" } });
const fresh = object({ kind: "BackupSession", name: "fresh", spec: sessionOf("nightly") });
const foreign = object({ kind: "BackupSession", name: "foreign", namespace: "mail", spec: sessionOf("hourly") });
const running = object({ kind: "BackupSession", name: "running", spec: sessionOf("nightly"), status: { phase: "Running" } });
const done = object({ kind: "BackupSession", name: "done", spec: sessionOf("nightly"), status: { phase: "Succeeded" } });
const restore = object({ kind: "RestoreSession", name: "back", spec: { ...uses("vault"), ...ref("carts") }, status: { phase: "Pending" } });
const restored = object({
  kind: "RestoreSession",
  name: "old",
  spec: { ...uses("vault"), ...ref("carts") },
  status: { phase: "Succeeded" },
});
const invalid = object({
  kind: "RestoreSession",
  name: "invalid",
  spec: { ...uses("vault"), ...ref("carts") },
  status: { phase: "Invalid" },
});
const repository = object({ kind: "Repository", name: "vault" });
const appBinding = object({ kind: "AppBinding", name: "carts" });
const job = object({ kind: "Job", name: "stash-running", metadata: { ownerReferences: [owner("BackupSession", "running")] } });
const trigger = object({
  ...{ kind: "Job", name: "stash-trigger-1" },
  metadata: { labels: { "stash.appscode.com/delete-job-on-completion": "true" }, ownerReferences: [owner("CronJob", "trigger")] },
});
const cronJob = object({
  kind: "CronJob",
  name: "trigger",
  spec: {},
  metadata: { ownerReferences: [owner("BackupConfiguration", "nightly")] },
});
const role = object({ kind: "Role", name: "jobs", metadata: { ownerReferences: [owner("BackupConfiguration", "nightly")] } });
const foreignRole = object({
  ...{ kind: "Role", name: "shop-jobs", namespace: "vaults" },
  metadata: { annotations: { "holdfast/rights-of": "BackupConfiguration/shop/nightly" } },
});
const pod = object({ kind: "Pod", name: "stash-running-x", metadata: { labels: { "batch.kubernetes.io/job-name": "stash-running" } } });

const ALL = [
  nightly,
  elsewhere,
  namesake,
  pending,
  fresh,
  foreign,
  running,
  done,
  restore,
  restored,
  invalid,
  repository,
  job,
  trigger,
  cronJob,
];

function woken(change: Omit<Change, "kind">, { known = ALL }: { readonly known?: readonly LiveObject[] } = {}): readonly string[] {
  const cachedAll = (kind: WatchedKind) => known.filter((each) => each.kind === kind);
  const cachedIn = (kind: WatchedKind, namespace: string) => cachedAll(kind).filter(({ metadata }) => metadata.namespace === namespace);
  const caches = {
    cachedAll,
    cachedIn,
    cached: (kind: WatchedKind, name: { namespace: string; name: string }) =>
      cachedIn(kind, name.namespace).find(({ metadata }) => metadata.name === name.name),
  };
  const { kind } = (change.after ?? change.before) as LiveObject;
  const found = wakings({ kind: kind as WatchedKind, ...change }, caches);
  return [...new Set(found.map(({ kind: woken, name }) => `${woken} ${name.namespace}/${name.name}`))].toSorted();
}

const added = (after: LiveObject) => ({ before: undefined, after });
const deleted = (before: LiveObject) => ({ before, after: undefined });
const modified = (before: LiveObject, change: Parameters<typeof changed>[1]) => ({ before, after: changed(before, change) });
const goes = { metadata: { deletionTimestamp: later } };

const NIGHTLY = "BackupConfiguration shop/nightly";
const WAITING = ["BackupSession mail/foreign", "BackupSession shop/fresh", "BackupSession shop/pending"];
const VAULT_USERS = ["BackupConfiguration mail/hourly", NIGHTLY, "RestoreSession shop/back", "RestoreSession shop/invalid"];

test.each<[string, Omit<Change, "kind">, readonly string[]]>([
  ["a new BackupConfiguration: itself, and its sessions that were there first", added(nightly), [NIGHTLY, ...WAITING.slice(1)]],
  ["one that became Ready: its waiting sessions", modified(nightly, { status: { phase: "Ready" } }), [NIGHTLY, ...WAITING.slice(1)]],
  ["one that is being deleted: also its Repository", modified(nightly, goes), [NIGHTLY, ...WAITING.slice(1), "Repository shop/vault"]],
  ["one that is gone: also its Repository", deleted(nightly), [NIGHTLY, ...WAITING.slice(1), "Repository shop/vault"]],
  [
    "one that names another Repository now: the former one",
    modified(elsewhere, { spec: uses("other") }),
    ["BackupConfiguration mail/hourly", "BackupSession mail/foreign", "Repository shop/vault"],
  ],
  ["a new session: itself", added(fresh), ["BackupSession shop/fresh"]],
  ["a session that began: itself", modified(pending, { status: { phase: "Running" } }), ["BackupSession shop/pending"]],
  ["a session that ended: whoever waits", modified(running, { status: { phase: "Failed" } }), [...WAITING, "BackupSession shop/running"]],
  ["one that was skipped: whoever waits", modified(foreign, { status: { phase: "Skipped" } }), WAITING],
  ["one that runs and is deleted: whoever waits", deleted(running), [...WAITING, "BackupSession shop/running"]],
  ["one that runs and is being deleted: whoever waits", modified(running, goes), [...WAITING, "BackupSession shop/running"]],
  [
    "one that is over already: itself alone",
    modified(done, { status: { phase: "Succeeded", retried: true } }),
    ["BackupSession shop/done"],
  ],
  ["one that was over, and is deleted: itself alone", deleted(done), ["BackupSession shop/done"]],
  ["a RestoreSession: itself", added(restore), ["RestoreSession shop/back"]],
  ["a RestoreSession that is gone: its Repository, too", deleted(restore), ["Repository shop/vault", "RestoreSession shop/back"]],
  ["a new Repository: itself, and who names it, from other namespaces, too", added(repository), [...VAULT_USERS, "Repository shop/vault"]],
  [
    "a Repository with another spec: the same",
    modified(repository, { spec: { wipeOut: true } }),
    [...VAULT_USERS, "Repository shop/vault"],
  ],
  ["a Repository that is gone: the same", deleted(repository), [...VAULT_USERS, "Repository shop/vault"]],
  ["a Repository's status: nobody", modified(repository, { status: { snapshotCount: 1 } }), []],
  [
    "the status of a Repository that is to go: itself",
    modified(changed(repository, goes), { status: { references: [] } }),
    ["Repository shop/vault"],
  ],
  ["a new AppBinding: whose target it is", added(appBinding), VAULT_USERS],
  ["an AppBinding with another address", modified(appBinding, { spec: { clientConfig: {} } }), VAULT_USERS],
  ["an AppBinding that is being deleted", modified(appBinding, goes), VAULT_USERS],
  ["an AppBinding that was written without a change: nobody", modified(appBinding, {}), []],
  ["a CronJob's status: nobody", modified(cronJob, { status: { active: [] } }), []],
  ["a CronJob that somebody changed: its owner", modified(cronJob, { spec: { suspend: true } }), [NIGHTLY]],
  ["a CronJob that is gone: its owner", deleted(cronJob), [NIGHTLY]],
  ["a CronJob that lost its owner: its former one", modified(cronJob, { metadata: { ownerReferences: [] } }), [NIGHTLY]],
  ["a session's Job: its session", added(job), ["BackupSession shop/running"]],
  ["a session's Job's status: its session", modified(job, { status: { failed: 1 } }), ["BackupSession shop/running"]],
  ["a Job deleted by hand: its session", deleted(job), ["BackupSession shop/running"]],
  ["a trigger's Job: itself", modified(trigger, { status: { succeeded: 1 } }), ["Job shop/stash-trigger-1"]],
  [
    "a session's Job with a trigger's label, which its invoker has: its session",
    modified(changed(job, { metadata: { labels: { "stash.appscode.com/delete-job-on-completion": "true" } } }), { status: { failed: 1 } }),
    ["BackupSession shop/running"],
  ],
  ["a pod: its session", added(pod), ["BackupSession shop/running"]],
  ["a pod's status: its session", modified(pod, { status: { phase: "Failed" } }), ["BackupSession shop/running"]],
  ["a pod that is gone: its session", deleted(pod), ["BackupSession shop/running"]],
  [
    "a trigger's pod: its Job",
    modified(changed(pod, { metadata: { labels: { "batch.kubernetes.io/job-name": "stash-trigger-1" } } }), {
      status: { phase: "Pending" },
    }),
    ["Job shop/stash-trigger-1"],
  ],
  [
    "a pod without the label: by its owner",
    added(changed(pod, { metadata: { labels: {}, ownerReferences: [owner("Job", "stash-running")] } })),
    ["BackupSession shop/running"],
  ],
  ["a pod of nobody's: nobody", added(changed(pod, { metadata: { labels: {} } })), []],
  ["a new Role: nobody", added(role), []],
  ["a Role that somebody changed: its owner", modified(role, { metadata: { labels: {} } }), [NIGHTLY]],
  ["a Role that is gone: its owner", deleted(role), [NIGHTLY]],
  ["rights in another namespace that are gone: whom they name", deleted(foreignRole), [NIGHTLY]],
  [
    "rights in another namespace that lost their mark: whom they named",
    modified(foreignRole, { metadata: { annotations: {} } }),
    [NIGHTLY],
  ],
  ["rights of a stranger: nobody", deleted(changed(role, { metadata: { ownerReferences: [owner("Deployment", "shop")] } })), []],
  [
    "a mark that says nothing of use: nobody",
    deleted(changed(foreignRole, { metadata: { annotations: { "holdfast/rights-of": "a" } } })),
    [],
  ],
])("%s", (_, change, expected) => {
  expect(woken(change)).toEqual([...expected].toSorted());
});

test.each(["BackupBatch", "RestoreBatch", "BackupBlueprint"] as const)("a %s wakes itself", (kind) => {
  const refused = object({ kind, name: "all" });

  expect(woken(added(refused))).toEqual([`${kind} shop/all`]);
});

test("a pod that comes before its Job is seen with the Job", () => {
  const known = ALL.filter(({ kind }) => kind !== "Job");

  expect(woken(added(pod), { known })).toEqual([]);
  expect(woken(added(job), { known: [...ALL, pod] })).toEqual(["BackupSession shop/running"]);
});

test("a failed session that is to be tried again is woken by the end of another, once its turn is not taken", () => {
  const failed = (name: string, spec: Fields, status: Fields) =>
    object({ kind: "BackupSession", name, spec: { ...sessionOf("nightly"), ...spec }, status: { phase: "Failed", ...status } });
  const open = failed("open", { retryLeft: 1 }, {});
  const known = [open, failed("retried", { retryLeft: 1 }, { retried: true }), failed("last", { retryLeft: 0 }, {})];

  expect(woken(modified(running, { status: { phase: "Succeeded" } }), { known })).toEqual([
    "BackupSession shop/open",
    "BackupSession shop/running",
  ]);
});

test("a RestoreSession's Job and rights wake their RestoreSession", () => {
  const restoreJob = changed(job, { metadata: { ownerReferences: [owner("RestoreSession", "back")] } });
  const rights = changed(foreignRole, { metadata: { annotations: { "holdfast/rights-of": "RestoreSession/shop/back" } } });

  expect(woken(added(restoreJob))).toEqual(["RestoreSession shop/back"]);
  expect(woken(deleted(rights))).toEqual(["RestoreSession shop/back"]);
});
