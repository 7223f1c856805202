import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { type CustomResourceDefinition, customResourceDefinitions } from "../../../runner/kubernetes/custom-resources.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FIXTURES = join(ROOT, "test/fixtures/kubernetes");
// Stash's definitions and manifests, where there are some beside the checkout: the same tests then hold for both sets.
const STASH = join(ROOT, "../shared/crds");
const SAMPLES = join(ROOT, "../shared/samples");
const sets = new Map([["ours", join(ROOT, "deploy/crds")], ...(existsSync(STASH) ? ([["Stash's", STASH]] as const) : [])]);
const names = [...sets.keys()];

const definitions = customResourceDefinitions();
const kinds = definitions.map((each) => each.spec.names.kind);
const fixtures = await documentsOf(FIXTURES);
const samples = existsSync(SAMPLES) ? await documentsOf(SAMPLES) : [];
const everything = [...fixtures, ...samples].filter(({ object }) => kinds.includes(object.kind));

let servers: Map<string, Kubernetes>;

beforeAll(async () => {
  servers = new Map();
  for (const [name, crds] of sets) servers.set(name, await startKubernetes({ crds }));
}, 1_200_000);

afterAll(async () => {
  for (const server of servers.values()) await server.stop();
});

test.each(names)("definitions of set %s are established, with their names, and nothing is left to warn of", async (set) => {
  const { objects } = serverOf(set);

  const { body } = await objects.send("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions");

  const stored = (body as { items: StoredDefinition[] }).items.filter(({ spec }) => kinds.includes(spec.names.kind));
  expect(stored.map(({ spec }) => spec.names.kind).sort()).toEqual([...kinds].sort());
  for (const { status } of stored) {
    const states = status.conditions.map(({ type, status: state }) => `${type} ${state}`);
    expect(states.sort()).toEqual(["Established True", "NamesAccepted True"]);
  }
});

test.each(names)("with set %s exactly the kinds that have one serve a status of their own", async (set) => {
  const { objects } = serverOf(set);

  const groups = ["stash.appscode.com/v1alpha1", "stash.appscode.com/v1beta1", "appcatalog.appscode.com/v1alpha1"];
  const lists = await Promise.all(groups.map((group) => objects.send("GET", `/apis/${group}`)));

  const served = lists.flatMap(({ body }) => (body as { resources: { name: string }[] }).resources.map(({ name }) => name));
  const withStatus = ["backupbatches", "backupconfigurations", "backupsessions", "repositories", "restorebatches", "restoresessions"];
  expect(served.filter((name) => name.endsWith("/status")).sort()).toEqual(withStatus.map((name) => `${name}/status`));
});

describe.each(names)("definitions of set %s", (set) => {
  test.each(kinds)("give back a %s with every field that there is", async (kind) => {
    const { objects } = serverOf(set);
    const { object } = fixtures.find((each) => each.object.kind === kind) as Document;

    const stored = await objects.apply(placed(object, await objects.createNamespace()));

    expect({ spec: stored.spec, status: stored.status }).toEqual({ spec: object.spec, status: object.status });
  });

  test.each([
    ["BackupConfiguration", "spec.driver", "restic"],
    ["BackupConfiguration", "spec.hooks.postBackup.executionPolicy", "Never"],
    ["BackupConfiguration", "status.phase", "Succeeded"],
    ["BackupBatch", "status.phase", "Running"],
    ["BackupSession", "status.phase", "Invalid"],
    ["BackupSession", "status.targets.0.phase", "Skipped"],
    ["BackupSession", "status.targets.0.stats.0.phase", "Running"],
    ["BackupSession", "status.conditions.0.lastTransitionTime", "yesterday"],
    ["BackupSession", "status.conditions.0.lastTransitionTime", undefined],
    ["BackupSession", "status.targets.0.totalHosts", "1"],
    ["BackupSession", "spec.invoker.name", undefined],
    ["RestoreSession", "spec.hooks.postRestore.executionPolicy", "OnFinalRetryFailure"],
    ["RestoreSession", "status.phase", "Skipped"],
    ["RestoreSession", "status.stats.0.phase", "Pending"],
    ["RestoreBatch", "status.members.0.phase", "Invalid"],
    ["Repository", "spec.usagePolicy.allowedNamespaces.from", "Some"],
    ["Repository", "status.integrity", "true"],
    ["Repository", "status.snapshotCount", 1.5],
    ["AppBinding", "spec.parameters.kind", undefined],
    ["AppBinding", "spec.clientConfig.caBundle", "-----BEGIN"],
    ["BackupConfiguration", "spec.retentionPolicy.prune", undefined],
    ["BackupConfiguration", "spec.retentionPolicy.keepWorkly", 3],
    ["BackupSession", "status.hosts", []],
  ])("refuse a %s with %s: %p", async (kind, path, value) => {
    const { objects } = serverOf(set);
    const { object } = fixtures.find((each) => each.object.kind === kind) as Document;
    const changed = withField(placed(object, await objects.createNamespace()), path.split("."), value);

    await expect(objects.apply(changed as KubernetesObject)).rejects.toThrow(/: 4(22|00) .*(Invalid|unknown field|BadRequest)/);
  });
});

test("what is left out has the same defaults in every set", async () => {
  const bare = { apiVersion: "stash.appscode.com/v1beta1", metadata: { name: "bare" } };
  const retentionPolicy = { name: "few", keepLast: 1, prune: true };
  const hooks = (name: string) => ({ [`post${name}`]: { containerName: "redis" } });
  const policy = { usagePolicy: { allowedNamespaces: {} } };
  const objects: KubernetesObject[] = [
    { ...bare, kind: "BackupConfiguration", spec: { retentionPolicy, retryConfig: {}, hooks: hooks("Backup") } },
    {
      ...bare,
      kind: "BackupBatch",
      spec: { retentionPolicy, retryConfig: {}, hooks: hooks("Backup"), members: [{ hooks: hooks("Backup") }] },
    },
    { ...bare, kind: "BackupBlueprint", spec: { retentionPolicy, retryConfig: {}, hooks: hooks("Backup"), ...policy } },
    { ...bare, kind: "BackupSession", spec: {} },
    { ...bare, kind: "BackupSession" },
    { ...bare, kind: "RestoreSession", spec: { hooks: hooks("Restore") } },
    { ...bare, kind: "RestoreBatch", spec: { hooks: hooks("Restore"), members: [{ hooks: hooks("Restore") }] } },
    { ...bare, apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", spec: policy },
    { ...bare, apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", spec: { clientConfig: {}, secret: { name: "login" } } },
    { ...bare, kind: "Task", spec: { steps: [{}] } },
    { ...bare, kind: "Function" },
  ];

  const outcomes = await outcomesOf(objects.map((object) => ({ place: object.kind, object })));

  expect(outcomes.get("ours")?.filter(([, outcome]) => outcome.refused !== undefined)).toEqual([]);
  expect(outcomes.get("ours")?.[0]?.[1].spec).toMatchObject({
    driver: "Restic",
    retryConfig: { maxRetry: 1 },
    hooks: { postBackup: { executionPolicy: "Always" } },
  });
  for (const name of names) expect(outcomes.get(name)).toEqual(outcomes.get("ours"));
});

test("every manifest is stored alike in every set", async () => {
  const outcomes = await outcomesOf(everything);

  expect(outcomes.get("ours")).toHaveLength(everything.length);
  expect(outcomes.get("ours")?.filter(([, outcome]) => outcome.refused !== undefined)).toEqual([]);
  for (const name of names) expect(outcomes.get(name)).toEqual(outcomes.get("ours"));
});

test("objects outlive a change from the other set to ours", async () => {
  await using server = await startKubernetes({ crds: sets.get(names.at(-1) as string) as string });
  const { objects } = server;
  const namespace = await objects.createNamespace();
  const before = await Promise.all(fixtures.map(({ object }) => objects.apply(placed(object, namespace))));

  await objects.applyDefinitions(sets.get("ours") as string);

  const after = await Promise.all(before.map((object) => whenServed(() => objects.get(object))));
  const again = await Promise.all(fixtures.map(({ object }) => whenServed(() => objects.apply(placed(object, namespace)))));
  const kept = before.map(({ metadata, spec, status }) => ({ uid: metadata.uid, spec, status }));
  expect(after.map(({ metadata, spec, status }) => ({ uid: metadata.uid, spec, status }))).toEqual(kept);
  expect(again.map(({ metadata, spec, status }) => ({ uid: metadata.uid, spec, status }))).toEqual(kept);
}, 180_000);

test("only kinds that are no custom resources are left out of the comparison", () => {
  const left = [...fixtures, ...samples].map(({ object }) => object.kind).filter((kind) => !kinds.includes(kind));

  expect([...new Set(left)]).toEqual(samples.length === 0 ? [] : ["Snapshot"]);
});

interface StoredDefinition extends CustomResourceDefinition {
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}

interface Document {
  /** File and number, for the reader of a failure. */
  readonly place: string;
  readonly object: KubernetesObject;
}

interface Outcome {
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly refused?: string;
}

/** What each set made of every object, in order. */
async function outcomesOf(documents: readonly Document[]): Promise<Map<string, (readonly [place: string, outcome: Outcome])[]>> {
  const outcomes = new Map<string, (readonly [string, Outcome])[]>();
  for (const [name, { objects }] of servers) {
    const namespace = await objects.createNamespace();
    const own: (readonly [string, Outcome])[] = [];
    for (const { place, object } of documents) {
      own.push([
        place,
        await objects.apply(placed(object, namespace)).then(
          ({ spec, status }) => ({ spec, status }),
          (error: Error) => ({ refused: error.message }),
        ),
      ]);
    }
    outcomes.set(name, own);
  }
  return outcomes;
}

/** A server that changes a definition turns clients away for a moment. */
async function whenServed<T>(work: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 30_000; ; ) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline || !/: (404|429) /.test((error as Error).message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** In the namespace, if it has one, and without what only a server says. */
function placed(object: KubernetesObject, namespace: string): KubernetesObject {
  const { name, labels, annotations } = object.metadata;
  const isNamespaced = definitions.some(({ spec }) => spec.names.kind === object.kind && spec.scope === "Namespaced");
  return { ...object, metadata: { name, labels, annotations, ...(isNamespaced ? { namespace } : {}) } };
}

function withField(value: unknown, [field, ...rest]: readonly string[], wanted: unknown): unknown {
  if (field === undefined) return wanted;
  if (Array.isArray(value)) return value.map((each, index) => (String(index) === field ? withField(each, rest, wanted) : each));
  const object = value as Readonly<Record<string, unknown>>;
  return { ...object, [field]: withField(object[field], rest, wanted) };
}

function serverOf(set: string): Kubernetes {
  const server = servers.get(set);
  if (server === undefined) throw new Error(`No server has the definitions "${set}"`);
  return server;
}

async function documentsOf(folder: string): Promise<Document[]> {
  const files = (await Array.fromAsync(glob(join(folder, "**/*.yaml")))).sort();
  const texts = await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file, "utf8")] as const));
  return texts.flatMap(([file, text]) =>
    parseAllDocuments(text).map((document, index) => ({ place: `${file}#${index}`, object: document.toJS() as KubernetesObject })),
  );
}
