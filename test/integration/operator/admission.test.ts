// What an API server refuses and takes with our policies, beside our definitions and beside Stash's.
import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { admissionPolicies, POLICIES } from "../../../deploy/policies.ts";
import type { KubernetesAnswer, KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";

const ROOT = join(import.meta.dirname, "../../..");
const STASH = join(ROOT, "../shared/crds");
const SAMPLES = join(ROOT, "../shared/samples");
const sets = new Map([["our", join(ROOT, "deploy/crds")], ...(existsSync(STASH) ? ([["Stash's", STASH]] as const) : [])]);
const KINDS: readonly string[] = [
  "BackupConfiguration",
  "BackupBatch",
  "BackupBlueprint",
  "BackupSession",
  "RestoreSession",
  "RestoreBatch",
];
const samples = existsSync(SAMPLES) ? await samplesIn(SAMPLES) : [];

interface World {
  readonly server: Kubernetes;
  readonly namespace: string;
}

let worlds: Map<string, World>;

beforeAll(async () => {
  worlds = new Map();
  for (const [set, crds] of sets) {
    const server = await startKubernetes({ crds, controllers: true });
    const world = { server, namespace: await server.objects.createNamespace() };
    worlds.set(set, world);
    // What lies there from before.
    for (const object of Object.values(old)) await server.objects.apply(placed(object, world));
    for (const policy of admissionPolicies()) await server.objects.apply(policy as KubernetesObject);
  }
  // A policy is in force some seconds after it was made.
  for (const world of worlds.values()) for (const [, kind, spec] of refused) await untilRefused(() => create(world, kind, spec));
}, 1_800_000);

afterAll(async () => {
  for (const { server } of worlds.values()) await server.stop();
});

const retentionPolicy = { name: "few", keepLast: 3, prune: true };
const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };
const invoker = { schedule: "*/5 * * * *", repository: { name: "vault" }, retentionPolicy, target: { ref } };
const batch = { schedule: "0 3 * * *", repository: { name: "vault" }, retentionPolicy, members: [{ target: { ref } }] };
const restore = (rules: readonly object[]) => ({ repository: { name: "vault" }, target: { ref, rules } });
const exec = { command: ["true"] };
const s3 = { endpoint: "s3.amazonaws.com", bucket: "backups" };
const backend = { storageSecretName: "key", s3 };
const local = { mountPath: "/backups", hostPath: { path: "/data" } };
const keeping = (policy: object) => ({ ...invoker, retentionPolicy: { name: "any", prune: true, ...policy } });

const CRON = "spec.schedule is not in cron's notation: five fields";
const TIME = 'spec.timeOut has to be a time such as "30m" or "1h30m", longer than nothing';
const DELAY = "spec.retryConfig.delay has to be a time";
const KEEPS_NOTHING = "spec.retentionPolicy keeps no snapshot at all: set one of keepLast";
const ONE_PLACE = "spec.backend has to name exactly one place: local, s3, gcs, azure, swift, b2 or rest";
const NOT_IN_STASH = "spec.backend.local.mountPath lies in /stash, which is not for backups";
const NO_WIPING = "spec.wipeOut is not possible for local and b2";
const TWO_HANDLERS = "has to name exactly one of exec, httpGet, httpPost and tcpSocket";

const refused: readonly (readonly [title: string, kind: string, spec: object, sentence: string])[] = [
  ["a retention policy without any number", "BackupConfiguration", keeping({}), KEEPS_NOTHING],
  ["a retention policy that keeps none", "BackupConfiguration", keeping({ keepLast: 0, keepTags: [] }), KEEPS_NOTHING],
  ["a batch that keeps nothing", "BackupBatch", { ...batch, retentionPolicy: { name: "any", prune: true } }, KEEPS_NOTHING],
  ["a blueprint that keeps nothing", "BackupBlueprint", { backend, retentionPolicy: { name: "any", prune: true } }, KEEPS_NOTHING],
  [
    "a negative number to keep",
    "BackupConfiguration",
    keeping({ keepLast: 1, keepDaily: -1 }),
    "spec.retentionPolicy has a negative number",
  ],
  ["a hook without a handler", "BackupConfiguration", { ...invoker, hooks: { preBackup: {} } }, `spec.hooks.preBackup ${TWO_HANDLERS}`],
  [
    ...(["a hook with two handlers", "BackupConfiguration"] as const),
    { ...invoker, hooks: { postBackup: { exec, tcpSocket: { port: 80 } } } },
    `spec.hooks.postBackup ${TWO_HANDLERS}`,
  ],
  [
    ...(["a hook before a restore without a handler", "RestoreSession"] as const),
    { ...restore([]), hooks: { preRestore: { containerName: "redis" } } },
    `spec.hooks.preRestore ${TWO_HANDLERS}`,
  ],
  [
    ...(["a hook after a restore with two handlers", "RestoreSession"] as const),
    { ...restore([]), hooks: { postRestore: { exec, httpGet: { port: 80, path: "/" } } } },
    `spec.hooks.postRestore ${TWO_HANDLERS}`,
  ],
  ...["every day", "* * * *", "* * * * * *", "@often", "5m", "CRON_TZ=UTC 0 3 * * *"].map(
    (schedule) => [`the schedule "${schedule}"`, "BackupConfiguration", { ...invoker, schedule }, CRON] as const,
  ),
  ["a batch's schedule of four fields", "BackupBatch", { ...batch, schedule: "0 3 * *" }, CRON],
  ...["1d", "30", "soon", "0s", "0", "-5m"].map(
    (timeOut) => [`the time limit "${timeOut}"`, "BackupConfiguration", { ...invoker, timeOut }, TIME] as const,
  ),
  ["a restore's time limit in days", "RestoreSession", { ...restore([]), timeOut: "2d" }, TIME],
  ["a batch's time limit without a unit", "BackupBatch", { ...batch, timeOut: "30" }, TIME],
  ["a batch of restores that may take no time", "RestoreBatch", { repository: { name: "vault" }, members: [], timeOut: "0s" }, TIME],
  ["a delay in days", "BackupConfiguration", { ...invoker, retryConfig: { maxRetry: 1, delay: "1d" } }, DELAY],
  ["a negative delay", "BackupConfiguration", { ...invoker, retryConfig: { maxRetry: 1, delay: "-1m" } }, DELAY],
  ["less than no retry", "BackupConfiguration", { ...invoker, retryConfig: { maxRetry: -1 } }, "spec.retryConfig.maxRetry is negative"],
  [
    "two rules for all hosts",
    "RestoreSession",
    restore([{ snapshots: ["a"] }, { targetHosts: [] }]),
    "Two of spec.target.rules have no targetHosts",
  ],
  [
    ...(["a host in two rules", "RestoreSession"] as const),
    restore([{ targetHosts: ["a", "b"] }, { targetHosts: ["c"] }, { targetHosts: ["b"] }]),
    "A host stands in two of spec.target.rules",
  ],
  [
    ...(["a rule with snapshots and paths", "RestoreSession"] as const),
    restore([{ snapshots: ["latest"], paths: ["/data"] }]),
    "One of spec.target.rules has both snapshots and paths",
  ],
  [
    ...(["two rules for all hosts, beside the target", "RestoreSession"] as const),
    { ...restore([]), rules: [{ snapshots: ["a"] }, {}] },
    "Two of spec.rules have no targetHosts",
  ],
  [
    ...(["rules in both places", "RestoreSession"] as const),
    { ...restore([{ snapshots: ["a"] }]), rules: [{ snapshots: ["b"] }] },
    "Both spec.rules and spec.target.rules are set",
  ],
  ["a Repository in two places", "Repository", { backend: { ...backend, local } }, ONE_PLACE],
  ["a Repository in no place", "Repository", { backend: { storageSecretName: "key" } }, ONE_PLACE],
  ...["/stash", "/stash/backups", "stash", "//stash/"].map(
    (mountPath) => [`a volume at ${mountPath}`, "Repository", { backend: { local: { ...local, mountPath } } }, NOT_IN_STASH] as const,
  ),
  ["wiping a volume", "Repository", { wipeOut: true, backend: { local } }, NO_WIPING],
  ["wiping Backblaze", "Repository", { wipeOut: true, backend: { b2: { bucket: "backups" } } }, NO_WIPING],
];

const taken: readonly (readonly [title: string, kind: string, spec: object])[] = [
  ["an ordinary BackupConfiguration", "BackupConfiguration", invoker],
  ["tags alone to keep", "BackupConfiguration", keeping({ keepTags: ["release"] })],
  ["one yearly snapshot to keep", "BackupConfiguration", keeping({ keepLast: 0, keepYearly: 1 })],
  [
    "a hook before and one after",
    "BackupConfiguration",
    { ...invoker, hooks: { preBackup: { exec }, postBackup: { httpPost: { port: 80, path: "/" } } } },
  ],
  ...["@hourly", "@every 1h30m", "30 2 * * MON-FRI", "*/15 0-5,22 1 jan ?"].map(
    (schedule) => [`the schedule "${schedule}"`, "BackupConfiguration", { ...invoker, schedule }] as const,
  ),
  ...["30m", "1h30m", "1.5h", "90s", "500ms"].map(
    (timeOut) => [`the time limit "${timeOut}"`, "BackupConfiguration", { ...invoker, timeOut }] as const,
  ),
  ["retries after a delay", "BackupConfiguration", { ...invoker, retryConfig: { maxRetry: 3, delay: "10m" } }],
  ["retries at once", "BackupConfiguration", { ...invoker, retryConfig: { maxRetry: 0, delay: "0s" } }],
  ["a restore without rules", "RestoreSession", { repository: { name: "vault" }, target: { ref } }],
  [
    ...(["a rule for one host and one for the others", "RestoreSession"] as const),
    restore([{ targetHosts: ["a", "a"], snapshots: ["x"] }, { targetHosts: ["b"], paths: ["/data"] }, { sourceHost: "a" }]),
  ],
  ["rules where they used to stand", "RestoreSession", { ...restore([]), rules: [{ snapshots: ["latest"] }] }],
  ["a bucket that is to be wiped", "Repository", { wipeOut: true, backend }],
  ["a volume", "Repository", { wipeOut: false, backend: { local } }],
  ["a volume whose path only begins like that", "Repository", { backend: { local: { ...local, mountPath: "/stash-backups" } } }],
  ["a path with stash further on", "Repository", { backend: { local: { ...local, mountPath: "/mnt/stash" } } }],
];

const old: Readonly<Record<string, KubernetesObject>> = {
  keepsNothing: {
    ...object("BackupConfiguration", keeping({ keepLast: 0 }), "keeps-nothing"),
    metadata: { name: "keeps-nothing", finalizers: ["a.b/c"] },
  },
  twoPlaces: {
    ...object("Repository", { wipeOut: true, backend: { ...backend, local } }, "two-places"),
    metadata: { name: "two-places", finalizers: ["a.b/c"] },
  },
};

/** Of what lies there from before: all that was wrong stays wrong. */
const changes: Readonly<Record<string, object>> = { keepsNothing: { paused: true }, twoPlaces: { wipeOut: false } };

describe.each([...sets.keys()])("beside %s definitions", (set) => {
  const worldOf = () => worlds.get(set) as World;

  test.each(refused)("%s is refused, and our words say why (%s)", async (_, kind, spec, sentence) => {
    const answer = await create(worldOf(), kind, spec);

    expect(answer.status).toBe(422);
    expect((answer.body as { message: string }).message).toContain(`denied request: ${sentence}`);
  });

  test.each(taken)("%s is taken", async (_, kind, spec) => {
    const answer = await create(worldOf(), kind, spec);

    expect(answer).toMatchObject({ status: 201, warning: undefined });
  });

  test("every sample is taken", async () => {
    const outcomes = await Promise.all(samples.map(({ kind, spec }) => create(worldOf(), kind, spec as object)));

    expect(outcomes.filter(({ status }) => status !== 201)).toEqual([]);
  });

  test.each(["BackupSession", "RestoreSession"])("the spec of a %s cannot be changed, its labels and status can", async (kind) => {
    const world = worldOf();
    const spec =
      kind === "BackupSession" ? { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "a" } } : restore([]);
    const stored = await world.server.objects.apply(placed({ ...object(kind, spec, "session"), status: { phase: "Running" } }, world));
    const changed = { ...stored, spec: kind === "BackupSession" ? { ...spec, retryLeft: 2 } : { ...spec, timeOut: "1h" } };

    const other = await untilRefused(() => replace(world, changed));
    const labelled = await replace(world, { ...stored, metadata: { ...stored.metadata, labels: { a: "b" }, finalizers: ["a.b/c"] } });
    const told = await replace(world, { ...stored, status: { phase: "Failed" } }, { subresource: "/status" });

    expect((other.body as { message: string }).message).toContain("denied request: The spec of a session cannot be changed");
    expect([labelled.status, told.status]).toEqual([200, 200]);
  });

  test("the target is fixed while its backups are Ready, and only then", async () => {
    const world = worldOf();
    const stored = await world.server.objects.apply(
      placed({ ...object("BackupConfiguration", invoker, "ready"), status: { phase: "Ready" } }, world),
    );
    const elsewhere = { ...invoker, target: { ref: { ...ref, name: "orders" } } };

    const refusal = await untilRefused(() => replace(world, { ...stored, spec: elsewhere }));
    const paused = await replace(world, { ...stored, spec: { ...invoker, paused: true } });
    const notReady = await world.server.objects.apply(
      placed({ ...object("BackupConfiguration", invoker, "ready"), status: { phase: "NotReady" } }, world),
    );
    const moved = await replace(world, { ...notReady, spec: elsewhere });

    expect((refusal.body as { message: string }).message).toContain(
      "denied request: spec.target cannot be changed while backups of it are made",
    );
    expect([paused.status, moved.status]).toEqual([200, 200]);
  });

  test.each(Object.entries(old))(
    "an object from before (%s) takes labels, gives its finalizer up and goes, but takes no other fault",
    async (name) => {
      const world = worldOf();
      const { objects } = world.server;
      const { apiVersion, kind, metadata } = placed(old[name] as KubernetesObject, world);
      const stored = await objects.get({ apiVersion, kind, metadata });

      const changed = await replace(world, { ...stored, spec: { ...(stored.spec as object), ...changes[name] } });
      const labelled = await replace(world, { ...stored, metadata: { ...stored.metadata, labels: { a: "b" } } }, { isForReal: true });
      await objects.delete({ apiVersion, kind, metadata });
      const released = await objects.get({ apiVersion, kind, metadata });
      const gone = await replace(world, { ...released, metadata: { ...released.metadata, finalizers: [] } }, { isForReal: true });

      expect([changed.status, labelled.status, gone.status]).toEqual([422, 200, 200]);
      await expect(objects.get({ apiVersion, kind, metadata })).rejects.toThrow("404");
    },
  );

  test("no policy speaks of a field that its kinds do not have", async () => {
    const { objects } = worldOf().server;

    const checked = await Promise.all(POLICIES.map(({ name }) => typeChecked(objects, `holdfast-${name}`)));

    expect(checked.flatMap(({ expressionWarnings = [] }) => expressionWarnings)).toEqual([]);
  });
});

function object(kind: string, spec: object, name: string): KubernetesObject {
  const version = kind === "Repository" ? "v1alpha1" : "v1beta1";
  return { apiVersion: `stash.appscode.com/${version}`, kind, metadata: { name }, spec };
}

function placed(each: KubernetesObject, { namespace }: World): KubernetesObject {
  return { ...each, metadata: { ...each.metadata, namespace } };
}

/** Asks whether the object would be made. */
function create({ server, namespace }: World, kind: string, spec: object): Promise<KubernetesAnswer> {
  const body = object(kind, spec, "asked-for");
  const place = kind === "BackupBlueprint" ? "" : `/namespaces/${namespace}`;
  const path = `/apis/${body.apiVersion}${place}/${pluralOf(kind)}?dryRun=All&fieldValidation=Strict`;
  return server.objects.send("POST", path, body);
}

/** Asks whether the object could be changed to this, or changes it. */
function replace({ server }: World, changed: KubernetesObject, { subresource = "", isForReal = false } = {}): Promise<KubernetesAnswer> {
  const { apiVersion, kind, metadata } = changed;
  const path = `/apis/${apiVersion}/namespaces/${metadata.namespace}/${pluralOf(kind)}/${metadata.name}${subresource}`;
  return server.objects.send("PUT", `${path}?fieldManager=test${isForReal ? "" : "&dryRun=All"}`, changed);
}

function pluralOf(kind: string): string {
  if (kind.endsWith("Batch")) return `${kind.toLowerCase()}es`;
  return kind === "Repository" ? "repositories" : `${kind.toLowerCase()}s`;
}

async function untilRefused(ask: () => Promise<KubernetesAnswer>): Promise<KubernetesAnswer> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const answer = await ask();
    if (answer.status === 422) return answer;
    if (answer.status >= 300 || Date.now() > deadline) throw new Error(`Not refused: ${answer.status} ${JSON.stringify(answer.body)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the controller found once it looked at the expressions. */
async function typeChecked(objects: Kubernetes["objects"], name: string): Promise<{ readonly expressionWarnings?: readonly object[] }> {
  const metadata = { name };
  for (const deadline = Date.now() + 60_000; ; ) {
    const policy = await objects.get({ apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingAdmissionPolicy", metadata });
    const { observedGeneration, typeChecking } = (policy.status ?? {}) as { observedGeneration?: number; typeChecking?: object };
    if (observedGeneration === policy.metadata.generation && typeChecking !== undefined) return typeChecking;
    if (Date.now() > deadline) throw new Error(`The expressions of "${name}" were never checked: ${JSON.stringify(policy.status)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function samplesIn(folder: string): Promise<readonly KubernetesObject[]> {
  const files = (await Array.fromAsync(glob(join(folder, "**/*.yaml")))).sort();
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const objects = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject));
  return objects.filter(({ kind }) => kind === "Repository" || KINDS.includes(kind));
}
