// The operator as a process that dies at each of its writes, once before the server hears of it and once before the process hears that it was done: a new process finds its way from what
// is there. On a real API server with its controllers; what runs in pods is played, and goes on meanwhile.
import type { Fields } from "../../operator/objects.ts";
import { openApiCluster } from "../../runner/kubernetes/api-cluster.ts";
import type { Cluster } from "../../runner/kubernetes/cluster.ts";
import type { GateWrite } from "../fakes/write-gate.ts";
import { CRDS } from "../integration/kubernetes/crds.ts";
import { createReadyNamespace } from "../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { type ObjectRecord, type ObjectStory, recordObjects } from "../servers/kubernetes/record-objects.ts";
import { type Kubernetes, startKubernetes } from "../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects, waitUntilGone } from "../servers/kubernetes/wait-for-object.ts";
import { appBinding, backupConfiguration, repository } from "../unit/operator/invoker-world.ts";
import { type MortalOperators, mortalOperators } from "./mortal-operators.ts";
import { playBackup, playRestore } from "./played-run.ts";

const STASH = "stash.appscode.com/v1beta1";
const RBAC = "rbac.authorization.k8s.io/v1";
const RECORDED = ["/apis/batch/v1/jobs", `/apis/${STASH}/backupsessions`, `/apis/${STASH}/restoresessions`];

let server: Kubernetes;
let cluster: Cluster;
let record: ObjectRecord;
let operators: MortalOperators;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS, controllers: true });
  cluster = await openApiCluster({ kubeconfig: server.adminKubeconfig, environment: {} });
  for (const name of ["redis-backup", "redis-restore"]) {
    await server.objects.apply({ apiVersion: STASH, kind: "Task", metadata: { name: `${name}-7.0.5` }, spec: { steps: [{ name }] } });
    await server.objects.apply({ apiVersion: STASH, kind: "Function", metadata: { name }, spec: { image: "registry.example/own:1" } });
  }
  record = await recordObjects(server, RECORDED);
  operators = await mortalOperators(server);
}, 1_800_000);

afterAll(async () => {
  await operators?.[Symbol.asyncDispose]();
  await record?.[Symbol.asyncDispose]();
  await server?.stop();
});

afterEach(() => {
  operators.live(1);
  expect(operators.problems()).toEqual([]);
});

interface Shop {
  readonly namespace: string;
  /** Where its Repository lies. */
  readonly cellar: string;
}

/** Everything that a BackupConfiguration names; the Repository lies elsewhere. */
async function furnish(): Promise<Shop> {
  const [namespace, cellar] = [await createReadyNamespace(server.objects), await server.objects.createNamespace()];
  const secret = (place: string, name: string) =>
    server.objects.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace: place, name },
      stringData: { RESTIC_PASSWORD: "canary" },
    });
  await Promise.all([secret(cellar, "vault-key"), secret(namespace, "carts-login")]);
  await server.objects.apply(at(repository({ usagePolicy: { allowedNamespaces: { from: "All" } } }), cellar));
  await server.objects.apply(at(appBinding(), namespace));
  return { namespace, cellar };
}

function at(object: object, namespace: string): KubernetesObject {
  const { metadata, ...rest } = object as KubernetesObject;
  return { ...rest, metadata: { ...metadata, namespace } };
}

async function configure({ namespace, cellar }: Shop, spec: Fields = {}): Promise<KubernetesObject> {
  const configuration = backupConfiguration({ repository: { name: "vault", namespace: cellar }, ...spec });
  const nightly = await server.objects.apply(at(configuration, namespace));
  return waitForObject(server.objects, nightly, ({ status }) => (status as Fields | undefined)?.phase === "Ready", { timeoutMs: 90_000 });
}

/** As the trigger makes one, or a person. */
function newSession(namespace: string, name: string, spec: Fields = {}): Promise<KubernetesObject> {
  const invoker = { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" };
  return server.objects.apply({ apiVersion: STASH, kind: "BackupSession", metadata: { namespace, name }, spec: { invoker, ...spec } });
}

async function untilPhase(session: KubernetesObject, phase: string): Promise<KubernetesObject> {
  try {
    return await waitForObject(server.objects, session, ({ status }) => (status as Fields | undefined)?.phase === phase, {
      timeoutMs: 90_000,
    });
  } catch (error) {
    throw new Error(`${String(error)}\n${JSON.stringify(operators.lastWords())}`);
  }
}

const play = (session: KubernetesObject, end: Parameters<typeof playBackup>[1]) =>
  playBackup(session, end, { objects: server.objects, cluster });

/** Every phase that an object was ever in, without repetitions. */
function phasesOf({ versions }: ObjectStory): readonly string[] {
  const phases = versions.map(({ status }) => String((status as Fields | undefined)?.phase ?? ""));
  return phases.filter((phase, index) => phase !== "" && phase !== phases[index - 1]);
}

/** Of each session: its name without digits, and the phases that it went through. */
function histories(kind: string, namespace: string): readonly (readonly [string, readonly string[]])[] {
  return record.stories(kind, namespace).map((story) => [story.versions[0]?.metadata.name.replace(/\d+$/, "#") ?? "", phasesOf(story)]);
}

/** Names of all Jobs there ever were; a Job that was made twice is there twice. */
function jobsOf(namespace: string): readonly string[] {
  return record.stories("Job", namespace).map(({ versions }) => versions[0]?.metadata.name.replace(/\d{5,}/, "#") ?? "");
}

async function assertNoRights({ namespace, cellar }: Shop): Promise<void> {
  for (const place of [namespace, cellar]) {
    for (const [version, kind] of [
      [RBAC, "Role"],
      [RBAC, "RoleBinding"],
      ["batch/v1", "CronJob"],
      ["batch/v1", "Job"],
    ] as const) {
      await waitForObjects(server.objects, { apiVersion: version, kind, namespace: place }, (all) => all.length === 0);
    }
    const isOurs = ({ metadata }: KubernetesObject) => metadata.name !== "default";
    await waitForObjects(server.objects, { apiVersion: "v1", kind: "ServiceAccount", namespace: place }, (all) => !all.some(isOurs));
  }
  const vault = await server.objects.get({
    apiVersion: "stash.appscode.com/v1alpha1",
    kind: "Repository",
    metadata: { namespace: cellar, name: "vault" },
  });
  expect((vault.status as Fields | undefined)?.references ?? []).toEqual([]);
}

/** What a BackupConfiguration comes to and leaves behind. */
async function walkConfiguration(begin: () => void): Promise<void> {
  const shop = await furnish();
  begin();
  const nightly = await configure(shop);
  const { namespace, cellar } = shop;
  const names = async (apiVersion: string, kind: string, place: string) =>
    (await server.objects.list(apiVersion, kind, place)).map(({ metadata }) => metadata.name).toSorted();
  expect(await names("batch/v1", "CronJob", namespace)).toEqual(["stash-trigger-nightly"]);
  expect(await names(RBAC, "RoleBinding", cellar)).toEqual([`${namespace}-backupconfiguration-nightly-0`]);
  expect(await names(RBAC, "Role", cellar)).toEqual([`${namespace}-backupconfiguration-nightly-0`]);
  const vault = await server.objects.get({
    apiVersion: "stash.appscode.com/v1alpha1",
    kind: "Repository",
    metadata: { namespace: cellar, name: "vault" },
  });
  expect((vault.status as Fields).references).toEqual([
    expect.objectContaining({ kind: "BackupConfiguration", namespace, name: "nightly" }),
  ]);
  await server.objects.delete(nightly);
  await waitUntilGone(server.objects, nightly, { timeoutMs: 90_000 });
  await assertNoRights(shop);
}

/** Two good backups; the older one is history then. */
async function walkSuccess(begin: () => void): Promise<void> {
  const { namespace } = await furnishAndConfigure({ backupHistoryLimit: 1 });
  begin();

  const one = await newSession(namespace, "one");
  await play(one, "success");
  await untilPhase(one, "Succeeded");
  const two = await newSession(namespace, "two");
  await play(two, "success");
  await untilPhase(two, "Succeeded");
  await waitUntilGone(server.objects, one, { timeoutMs: 90_000 });

  await waitForObjects(server.objects, { apiVersion: "batch/v1", kind: "Job", namespace }, (all) => all.length === 1);
  expect(jobsOf(namespace)).toEqual(["stash-backup-one-0", "stash-backup-two-0"]);
  for (const [, phases] of histories("BackupSession", namespace))
    expect(phases.filter((phase) => phase !== "Pending")).toEqual(["Running", "Succeeded"]);
}

/** An eviction, one more try, and what is made of an incomplete one. */
async function walkRetry(begin: () => void): Promise<void> {
  const { namespace } = await furnishAndConfigure({ retryConfig: { maxRetry: 2, delay: "1s" }, backupHistoryLimit: 5 });
  begin();

  const first = await newSession(namespace, "first", { retryLeft: 2 });
  await play(first, "evicted");
  await untilPhase(first, "Failed");
  const all = await waitForObjects(server.objects, { apiVersion: STASH, kind: "BackupSession", namespace }, ({ length }) => length > 1, {
    timeoutMs: 90_000,
  });
  const second = all.find(({ metadata }) => metadata.name !== "first") as KubernetesObject;
  await play(second, "incomplete");
  await untilPhase(second, "Failed");
  await waitForObject(server.objects, first, ({ status }) => (status as Fields).retried === true, { timeoutMs: 90_000 });
  const given = await waitForObject(
    server.objects,
    second,
    ({ metadata }) => "holdfast/no-retry" in ((metadata.annotations ?? {}) as Fields),
    { timeoutMs: 90_000 },
  );

  expect((given.metadata.annotations as Fields)["holdfast/no-retry"]).toBe("Incomplete");
  expect(given.spec).toMatchObject({ retryLeft: 1 });
  expect(jobsOf(namespace)).toEqual(["stash-backup-first-0", "stash-backup-nightly-#-0"]);
  expect(histories("BackupSession", namespace).map(([name]) => name)).toEqual(["first", "nightly-#"]);
  for (const [, phases] of histories("BackupSession", namespace))
    expect(phases.filter((phase) => phase !== "Pending")).toEqual(["Running", "Failed"]);
}

/** A backup that takes too long. */
async function walkDeadline(begin: () => void): Promise<void> {
  const { namespace } = await furnishAndConfigure({ timeOut: "6s" });
  begin();

  const late = await newSession(namespace, "late");
  const over = await untilPhase(late, "Failed");

  const isFailed = ({ status }: KubernetesObject) =>
    ((status as Fields).conditions as Fields[] | undefined)?.some(({ type, status: is }) => type === "Failed" && is === "True") === true;
  await waitForObjects(server.objects, { apiVersion: "batch/v1", kind: "Job", namespace }, (all) => all.every(isFailed), {
    timeoutMs: 90_000,
  });
  expect((over.status as { conditions: Fields[] }).conditions).toContainEqual(
    expect.objectContaining({ type: "DeadlineExceeded", status: "True" }),
  );
  expect(jobsOf(namespace).length).toBeLessThanOrEqual(1);
  expect(histories("BackupSession", namespace)[0]?.[1].at(-1)).toBe("Failed");
}

async function furnishAndConfigure(spec: Fields): Promise<Shop> {
  const shop = await furnish();
  await configure(shop, spec);
  return shop;
}

function newRestore({ namespace, cellar }: Shop, name: string): Promise<KubernetesObject> {
  const spec = {
    repository: { name: "vault", namespace: cellar },
    target: { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" } },
    task: { name: "redis-restore-7.0.5" },
  };
  return server.objects.apply({ apiVersion: STASH, kind: "RestoreSession", metadata: { namespace, name }, spec });
}

/** One good restore and one that failed, and what they leave behind. */
async function walkRestore(begin: () => void): Promise<void> {
  const shop = await furnish();
  begin();
  const { namespace } = shop;
  for (const [name, end, phase] of [
    ["good", "success", "Succeeded"],
    ["bad", "failure", "Failed"],
  ] as const) {
    const session = await newRestore(shop, name);
    await untilPhase(session, "Running");
    await playRestore(server.objects, session, end);
    await untilPhase(session, phase);
    await server.objects.delete(session);
    await waitUntilGone(server.objects, session, { timeoutMs: 90_000 });
  }

  await assertNoRights(shop);
  expect(jobsOf(namespace)).toEqual(["stash-restore-good-0", "stash-restore-bad-0"]);
  const told = histories("RestoreSession", namespace).map(([name, phases]) => [name, phases.filter((phase) => phase !== "Pending")]);
  expect(told).toEqual([
    ["good", ["Running", "Succeeded"]],
    ["bad", ["Running", "Failed"]],
  ]);
}

const WALKS = [
  ["a BackupConfiguration from its making to its end", walkConfiguration, 14],
  ["backups to their success, and history", walkSuccess, 10],
  ["a failed backup, its next try, and the end of trying", walkRetry, 10],
  ["a backup beyond its deadline", walkDeadline, 4],
  ["restores, good and bad, to their end", walkRestore, 16],
] as const;

/** A restore whose Job may have been made is not begun again: killed between the word and the deed, it has failed, and never began. */
const isPromise = ({ path, body }: GateWrite) =>
  /\/restoresessions\/\w+\?/.test(path) && body.includes("holdfast/job-created") && !body.includes("deletionTimestamp");
const isRestoreJob = ({ method, path, body }: GateWrite) => method === "POST" && path.includes("/jobs") && body.includes("stash-restore-");

test.each(WALKS)(
  "killed before and after each write: %s",
  async (_name, walk, leastWrites) => {
    await walk(() => operators.dieAtEachWrite({ butNotBefore: isRestoreJob, butNotAfter: isPromise }));

    const { before, after } = operators.deaths();
    expect(before).toBeGreaterThanOrEqual(leastWrites);
    expect(after).toBeGreaterThanOrEqual(leastWrites);
  },
  300_000,
);

test("killed before the Job of a restore that it has promised: the restore has failed, and is not begun again", async () => {
  const shop = await furnish();
  operators.dieAtEachWrite({ butNotBefore: (write) => !isRestoreJob(write), butNotAfter: () => true });

  const session = await newRestore(shop, "lost");
  await untilPhase(session, "Failed");

  expect(operators.deaths()).toEqual({ before: 1, after: 0 });
  expect(jobsOf(shop.namespace)).toEqual([]);
}, 120_000);

test("two operators that know nothing of each other come to the same ends", async () => {
  operators.live(2);

  await Promise.all(WALKS.map(([, walk]) => walk(() => undefined)));

  expect(operators.deaths()).toEqual({ before: 0, after: 0 });
}, 300_000);

test("a backup outlives two ends of the API server", async () => {
  const { namespace } = await furnishAndConfigure({});

  const session = await newSession(namespace, "one");
  await server.stopApi();
  await server.startApi();
  await play(session, "success");
  await server.stopApi();
  await server.startApi();
  await untilPhase(session, "Succeeded");

  expect(jobsOf(namespace)).toEqual(["stash-backup-one-0"]);
}, 300_000);

test("what happened while the network was silent is seen when it is back", async () => {
  const { namespace } = await furnishAndConfigure({});
  const { gate } = operators;

  gate.hold();
  const session = await newSession(namespace, "one");
  gate.flow();
  await untilPhase(session, "Running");
  gate.hold();
  await play(session, "success");
  const unseen = await server.objects.get(session);
  gate.flow();
  await untilPhase(session, "Succeeded");

  expect((unseen.status as Fields).phase).toBe("Running");
  expect(jobsOf(namespace)).toEqual(["stash-backup-one-0"]);
}, 300_000);
