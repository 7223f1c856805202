import { ensureObject } from "../../../../operator/apply/ensure-object.ts";
import type { LiveObject, WantedObject } from "../../../../operator/objects.ts";
import type { ObjectsApi } from "../../../../operator/objects-api.ts";
import { ClusterRefusedError, ClusterUnavailableError } from "../../../../runner/errors.ts";
import { applying, callsOf, cronJob, MANAGED, owner, PLACE } from "./apply-cases.ts";

const roleRef = (name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "Role", name });

function binding(role: string, metadata: object = {}): WantedObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { ...PLACE, labels: { ...MANAGED }, ownerReferences: [owner()], ...metadata },
    roleRef: roleRef(role),
    subjects: [{ kind: "ServiceAccount", ...PLACE }],
  };
}

function account(metadata: object = {}): WantedObject {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { ...PLACE, labels: { ...MANAGED }, ownerReferences: [owner()], ...metadata },
  };
}

test("an object that is not there is made, and nobody is asked about it afterwards", async () => {
  const { api, parts } = applying();

  const made = await ensureObject(cronJob(), parts);
  const calls = callsOf(api);
  const again = await ensureObject(cronJob(), parts);

  expect(made).toMatchObject({ kind: "CronJob", spec: { schedule: "@daily", suspend: false } });
  expect(again).toBeUndefined();
  expect(callsOf(api)).toBe(calls);
});

test("a member that is wanted no more is taken away", async () => {
  const { api, parts } = applying();
  await ensureObject(cronJob({ spec: { timeZone: "Etc/UTC" } }), parts);

  await ensureObject(cronJob(), parts);

  expect(api.peek("CronJob", PLACE)?.spec).toEqual({ schedule: "@daily", suspend: false });
});

test("what others change of what is wanted is changed back", async () => {
  const { api, parts } = applying();
  await ensureObject(cronJob(), parts);
  api.put(cronJob({ spec: { suspend: true } }));

  const written = await ensureObject(cronJob(), parts);

  expect(written?.spec).toEqual({ schedule: "@daily", suspend: false });
});

test("labels, annotations, finalizers and owners of others are kept", async () => {
  const { api, parts } = applying();
  await ensureObject(cronJob(), parts);
  const other = { apiVersion: "v1", kind: "ConfigMap", name: "team", uid: "uid-of-team" };
  const live = api.peek("CronJob", PLACE) as LiveObject;
  const { labels, annotations } = live.metadata;
  const theirs = {
    labels: { ...labels, team: "carts" },
    annotations: { ...annotations, note: "ours" },
    finalizers: ["example.com/wait"],
    ownerReferences: [other, owner()],
  };
  api.put({ ...live, metadata: { ...live.metadata, ...theirs } } as unknown as WantedObject);
  const calls = callsOf(api);

  expect(await ensureObject(cronJob(), parts)).toBeUndefined();
  expect(callsOf(api)).toBe(calls);
  const written = await ensureObject(cronJob({ spec: { schedule: "@hourly" } }), parts);

  expect(written?.metadata).toMatchObject({ ...theirs, annotations: { note: "ours" }, ownerReferences: [other, owner()] });
});

test("a service account keeps what its namespace's controllers put into it", async () => {
  const { api, parts } = applying();
  await ensureObject(account(), parts);
  const given = { secrets: [{ name: "token" }], imagePullSecrets: [{ name: "pull" }] };
  api.put({ ...(api.peek("ServiceAccount", PLACE) as LiveObject), ...given } as WantedObject);

  const written = await ensureObject(account({ annotations: { role: "backup" } }), parts);

  expect(written).toMatchObject({ ...given, metadata: { annotations: { role: "backup" } } });
});

test("a CronJob that Stash made for the same owner is taken over whole", async () => {
  const { api, parts } = applying();
  api.put(cronJob({ spec: { jobTemplate: { spec: { template: "stash" } }, successfulJobsHistoryLimit: 1 } }));

  const written = await ensureObject(cronJob({ spec: { jobTemplate: { spec: { template: "ours" } } } }), parts);

  expect(written?.spec).toEqual({ schedule: "@daily", suspend: false, jobTemplate: { spec: { template: "ours" } } });
});

test.each<[string, object]>([
  ["another controller", { ownerReferences: [owner("uid-of-hourly", "hourly")] }],
  ["another kind's controller", { ownerReferences: [owner("uid-of-nightly-2", "nightly", "BackupBatch")] }],
  ["no owner", { ownerReferences: undefined }],
])("an object with %s is left alone", async (_, metadata) => {
  const { api, parts } = applying();
  const theirs = api.put(cronJob({ metadata, spec: { schedule: "@weekly" } }));

  await expect(ensureObject(cronJob(), parts)).rejects.toMatchObject({ name: "ClusterRefusedError", reason: "NameTaken" });

  expect(api.peek("CronJob", PLACE)).toBe(theirs);
});

test("what a namesake of the owner left behind is waited for", async () => {
  const { api, parts } = applying();
  const left = api.put(cronJob({ metadata: { ownerReferences: [owner("uid-of-the-former")] } }));

  await expect(ensureObject(cronJob(), parts)).rejects.toBeInstanceOf(ClusterUnavailableError);

  expect(api.peek("CronJob", PLACE)).toBe(left);
});

test.each<[string, object, boolean]>([
  ["that Stash made under that name", { labels: MANAGED }, true],
  ["of the same invoker", { labels: MANAGED, annotations: { "holdfast/rights-of": "BackupConfiguration/shop/nightly" } }, true],
  ["of another invoker", { labels: MANAGED, annotations: { "holdfast/rights-of": "BackupConfiguration/shop-a/b" } }, false],
  ["that somebody made by hand", {}, false],
  ["that somebody else answers for", { labels: MANAGED, ownerReferences: [owner("uid-of-hourly", "hourly")] }, false],
])("rights in another namespace %s are taken over: %s, %s", async (_, metadata, isTaken) => {
  const { api, parts } = applying();
  const wanted = {
    labels: { ...MANAGED },
    ownerReferences: undefined,
    annotations: { "holdfast/rights-of": "BackupConfiguration/shop/nightly" },
  };
  api.put(binding("vault", { labels: undefined, ownerReferences: undefined, ...metadata }));

  const done = ensureObject(binding("vault", wanted), parts).then(
    () => true,
    (error: ClusterRefusedError) => (error.reason === "NameTaken" ? false : error),
  );

  expect(await done).toBe(isTaken);
});

test("an object without a controller and without our label is never taken over", async () => {
  const { api, parts } = applying();
  const bare = { labels: undefined, ownerReferences: undefined };
  api.put(binding("theirs", bare));

  await expect(ensureObject(binding("ours", bare), parts)).rejects.toMatchObject({ reason: "NameTaken" });
});

test("an object that is being deleted is made anew later", async () => {
  const { api, parts } = applying();
  api.put(cronJob({ metadata: { finalizers: ["example.com/wait"] } }));
  api.delete("CronJob", PLACE);

  await expect(ensureObject(cronJob(), parts)).rejects.toBeInstanceOf(ClusterUnavailableError);

  expect(api.writes).toEqual([]);
});

test("a RoleBinding that binds to another role is removed and made anew", async () => {
  const { api, parts } = applying();
  const former = api.put(binding("former"));

  const made = await ensureObject(binding("wanted"), parts);

  expect(made).toMatchObject({ roleRef: roleRef("wanted") });
  expect(made?.metadata.uid).not.toBe(former.metadata.uid);
  expect(api.writes.map(({ verb }) => verb)).toEqual(["remove", "create"]);
});

test("a conflict is followed by another look", async () => {
  const { api, parts } = applying();
  await ensureObject(cronJob(), parts);
  api.beforeWrite(({ index }) => {
    if (index === 1) api.put(cronJob({ metadata: { labels: { ...MANAGED, team: "carts" } } }));
  });

  const written = await ensureObject(cronJob({ spec: { schedule: "@hourly" } }), parts);

  expect(api.writes.map(({ verb }) => verb)).toEqual(["create", "replace", "replace"]);
  expect(written).toMatchObject({ spec: { schedule: "@hourly" }, metadata: { labels: { team: "carts" } } });
});

test("an object that others never stop changing is tried again later", async () => {
  const { api, parts } = applying();
  await ensureObject(cronJob(), parts);
  api.beforeWrite(({ index }) => {
    api.put(cronJob({ metadata: { labels: { ...MANAGED, turn: String(index) } } }));
  });

  await expect(ensureObject(cronJob({ spec: { schedule: "@hourly" } }), parts)).rejects.toBeInstanceOf(ClusterUnavailableError);

  expect(api.calls.replace).toBe(5);
});

test("of two that make the same object at once, the second finds the first one's", async () => {
  const { api, parts } = applying();
  api.beforeWrite(({ index }) => {
    if (index === 0) api.put(cronJob({ spec: { schedule: "@weekly" } }));
  });

  const written = await ensureObject(cronJob(), parts);

  expect(written?.spec).toEqual({ schedule: "@daily", suspend: false });
  expect(api.all("CronJob")).toHaveLength(1);
});

test("a cache that lags costs a look at the server, and no write", async () => {
  const { api, parts } = applying();
  const old = await ensureObject(cronJob({ spec: { schedule: "@hourly" } }), parts);
  await ensureObject(cronJob(), parts);
  const writes = api.writes.length;

  expect(await ensureObject(cronJob(), { ...parts, cached: () => old })).toBeUndefined();
  expect(await ensureObject(cronJob(), { ...parts, cached: () => undefined })).toBeUndefined();

  expect(api.writes).toHaveLength(writes);
});

test("what the server keeps otherwise than it was written counts as no change", async () => {
  const { api, parts } = applying();
  await ensureObject(cronJob({ spec: { image: "rewritten" } }), parts);
  const stubborn: Pick<ObjectsApi, "get" | "replace"> = {
    get: (kind, name) => api.get(kind, name),
    replace: async () => api.peek("CronJob", PLACE) as LiveObject,
  };

  expect(await ensureObject(cronJob({ spec: { image: "wanted" } }), { ...parts, api: stubborn as ObjectsApi })).toBeUndefined();
});

test("a refusal of the server's is told as it is", async () => {
  const { api, parts } = applying();
  api.failNext(new ClusterRefusedError("no", { reason: "Forbidden" }), { verb: "create" });

  await expect(ensureObject(cronJob(), parts)).rejects.toMatchObject({ reason: "Forbidden" });
});
