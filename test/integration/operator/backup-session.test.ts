// BackupSessions on a real API server with a real Job controller, by the operator with the roles that we ship and no more. The run tells of itself with the runner's own code; what a
// kubelet would say of its pod is played.
import type { Fields } from "../../../operator/objects.ts";
import { openApiCluster } from "../../../runner/kubernetes/api-cluster.ts";
import type { Cluster } from "../../../runner/kubernetes/cluster.ts";
import { outcomeCondition } from "../../../runner/kubernetes/status-outcome.ts";
import { type BackupSessionWriter, openBackupSession } from "../../../runner/session.ts";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects, waitUntilGone } from "../../servers/kubernetes/wait-for-object.ts";
import { appBinding, backupConfiguration, QUIET, repository } from "../../unit/operator/invoker-world.ts";
import { CRDS } from "../kubernetes/crds.ts";
import { type RunningOperator, runOperatorOn } from "./running-operator.ts";

const STASH = "stash.appscode.com/v1beta1";
const TASK = "redis-backup-7.0.5";

let server: Kubernetes;
let operator: RunningOperator;
let cluster: Cluster;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS, controllers: true });
  cluster = await openApiCluster({ kubeconfig: server.adminKubeconfig, environment: {} });
  const spec = { steps: [{ name: "redis-backup" }] };
  await server.objects.apply({ apiVersion: STASH, kind: "Task", metadata: { name: TASK }, spec });
  const image = "registry.example/own:1";
  await server.objects.apply({ apiVersion: STASH, kind: "Function", metadata: { name: "redis-backup" }, spec: { image } });
  operator = await runOperatorOn(server);
}, 1_800_000);

afterAll(async () => {
  await operator?.[Symbol.asyncDispose]();
  await server?.stop();
});

afterEach(() => {
  const isExpected = (message: string) => message.includes("domain-qualified finalizer");
  const bad = operator.log.filter(({ level, fields }) => level === "error" || fields.reason === "ClusterWarning");
  expect(bad.filter(({ message }) => !isExpected(message))).toEqual([]);
});

/** A namespace with a BackupConfiguration that is Ready. */
async function createShop(spec: Fields = {}): Promise<string> {
  const namespace = await createReadyNamespace(server.objects);
  const within = (object: object): KubernetesObject => {
    const { metadata, ...rest } = object as KubernetesObject;
    return { ...rest, metadata: { ...metadata, namespace } };
  };
  for (const name of ["vault-key", "carts-login"]) {
    await server.objects.apply(within({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { RESTIC_PASSWORD: "canary" } }));
  }
  for (const object of [repository(), appBinding()]) await server.objects.apply(within(object));
  const nightly = await server.objects.apply(within(backupConfiguration(spec)));
  await waitForObject(server.objects, nightly, ({ status }) => (status as Fields | undefined)?.phase === "Ready");
  return namespace;
}

/** By hand: no labels, no owner. */
function newSession(namespace: string, name: string, retryLeft?: number): Promise<KubernetesObject> {
  const invoker = { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" };
  const spec = { invoker, ...(retryLeft === undefined ? {} : { retryLeft }) };
  return server.objects.apply({ apiVersion: STASH, kind: "BackupSession", metadata: { namespace, name }, spec });
}

async function untilPhase(session: KubernetesObject, phase: string): Promise<KubernetesObject> {
  try {
    return await waitForObject(server.objects, session, ({ status }) => (status as Fields | undefined)?.phase === phase);
  } catch (error) {
    throw new Error(
      `${String(error)}\n${operator.log
        .slice(-20)
        .map((line) => JSON.stringify(line))
        .join("\n")}`,
    );
  }
}

/** As the run in the pod does. */
function runOf({ metadata }: KubernetesObject): Promise<BackupSessionWriter> {
  const session = { namespace: metadata.namespace ?? "", name: metadata.name };
  const target = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", namespace: session.namespace, name: "carts" };
  return openBackupSession(cluster, { session, target, signal: new AbortController().signal, log: QUIET, warn: () => undefined });
}

const TOLD = ["RepositoryIntegrityVerified", "RetentionPolicyApplied", "RepositoryMetricsPushed"] as const;

async function tellSuccess(run: BackupSessionWriter): Promise<void> {
  await run.hostStats({ hostname: "host-0", phase: "Succeeded", duration: "1.5s", snapshots: [] });
  for (const type of TOLD) await run.condition(outcomeCondition(type, { isSuccess: true, message: "" }));
}

/** As a kubelet does. */
async function playPod(session: KubernetesObject, status: Fields): Promise<void> {
  const { namespace = "", name } = session.metadata;
  const isOurs = ({ metadata }: KubernetesObject) => labelsOf(metadata.labels)["batch.kubernetes.io/job-name"] === `stash-backup-${name}-0`;
  const pods = await waitForObjects(server.objects, { apiVersion: "v1", kind: "Pod", namespace }, (all) => all.some(isOurs));
  const { metadata } = pods.find(isOurs) as KubernetesObject;
  for (let answer = 409; answer === 409; ) {
    const pod = await server.objects.get({ apiVersion: "v1", kind: "Pod", metadata });
    const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`;
    answer = (await server.objects.send("PUT", path, { ...pod, status: { ...(pod.status as Fields), ...status } })).status;
    if (answer !== 200 && answer !== 409) throw new Error(`The status of the pod was not taken: ${answer}`);
  }
}

function ended(end: Fields): Fields {
  const terminated = { startedAt: "2026-11-20T03:00:00Z", finishedAt: "2026-11-20T03:00:01Z", ...end };
  const container = { name: "redis-backup-0", image: "registry.example/own:1", imageID: "", restartCount: 0, ready: false, started: false };
  return { containerStatuses: [{ ...container, lastState: {}, state: { terminated } }] };
}

async function runToSuccess(session: KubernetesObject): Promise<KubernetesObject> {
  await untilPhase(session, "Running");
  const run = await runOf(session);
  await run.waitForTarget();
  await playPod(session, { phase: "Running" });
  await tellSuccess(run);
  await playPod(session, { phase: "Succeeded", ...ended({ exitCode: 0, reason: "Completed" }) });
  return untilPhase(session, "Succeeded");
}

function targetOf({ status }: KubernetesObject): Fields {
  return (status as { readonly targets: readonly Fields[] }).targets[0] as Fields;
}

function conditionOf(holder: Fields, type: string): Fields | undefined {
  return ((holder.conditions ?? []) as readonly Fields[]).find((each) => each.type === type);
}

function labelsOf(texts: unknown): Readonly<Record<string, string>> {
  return (texts ?? {}) as Readonly<Record<string, string>>;
}

function jobOf({ metadata }: KubernetesObject): KubernetesObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { namespace: metadata.namespace ?? "", name: `stash-backup-${metadata.name}-0` },
  };
}

test("sessions made by hand run to their end, and the older one goes with its Job", async () => {
  const namespace = await createShop({ timeOut: "1h" });
  const first = await newSession(namespace, "one");

  const over = await runToSuccess(first);
  await runToSuccess(await newSession(namespace, "two"));

  expect(over.status).toMatchObject({ sessionDeadline: expect.any(String), sessionDuration: expect.any(String) });
  expect(over.metadata.labels).toMatchObject({ "stash.appscode.com/invoker-name": "nightly" });
  expect(conditionOf(over.status as Fields, "MetricsPushed")?.status).toBe("True");
  await waitUntilGone(server.objects, first);
  await waitUntilGone(server.objects, jobOf(first));
}, 120_000);

test("while one runs another is skipped, and its pod ends within the time that is left", async () => {
  const namespace = await createShop({ timeOut: "1h" });
  const first = await newSession(namespace, "one");
  await untilPhase(first, "Running");

  await untilPhase(await newSession(namespace, "two"), "Skipped");

  const { spec } = await waitForObject(server.objects, jobOf(first), () => true);
  const pod = (spec as { readonly template: { readonly spec: Fields } }).template.spec;
  expect(pod.activeDeadlineSeconds).toBeGreaterThan(3_500);
  expect(pod.activeDeadlineSeconds).toBeLessThanOrEqual(3_600);
}, 120_000);

test("an evicted backup has failed at once, with the reason, and is tried again; a success ends that", async () => {
  const namespace = await createShop({ retryConfig: { maxRetry: 1 }, backupHistoryLimit: 5 });
  const first = await newSession(namespace, "one", 1);
  await untilPhase(first, "Running");

  await playPod(first, { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory" });

  const over = await untilPhase(first, "Failed");
  expect(conditionOf(targetOf(over), "BackupDisrupted")).toMatchObject({ status: "True", message: expect.stringMatching(/^Evicted: /) });
  await waitForObject(server.objects, first, ({ status }) => (status as Fields).retried === true);
  const sessions = await waitForObjects(server.objects, { apiVersion: STASH, kind: "BackupSession", namespace }, (all) => all.length === 2);
  const second = sessions.find(({ metadata }) => metadata.name !== "one") as KubernetesObject;
  expect(second.spec).toMatchObject({ retryLeft: 0 });
  await runToSuccess(second);
}, 120_000);

test("an incomplete backup has failed and is not tried again: its last words say why", async () => {
  const namespace = await createShop({ retryConfig: { maxRetry: 1 } });
  const session = await newSession(namespace, "one", 1);
  await untilPhase(session, "Running");
  const run = await runOf(session);

  await run.hostStats({ hostname: "host-0", phase: "Failed", error: "3 keys are missing" });
  const message = JSON.stringify({ code: 3, reason: "Incomplete", message: "3 keys are missing" });
  await playPod(session, { phase: "Succeeded", ...ended({ exitCode: 0, reason: "Completed", message }) });

  await untilPhase(session, "Failed");
  await waitForObject(server.objects, session, ({ metadata }) => labelsOf(metadata.annotations)["holdfast/no-retry"] === "Incomplete");
  expect(await server.objects.list(STASH, "BackupSession", namespace)).toHaveLength(1);
}, 120_000);

test("a backup that ended before everything was verified is no success", async () => {
  const namespace = await createShop();
  const session = await newSession(namespace, "one");
  await untilPhase(session, "Running");
  const run = await runOf(session);

  await run.hostStats({ hostname: "host-0", phase: "Succeeded", snapshots: [] });
  await playPod(session, { phase: "Failed", ...ended({ exitCode: 137, reason: "OOMKilled" }) });

  const over = await untilPhase(session, "Failed");
  expect(targetOf(over).phase).toBe("Succeeded");
  expect(conditionOf(over.status as Fields, "RepositoryIntegrityVerified")).toMatchObject({
    status: "False",
    message: expect.stringContaining("OutOfMemory"),
  });
}, 120_000);

test("a backup whose Job is deleted has failed, and no other Job is made", async () => {
  const namespace = await createShop();
  const session = await newSession(namespace, "one");
  await waitForObject(
    server.objects,
    session,
    (live) => live.status !== undefined && conditionOf(targetOf(live), "BackupExecutorEnsured") !== undefined,
  );
  const { metadata } = jobOf(session);

  await server.objects.send("DELETE", `/apis/batch/v1/namespaces/${namespace}/jobs/${metadata.name}`, { propagationPolicy: "Background" });

  const over = await untilPhase(session, "Failed");
  expect(conditionOf(targetOf(over), "BackupDisrupted")?.message).toMatch(/^JobDeleted: /);
  await waitUntilGone(server.objects, jobOf(session));
}, 120_000);

test("a backup that takes too long has failed, and its Job is ended (R3)", async () => {
  const namespace = await createShop({ timeOut: "3s" });
  const session = await newSession(namespace, "one");
  await untilPhase(session, "Running");
  await playPod(session, { phase: "Running" });

  const late = await waitForObject(
    server.objects,
    session,
    ({ status }) => conditionOf((status ?? {}) as Fields, "DeadlineExceeded") !== undefined,
  );
  await playPod(session, { phase: "Failed", reason: "DeadlineExceeded" });

  const over = await untilPhase(session, "Failed");
  expect((late.status as Fields).phase).toBe("Running");
  expect(conditionOf(targetOf(over), "BackupDisrupted")?.message).toMatch(/^DeadlineExceeded: /);
}, 120_000);

test("a Function that works on the interim volume gets a claim of the session's own", async () => {
  const volumeMounts = [{ name: "stash-interim-volume", mountPath: "/stash-interim-volume" }];
  await server.objects.apply({ apiVersion: STASH, kind: "Task", metadata: { name: "dump" }, spec: { steps: [{ name: "dump" }] } });
  const template = { image: "registry.example/dump:1", args: [`\${INTERIM_DATA_DIR}`], volumeMounts };
  await server.objects.apply({ apiVersion: STASH, kind: "Function", metadata: { name: "dump" }, spec: template });
  const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const namespace = await createShop({ task: { name: "dump" }, interimVolumeTemplate: { metadata: { name: "dump" }, spec: claim } });

  const session = await newSession(namespace, "one");

  await untilPhase(session, "Running");
  const [made] = await server.objects.list("v1", "PersistentVolumeClaim", namespace);
  expect(made).toMatchObject({ metadata: { name: "one-dump", ownerReferences: [{ kind: "BackupSession", name: "one" }] }, spec: claim });
}, 120_000);
