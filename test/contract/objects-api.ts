import type { LiveObject, WantedObject } from "../../operator/objects.ts";
import type { ObjectsApi, WatchEvent } from "../../operator/objects-api.ts";

export interface TestApi extends AsyncDisposable {
  readonly api: ObjectsApi;
  /** Of this test alone. */
  readonly namespace: string;
  readonly otherNamespace: string;
}

/** What every implementation of ObjectsApi has to do. */
export function objectsApiSuite(title: string, open: () => Promise<TestApi>): void {
  describe(title, () => {
    readTests(open);
    writeTests(open);
    statusTests(open);
    removeTests(open);
    watchTests(open);
  });
}

function readTests(open: () => Promise<TestApi>): void {
  test("what is not there is not found, nor what could not be there", async () => {
    await using world = await open();
    const { api, namespace } = world;

    expect(await api.get("BackupSession", { namespace, name: "nobody" })).toBeUndefined();
    expect(await api.get("BackupSession", { namespace, name: "No Name" })).toBeUndefined();
    expect(await api.get("BackupSession", { namespace, name: "" })).toBeUndefined();
    expect(await api.get("BackupSession", { namespace: "", name: "nobody" })).toBeUndefined();
  });

  test("a list holds the objects of one namespace, or of all, that have the labels", async () => {
    await using world = await open();
    const { api, namespace, otherNamespace } = world;
    const labels = { run: namespace };
    await made(api, session(namespace, "b", { labels }));
    await made(api, session(namespace, "a", { labels: { ...labels, tier: "one" } }));
    await made(api, session(otherNamespace, "a", { labels }));

    const here = await api.list("BackupSession", { namespace });
    const everywhere = await api.list("BackupSession", { labelSelector: `run=${namespace}` });
    const chosen = await api.list("BackupSession", { labelSelector: `run=${namespace},tier=one` });

    expect(here.items.map(({ metadata }) => metadata.name).sort()).toEqual(["a", "b"]);
    expect(everywhere.items).toHaveLength(3);
    expect(chosen.items).toHaveLength(1);
    for (const { apiVersion, kind, metadata } of everywhere.items) {
      expect({ apiVersion, kind }).toEqual({ apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession" });
      expect(metadata).not.toHaveProperty("managedFields");
      expect(BigInt(metadata.resourceVersion)).toBeLessThanOrEqual(BigInt(here.resourceVersion));
    }
  });

  test("pods of lists hold what is looked at, and cannot be written back", async () => {
    await using world = await open();
    const { api, namespace } = world;
    await made(api, { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace, name: "default" } });
    const containers = [{ name: "main", image: "example/image", resources: { limits: { memory: "64Mi" } } }];
    await made(api, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name: "worker" },
      spec: { containers, activeDeadlineSeconds: 60 },
    });

    const { items } = await api.list("Pod", { namespace });
    const [pod] = items;

    expect(pod?.metadata.name).toBe("worker");
    expect(pod?.spec?.activeDeadlineSeconds).toBe(60);
    expect(pod?.spec?.containers).toEqual([{ name: "main", resources: expect.objectContaining({ limits: { memory: "64Mi" } }) }]);
    await expect(api.replace(pod as LiveObject)).rejects.toThrow("cannot be replaced");
    expect((await api.get("Pod", { namespace, name: "worker" }))?.spec?.containers).toEqual([
      expect.objectContaining({ image: "example/image" }),
    ]);
  });

  test("an aborted signal ends every verb with its reason", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await made(api, session(namespace, "a"));
    const signal = AbortSignal.abort(new Error("enough"));

    await expect(api.get("BackupSession", object.metadata as Named, { signal })).rejects.toThrow("enough");
    await expect(api.list("BackupSession", { signal })).rejects.toThrow("enough");
    await expect(api.create(session(namespace, "b"), { signal })).rejects.toThrow("enough");
    await expect(api.replace(object, { signal })).rejects.toThrow("enough");
    await expect(api.replaceStatus(object, { signal })).rejects.toThrow("enough");
    await expect(api.remove("BackupSession", object.metadata as Named, { signal })).rejects.toThrow("enough");
    await expect(first(api.watch("BackupSession", { resourceVersion: "1", signal }))).rejects.toThrow("enough");
  });

  test("the server's time is about ours", async () => {
    await using world = await open();

    await world.api.list("BackupSession", { namespace: world.namespace });

    expect(Math.abs(world.api.now().getTime() - Date.now())).toBeLessThan(2_500);
  });
}

function writeTests(open: () => Promise<TestApi>): void {
  test("an object is made once, with what the server adds to it", async () => {
    await using world = await open();
    const { api, namespace } = world;

    const object = await made(api, session(namespace, "a", { labels: { tier: "one" } }));
    const second = await api.create(session(namespace, "a"));

    expect(object.metadata).toMatchObject({ namespace, name: "a", labels: { tier: "one" }, generation: 1 });
    expect(object.metadata.uid).not.toBe("");
    expect(object.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(object.metadata).not.toHaveProperty("managedFields");
    expect(second).toBe("exists");
    expect(await api.get("BackupSession", { namespace, name: "a" })).toEqual(object);
  });

  test("a name that leads elsewhere is refused", async () => {
    await using world = await open();
    const { api, namespace } = world;

    for (const name of ["", "A", "a/b", ".."]) {
      await expect(api.create(session(namespace, name))).rejects.toMatchObject({ name: "ClusterRefusedError", reason: "Invalid" });
    }
    await expect(api.create(session("", "a"))).rejects.toMatchObject({ name: "ClusterRefusedError", reason: "Invalid" });
  });

  test("a status is not made with the object", async () => {
    await using world = await open();
    const { api, namespace } = world;

    const object = await made(api, { ...session(namespace, "a"), status: { phase: "Succeeded" } });

    expect(object.status).toBeUndefined();
  });

  test("a new spec is a new generation, new labels are not, and neither touches the status", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await written(api.replaceStatus({ ...(await made(api, session(namespace, "a"))), status: { phase: "Pending" } }));

    const labelled = await written(api.replace({ ...object, status: {}, metadata: { ...object.metadata, labels: { tier: "two" } } }));
    const changed = await written(api.replace({ ...labelled, spec: { ...labelled.spec, retryLeft: 1 } }));

    expect(labelled.metadata).toMatchObject({ labels: { tier: "two" }, generation: 1 });
    expect(changed.metadata).toMatchObject({ labels: { tier: "two" }, generation: 2 });
    expect(changed.spec).toMatchObject({ retryLeft: 1 });
    expect(changed.status).toEqual({ phase: "Pending" });
    expect(BigInt(changed.metadata.resourceVersion)).toBeGreaterThan(BigInt(labelled.metadata.resourceVersion));
  });

  test("writing what is there already changes nothing", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await made(api, session(namespace, "a"));
    const job = await made(api, jobOf(namespace, "a"));

    expect((await written(api.replace(object))).metadata.resourceVersion).toBe(object.metadata.resourceVersion);
    expect((await written(api.replaceStatus(object))).metadata.resourceVersion).toBe(object.metadata.resourceVersion);
    // Its version may change: who owns the server's own fields does.
    expect((await written(api.replace(job))).spec).toEqual(job.spec);
  });

  test("an old version of an object is a conflict, and is not written", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const old = await made(api, session(namespace, "a"));
    const current = await written(api.replace({ ...old, metadata: { ...old.metadata, labels: { by: "another" } } }));

    expect(await api.replace({ ...old, metadata: { ...old.metadata, labels: { by: "us" } } })).toBe("conflict");
    expect(await api.replaceStatus({ ...old, status: { phase: "Failed" } })).toBe("conflict");
    expect(await api.get("BackupSession", { namespace, name: "a" })).toEqual(current);
  });

  test.each([
    ["BackupSession", session],
    ["Role", role],
    ["Lease", lease],
    ["Job", jobOf],
  ] as const)("a %s that is gone is not made anew by a write, nor is its namesake written", async (kind, wanted) => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await made(api, wanted(namespace, "a"));
    await api.remove(kind, object.metadata as Named);
    const change = { ...object, metadata: { ...object.metadata, labels: { by: "us" } } };

    expect(await api.replace(change)).toBe("gone");
    expect(await api.get(kind, { namespace, name: "a" })).toBeUndefined();

    const namesake = await made(api, wanted(namespace, "a"));

    expect(await api.replace(change)).toBe("gone");
    expect(await api.replace({ ...change, metadata: { ...change.metadata, resourceVersion: namesake.metadata.resourceVersion } })).toBe(
      "gone",
    );
    expect(await api.get(kind, { namespace, name: "a" })).toEqual(namesake);
  });

  test("a write without uid or version is a defect, and is not sent", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await made(api, session(namespace, "a"));

    const [unversioned, unknown] = [{ resourceVersion: "" }, { uid: "" }].map((lack) => ({
      ...object,
      metadata: { ...object.metadata, ...lack },
    }));
    await expect(api.replace(unversioned as LiveObject)).rejects.toThrow("without its uid");
    await expect(api.replaceStatus(unknown as LiveObject)).rejects.toThrow("without its uid");
    await expect(api.remove("BackupSession", { namespace, name: "a", uid: "" })).rejects.toThrow("without its uid");
  });
}

function statusTests(open: () => Promise<TestApi>): void {
  test("a status is written alone", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await made(api, session(namespace, "a"));

    const changed = { ...object, metadata: { ...object.metadata, labels: { by: "us" } }, spec: { ...object.spec, retryLeft: 9 } };
    const stored = await written(api.replaceStatus({ ...changed, status: { phase: "Running", sessionDeadline: "2026-11-22T03:00:00Z" } }));

    expect(stored.status).toEqual({ phase: "Running", sessionDeadline: "2026-11-22T03:00:00Z" });
    expect(stored.spec).toEqual(object.spec);
    expect(stored.metadata.labels).toBeUndefined();
    expect(stored.metadata.generation).toBe(1);
    expect(await api.get("BackupSession", { namespace, name: "a" })).toEqual(stored);
  });

  test("the status of an object that is gone is nobody's, nor is it its namesake's", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await made(api, session(namespace, "a"));
    await api.remove("BackupSession", object.metadata as Named);

    expect(await api.replaceStatus({ ...object, status: { phase: "Failed" } })).toBe("gone");

    const namesake = await made(api, session(namespace, "a"));

    expect(await api.replaceStatus({ ...object, status: { phase: "Failed" } })).toBe("gone");
    expect(await api.get("BackupSession", { namespace, name: "a" })).toEqual(namesake);
  });

  test("kinds without a status have none to be written", async () => {
    await using world = await open();
    const object = await made(world.api, role(world.namespace, "a"));

    await expect(world.api.replaceStatus(object)).rejects.toThrow("no status");
  });
}

function removeTests(open: () => Promise<TestApi>): void {
  test("an object is removed once, and its namesake stays", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const object = await made(api, session(namespace, "a"));

    expect(await api.remove("BackupSession", object.metadata as Named)).toBe("deleted");
    expect(await api.remove("BackupSession", object.metadata as Named)).toBe("gone");

    const namesake = await made(api, session(namespace, "a"));

    expect(await api.remove("BackupSession", object.metadata as Named)).toBe("gone");
    expect(await api.get("BackupSession", { namespace, name: "a" })).toEqual(namesake);
  });

  test("an object with a finalizer stays until that is taken away", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const plain = await made(api, session(namespace, "a"));
    const held = await written(api.replace({ ...plain, metadata: { ...plain.metadata, finalizers: ["stash.appscode.com"] } }));

    expect(await api.remove("BackupSession", held.metadata as Named)).toBe("deleted");
    const deleted = (await api.get("BackupSession", { namespace, name: "a" })) as LiveObject;
    expect(deleted.metadata.deletionTimestamp).toMatch(/Z$/);
    expect(await api.remove("BackupSession", held.metadata as Named)).toBe("deleted");

    await written(api.replace({ ...deleted, metadata: { ...deleted.metadata, finalizers: [] } }));
    expect(await api.get("BackupSession", { namespace, name: "a" })).toBeUndefined();
  });
}

function watchTests(open: () => Promise<TestApi>): void {
  test("a watch tells what happens after its version, in order", async () => {
    await using world = await open();
    const { api, namespace } = world;
    await made(api, session(namespace, "before"));
    const { resourceVersion } = await api.list("BackupSession", { namespace });

    const object = await made(api, session(namespace, "a"));
    const opened = Promise.withResolvers<void>();
    const events = take(3, api.watch("BackupSession", { namespace, resourceVersion, opened: opened.resolve }));
    await opened.promise;
    const changed = await written(api.replaceStatus({ ...object, status: { phase: "Running" } }));
    await api.remove("BackupSession", object.metadata as Named);

    const [added, modified, deleted] = await events;
    expect(added).toEqual({ type: "added", object });
    expect(modified).toEqual({ type: "modified", object: changed });
    expect(deleted).toMatchObject({ type: "deleted", object: { metadata: { uid: object.metadata.uid } } });
    expect(versionOf(deleted)).toBeGreaterThan(versionOf(modified));
  });

  test("a watch by label tells of objects that get the label and lose it", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const { resourceVersion } = await api.list("BackupSession", { namespace });
    const labelled = (object: LiveObject, tier: string) => api.replace({ ...object, metadata: { ...object.metadata, labels: { tier } } });

    const object = await made(api, session(namespace, "a", { labels: { tier: "two" } }));
    const got = await written(labelled(object, "one"));
    await written(labelled(got, "two"));

    const events = await take(2, api.watch("BackupSession", { namespace, labelSelector: "tier=one", resourceVersion }));
    expect(events.map(({ type }) => type)).toEqual(["added", "deleted"]);
    expect(versionOf(events[1])).toBeGreaterThan(BigInt(got.metadata.resourceVersion));
  });

  test("a watch that waits ends with its signal's reason", async () => {
    await using world = await open();
    const { api, namespace } = world;
    const { resourceVersion } = await api.list("BackupSession", { namespace });
    const abort = new AbortController();

    const opened = () => abort.abort(new Error("enough"));
    const watching = first(api.watch("BackupSession", { namespace, resourceVersion, opened, signal: abort.signal }));

    await expect(watching).rejects.toThrow("enough");
  });
}

export function session(
  namespace: string,
  name: string,
  metadata: { readonly labels?: Readonly<Record<string, string>> } = {},
): WantedObject {
  const spec = { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" } };
  return { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata: { namespace, name, ...metadata }, spec };
}

function role(namespace: string, name: string): WantedObject {
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { namespace, name }, rules };
}

function lease(namespace: string, name: string): WantedObject {
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name }, spec: { holderIdentity: "somebody" } };
}

function jobOf(namespace: string, name: string): WantedObject {
  const spec = { restartPolicy: "Never", containers: [{ name: "main", image: "example/image" }] };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { namespace, name }, spec: { backoffLimit: 0, template: { spec } } };
}

type Named = { readonly namespace: string; readonly name: string; readonly uid: string };

async function made(api: ObjectsApi, object: WantedObject): Promise<LiveObject> {
  const created = await api.create(object);
  if (created === "exists") throw new Error(`"${object.metadata.name}" is there already`);
  return created;
}

async function written(writing: Promise<LiveObject | string>): Promise<LiveObject> {
  const outcome = await writing;
  if (typeof outcome === "string") throw new Error(`Not written: ${outcome}`);
  return outcome;
}

/** So many events that are no bookmarks. */
async function take(count: number, events: AsyncIterable<WatchEvent>): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = [];
  for await (const event of events) {
    if (event.type !== "bookmark") taken.push(event);
    if (taken.length === count) return taken;
  }
  throw new Error(`The watch ended after ${taken.length} events`);
}

async function first(events: AsyncIterable<WatchEvent>): Promise<WatchEvent | undefined> {
  for await (const event of events) return event;
  return undefined;
}

function versionOf(event: WatchEvent | undefined): bigint {
  if (event === undefined || event.type === "bookmark") throw new Error("No event of an object");
  return BigInt(event.object.metadata.resourceVersion);
}
