// What every cluster does. `open` brings one up that holds the given objects, their status included, in namespaces of their own.
import { randomBytes } from "node:crypto";
import { ParameterError } from "../../runner/errors.ts";
import type { Cluster, ClusterEvent, ObjectName, Status, StatusKind } from "../../runner/kubernetes/cluster.ts";

export interface TestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

export interface TestCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  /** The events that were emitted in the namespace, in order. */
  events(namespace: string): Promise<ClusterEvent[]>;
  /** Another text after every write of this object's status. */
  statusVersion(kind: StatusKind, name: ObjectName): Promise<string>;
}

export type OpenCluster = (objects: readonly TestObject[]) => Promise<TestCluster>;

export function clusterSuite(name: string, open: OpenCluster): void {
  describe(name, () => {
    describe("reading objects", () => readingTests(open));
    describe("reading secrets", () => secretTests(open));
    describe("writing a status", () => statusTests(open));
    describe("events, rights and aborts", () => eventTests(open));
  });
}

function readingTests(open: OpenCluster): void {
  test("an AppBinding is read with the fields nobody knows", async () => {
    const name = newName();
    await using harness = await open([
      namespaceOf(name),
      appBinding(name, { clientConfig: { service }, parameters: { apiVersion: "v1", kind: "Settings", custom: { deep: [1] } } }),
    ]);

    const found = await harness.cluster.appBinding(name);

    expect(found.metadata).toMatchObject(name);
    expect(found.spec.clientConfig.service).toMatchObject(service);
    expect(found.spec.parameters).toMatchObject({ custom: { deep: [1] } });
  });

  test("a Repository is read with its status", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), repository(name, { snapshotCount: 7 })]);

    const found = await harness.cluster.repository(name);

    expect(found.spec.backend.local?.mountPath).toBe("/backups");
    expect(found.status).toEqual({ snapshotCount: 7 });
  });

  test("sessions are read with what asked for them and with their status", async () => {
    const name = newName();
    const status = { phase: "Running", sessionDuration: "3s" };
    const sessions = [session("BackupSession", name, status), session("RestoreSession", name, status)];
    await using harness = await open([namespaceOf(name), ...sessions]);

    const backup = await harness.cluster.backupSession(name);
    const restore = await harness.cluster.restoreSession(name);

    expect(backup).toMatchObject({ metadata: name, spec: { invoker: { kind: "BackupConfiguration", name: "nightly" } } });
    expect(backup.status).toEqual(status);
    expect(restore).toMatchObject({ metadata: name, spec: { repository: { name: "cellar" } } });
    expect(restore.status).toEqual(status);
  });

  test("what a session's status was made is read back", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), session("BackupSession", name), session("RestoreSession", name)]);

    await harness.cluster.updateStatus("BackupSession", name, () => ({ phase: "Failed" }));
    await harness.cluster.updateStatus("RestoreSession", name, () => ({ phase: "Succeeded" }));

    expect((await harness.cluster.backupSession(name)).status).toEqual({ phase: "Failed" });
    expect((await harness.cluster.restoreSession(name)).status).toEqual({ phase: "Succeeded" });
  });

  test("both kinds of invokers are read, and one is not taken for the other", async () => {
    const name = newName();
    const other = newName();
    const objects = [invoker("BackupConfiguration", name), invoker("BackupBatch", { ...name, name: other.name })];
    await using harness = await open([namespaceOf(name), ...objects]);

    const configuration = await harness.cluster.backupInvoker("BackupConfiguration", name);
    const batch = await harness.cluster.backupInvoker("BackupBatch", { ...name, name: other.name });

    expect(configuration).toMatchObject({ kind: "BackupConfiguration", spec: { driver: "Restic", target: { alias: "main" } } });
    expect(batch).toMatchObject({ kind: "BackupBatch", spec: { executionOrder: "Parallel", members: [{ target: { alias: "main" } }] } });
    await expect(harness.cluster.backupInvoker("BackupBatch", name)).rejects.toThrow(ParameterError);
  });

  test("Tasks and Functions are read without a namespace", async () => {
    const { name } = newName();
    const steps = [{ name: "redis-backup", params: [{ name: "A", value: "1" }] }];
    await using harness = await open([steppedTask(name, steps), containerFunction(name, { image: "registry/holdfast", args: ["backup"] })]);

    const task = await harness.cluster.task(name);
    const read = await harness.cluster.stashFunction(name);

    expect(task).toMatchObject({ metadata: { name }, spec: { steps } });
    expect(read).toMatchObject({ metadata: { name }, spec: { image: "registry/holdfast", args: ["backup"] } });
    // One after the other: a failure that nobody waits for yet would count as unhandled.
    for (const read of [() => harness.cluster.task("nobody"), () => harness.cluster.stashFunction("nobody")]) {
      const error = await failureOf(read());
      expect(error).toMatchObject({ reason: "ObjectNotFound", message: expect.stringMatching(/(Task|Function) "nobody"/) });
    }
  });

  test("an object that is not there is a parameter error that names it", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name)]);

    for (const [kind, read] of readers(harness.cluster, name)) {
      const error = await failureOf(read());
      expect(error).toBeInstanceOf(ParameterError);
      expect((error as ParameterError).reason).toBe("ObjectNotFound");
      expect(error.message).toContain(kind);
      expect(error.message).toContain(`${name.namespace}/${name.name}`);
    }
  });

  test("an object of another namespace is not found", async () => {
    const name = newName();
    const elsewhere = newName();
    await using harness = await open([namespaceOf(name), namespaceOf(elsewhere), appBinding(elsewhere)]);

    const reading = harness.cluster.appBinding({ namespace: name.namespace, name: elsewhere.name });

    await expect(reading).rejects.toThrow(ParameterError);
  });

  test("a wrong field is a parameter error that names object, field and what was expected", async () => {
    const name = newName();
    const port = 70_000;
    await using harness = await open([namespaceOf(name), appBinding(name, { clientConfig: { service: { ...service, port } } })]);

    const error = await failureOf(harness.cluster.appBinding(name));

    expect(error).toBeInstanceOf(ParameterError);
    expect(error.message).toContain(`AppBinding "${name.namespace}/${name.name}"`);
    expect(error.message).toMatch(/spec\.clientConfig\.service\.port: .*65535/);
    expect(error.message).not.toContain("70000");
  });

  test("a namespace's labels hold its name", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name, { tier: "gold" })]);

    const labels = await harness.cluster.namespaceLabels(name.namespace);

    expect(labels).toMatchObject({ tier: "gold", "kubernetes.io/metadata.name": name.namespace });
    await expect(harness.cluster.namespaceLabels(newName().namespace)).rejects.toThrow(ParameterError);
  });
}

function secretTests(open: OpenCluster): void {
  test("a Secret's values are its bytes, and plain text wins over base64", async () => {
    const name = newName();
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    const data = { binary: bytes.toString("base64"), both: Buffer.from("old").toString("base64"), empty: "" };
    await using harness = await open([namespaceOf(name), secret(name, { data, stringData: { both: "new", text: "p\u00e4ss\n" } })]);

    const values = await harness.cluster.secret(name);

    expect([...values.keys()].sort()).toEqual(["binary", "both", "empty", "text"]);
    expect(Buffer.from(values.get("binary") ?? []).equals(bytes)).toBe(true);
    expect(Buffer.from(values.get("both") ?? []).toString()).toBe("new");
    expect(Buffer.from(values.get("text") ?? []).toString()).toBe("p\u00e4ss\n");
    expect(values.get("empty")?.length).toBe(0);
  });

  test("a Secret without values is empty", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), secret(name, {})]);

    const values = await harness.cluster.secret(name);

    expect(values.size).toBe(0);
  });
}

function statusTests(open: OpenCluster): void {
  test.each(["BackupSession", "RestoreSession"] as const)("the first status of a %s starts from nothing and stays", async (kind) => {
    const name = newName();
    await using harness = await open([namespaceOf(name), session(kind, name)]);
    const seen: Status[] = [];
    const see = (addition: Status) => (status: Status) => {
      seen.push(status);
      return { ...status, ...addition };
    };

    await harness.cluster.updateStatus(kind, name, see({ phase: "Running" }));
    await harness.cluster.updateStatus(kind, name, see({ sessionDuration: "3s" }));

    expect(seen).toEqual([{}, { phase: "Running" }]);
    expect(await statusOf(harness.cluster, kind, name)).toEqual({ phase: "Running", sessionDuration: "3s" });
  });

  test("a status that was there is handed to the change, and what the change drops is gone", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), repository(name, { snapshotCount: 2, totalSize: "1 KiB" })]);

    await harness.cluster.updateStatus("Repository", name, ({ snapshotCount }) => ({ snapshotCount: Number(snapshotCount) + 1 }));

    expect((await harness.cluster.repository(name)).status).toEqual({ snapshotCount: 3 });
  });

  test("the same value writes nothing", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), repository(name, { snapshotCount: 2 })]);
    await harness.cluster.updateStatus("Repository", name, () => ({ snapshotCount: 3 }));
    const before = await harness.statusVersion("Repository", name);

    await harness.cluster.updateStatus("Repository", name, (status) => status);
    await harness.cluster.updateStatus("Repository", name, () => ({ snapshotCount: 3 }));

    expect(await harness.statusVersion("Repository", name)).toBe(before);
    await harness.cluster.updateStatus("Repository", name, () => ({ snapshotCount: 4 }));
    expect(await harness.statusVersion("Repository", name)).not.toBe(before);
  });

  test("changes at the same time all land", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), session("BackupSession", name)]);
    const hosts = ["a", "b", "c", "d"];
    const add = (host: string) => (status: Status) => ({ targets: [...((status.targets as unknown[]) ?? []), { ref: { name: host } }] });

    await Promise.all(hosts.map((host) => harness.cluster.updateStatus("BackupSession", name, add(host))));

    const { targets } = await statusOf(harness.cluster, "BackupSession", name);
    expect((targets as { ref: { name: string } }[]).map(({ ref }) => ref.name).sort()).toEqual(hosts);
  });

  test("with its own uid an object is written", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), session("BackupSession", name)]);
    const { uid } = (await harness.cluster.backupSession(name)).metadata;

    await harness.cluster.updateStatus("BackupSession", name, () => ({ phase: "Running" }), { uid });

    expect((await harness.cluster.backupSession(name)).status).toEqual({ phase: "Running" });
  });

  test("an object with another uid is refused by name and not written", async () => {
    const name = newName();
    const metadata = { ...name, uid: "11111111-1111-4111-8111-111111111111" };
    await using harness = await open([namespaceOf(name), session("BackupSession", metadata, { phase: "Running" })]);
    const uid = "22222222-2222-4222-8222-222222222222";

    const error = await failureOf(harness.cluster.updateStatus("BackupSession", name, () => ({ phase: "Failed" }), { uid }));

    expect(error).toBeInstanceOf(ParameterError);
    expect((error as ParameterError).reason).toBe("ObjectReplaced");
    expect(error.message).toContain(`${name.namespace}/${name.name}`);
    expect((await harness.cluster.backupSession(name)).status).toEqual({ phase: "Running" });
  });

  test("a change that throws writes nothing and does not stand in the way of the next", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), repository(name, { snapshotCount: 2 })]);
    const refuse = () => {
      throw new Error("no such target");
    };

    await expect(harness.cluster.updateStatus("Repository", name, refuse)).rejects.toThrow("no such target");
    await harness.cluster.updateStatus("Repository", name, (status) => ({ ...status, integrity: false }));

    expect((await harness.cluster.repository(name)).status).toEqual({ snapshotCount: 2, integrity: false });
  });
}

function eventTests(open: OpenCluster): void {
  test("an event can be read back", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name), session("BackupSession", name)]);
    const event: ClusterEvent = {
      kind: "BackupSession",
      object: name,
      type: "Warning",
      reason: "TlsNotVerified",
      message: 'Line "1"\nLine 2',
    };

    await harness.cluster.emitEvent(event);

    expect(await harness.events(name.namespace)).toEqual([event]);
  });

  test("who may do everything may read a Secret", async () => {
    const name = newName();
    await using harness = await open([namespaceOf(name)]);

    const isAllowed = await harness.cluster.mayI({ verb: "get", group: "", resource: "secrets", ...name });

    expect(isAllowed).toBe(true);
  });

  test("an aborted signal rejects every verb with its reason and writes nothing", async () => {
    const name = newName();
    const objects = [appBinding(name), repository(name, { snapshotCount: 2 }), secret(name, {}), session("BackupSession", name)];
    await using harness = await open([namespaceOf(name), ...objects, session("RestoreSession", name)]);
    const reason = new Error("stopped by the test");
    const signal = AbortSignal.abort(reason);

    for (const [, read] of readers(harness.cluster, name, signal)) expect(await failureOf(read())).toBe(reason);

    expect((await harness.cluster.repository(name)).status).toEqual({ snapshotCount: 2 });
    expect(await harness.events(name.namespace)).toEqual([]);
  });
}

type Asking = [string, () => Promise<unknown>];

/** Every verb that needs an object in the namespace, and the others when there is a signal to obey. */
function readers(cluster: Cluster, name: ObjectName, signal?: AbortSignal): Asking[] {
  const change = () => ({ snapshotCount: 99 });
  return [
    ["AppBinding", () => cluster.appBinding(name, { signal })],
    ["Repository", () => cluster.repository(name, { signal })],
    ["Secret", () => cluster.secret(name, { signal })],
    ["Repository", () => cluster.updateStatus("Repository", name, change, { signal })],
    ["BackupSession", () => cluster.backupSession(name, { signal })],
    ["RestoreSession", () => cluster.restoreSession(name, { signal })],
    ["BackupConfiguration", () => cluster.backupInvoker("BackupConfiguration", name, { signal })],
    ["BackupBatch", () => cluster.backupInvoker("BackupBatch", name, { signal })],
    ["BackupSession", () => cluster.updateStatus("BackupSession", name, change, { signal })],
    ["RestoreSession", () => cluster.updateStatus("RestoreSession", name, change, { signal })],
    ...(signal === undefined ? [] : withoutObject(cluster, name, signal)),
  ];
}

function withoutObject(cluster: Cluster, name: ObjectName, signal: AbortSignal): Asking[] {
  const event = { kind: "Repository", object: name, type: "Normal", reason: "Tested", message: "never seen" } as const;
  return [
    ["Event", () => cluster.emitEvent(event, { signal })],
    ["Namespace", () => cluster.namespaceLabels(name.namespace, { signal })],
    ["Task", () => cluster.task(name.name, { signal })],
    ["Function", () => cluster.stashFunction(name.name, { signal })],
    ["rights", () => cluster.mayI({ verb: "get", group: "", resource: "secrets", ...name }, { signal })],
  ];
}

async function statusOf(cluster: Cluster, kind: StatusKind, name: ObjectName): Promise<Status> {
  let seen: Status | undefined;
  await cluster.updateStatus(kind, name, (status) => {
    seen = status;
    return status;
  });
  if (seen === undefined) throw new Error("The change was never called");
  return seen;
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error("Expected a failure");
  return outcome;
}

const service = { name: "redis", port: 6379, scheme: "redis" };

/** Names nobody used before: a real server is shared by all tests. */
function newName(): ObjectName {
  const part = randomBytes(4).toString("hex");
  return { namespace: `ns-${part}`, name: `object-${part}` };
}

function namespaceOf({ namespace }: ObjectName, labels: Record<string, string> = {}): TestObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } };
}

function appBinding(metadata: ObjectName, spec: Fields = { clientConfig: { service } }): TestObject {
  return { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata, spec };
}

function repository(metadata: ObjectName, status: Status): TestObject {
  const backend = { local: { mountPath: "/backups", emptyDir: {} }, storageSecretName: "storage" };
  return { apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata, spec: { backend }, status };
}

function secret(metadata: ObjectName, values: { data?: Record<string, string>; stringData?: Record<string, string> }): TestObject {
  return { apiVersion: "v1", kind: "Secret", metadata, ...values };
}

function session(kind: "BackupSession" | "RestoreSession", metadata: ObjectName, status?: Status): TestObject {
  const spec =
    kind === "BackupSession" ? { invoker: { kind: "BackupConfiguration", name: "nightly" } } : { repository: { name: "cellar" } };
  return { apiVersion: "stash.appscode.com/v1beta1", kind, metadata, spec, ...(status === undefined ? {} : { status }) };
}

function invoker(kind: "BackupConfiguration" | "BackupBatch", metadata: ObjectName): TestObject {
  const target = { alias: "main", ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "redis" } };
  const retentionPolicy = { name: "week", keepDaily: 7, prune: true };
  const spec = { schedule: "@daily", repository: { name: "cellar" }, retentionPolicy };
  const targets = kind === "BackupBatch" ? { members: [{ target }] } : { target };
  return { apiVersion: "stash.appscode.com/v1beta1", kind, metadata, spec: { ...spec, ...targets } };
}

function steppedTask(name: string, steps: readonly Fields[]): TestObject {
  return { apiVersion: "stash.appscode.com/v1beta1", kind: "Task", metadata: { name }, spec: { steps } };
}

function containerFunction(name: string, spec: Fields): TestObject {
  return { apiVersion: "stash.appscode.com/v1beta1", kind: "Function", metadata: { name }, spec };
}
