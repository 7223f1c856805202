// From BackupConfigurations to CronJobs on a real API server with its controllers, as the operator's own account. There is no node: pods are played by writes of their status.
import type { Fields, WantedObject } from "../../../operator/objects.ts";
import { triggerSession } from "../../../operator/trigger-session.ts";
import { openObjectsApi } from "../../../operator/watch/server-objects-api.ts";
import { findApi } from "../../../runner/kubernetes/api-place.ts";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects, waitUntilGone } from "../../servers/kubernetes/wait-for-object.ts";
import { appBinding, backupConfiguration, QUIET, repository } from "../../unit/operator/invoker-world.ts";
import { CRDS } from "../kubernetes/crds.ts";
import { type LogLine, type RunningOperator, runOperatorOn } from "./running-operator.ts";

const STASH = "stash.appscode.com/v1beta1";
const RBAC = "rbac.authorization.k8s.io/v1";

let server: Kubernetes;
let operator: RunningOperator;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS, controllers: true });
  operator = await runOperatorOn(server);
}, 1_800_000);

afterAll(async () => {
  await operator?.[Symbol.asyncDispose]();
  await server?.stop();
});

afterEach(() => {
  // The server would like another name for Stash's finalizers; it says nothing else, of Pod Security least of all.
  const isExpected = ({ message }: LogLine) => message.includes("domain-qualified finalizer");
  expect(
    operator.log.filter(({ level, fields }) => level === "error" || fields.reason === "ClusterWarning").filter((line) => !isExpected(line)),
  ).toEqual([]);
});

/** A namespace that takes restricted pods only, with everything that a BackupConfiguration names. */
async function furnish(): Promise<string> {
  const namespace = await createReadyNamespace(server.objects, {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
  });
  await store(namespace);
  await server.objects.apply(at(appBinding(), namespace));
  await secret(namespace, "carts-login");
  return namespace;
}

async function store(namespace: string, spec: Fields = {}): Promise<void> {
  const vault = repository();
  await secret(namespace, "vault-key");
  await server.objects.apply(at({ ...vault, spec: { ...(vault.spec as Fields), ...spec } }, namespace));
}

async function secret(namespace: string, name: string): Promise<void> {
  await server.objects.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name },
    stringData: { RESTIC_PASSWORD: "canary" },
  });
}

function at(object: Pick<KubernetesObject, "metadata"> | WantedObject, namespace: string): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, namespace } } as unknown as KubernetesObject;
}

function configuration(namespace: string, spec: Fields = {}, name = "nightly"): KubernetesObject {
  return at(backupConfiguration(spec, { name }), namespace);
}

function statusOf(object: KubernetesObject): Fields {
  return (object.status ?? {}) as Fields;
}

function conditionOf(object: KubernetesObject, type: string): Fields | undefined {
  return ((statusOf(object).conditions ?? []) as readonly Fields[]).find((condition) => condition.type === type);
}

function isReady(object: KubernetesObject): boolean {
  return statusOf(object).phase === "Ready" && statusOf(object).observedGeneration === (object.metadata as Fields).generation;
}

const cronJobIn = (namespace: string, name = "stash-trigger-nightly") => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { namespace, name },
});

/** As the CronJob controller makes it when its minute has come. */
async function fire(namespace: string, spec: Fields = {}): Promise<KubernetesObject> {
  const cronJob = await server.objects.get(cronJobIn(namespace));
  const { jobTemplate } = cronJob.spec as { jobTemplate: { metadata: Fields; spec: object } };
  const { name, uid } = cronJob.metadata;
  const minutes = Math.floor(Date.now() / 60_000);
  const owner = { apiVersion: "batch/v1", kind: "CronJob", name, uid, controller: true, blockOwnerDeletion: true };
  return server.objects.apply({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { namespace, name: `${name}-${minutes}`, labels: jobTemplate.metadata.labels, ownerReferences: [owner] },
    spec: { ...jobTemplate.spec, ...spec },
  });
}

async function podOf({ metadata }: KubernetesObject): Promise<KubernetesObject> {
  const isOf = (pod: KubernetesObject) => (pod.metadata.labels as Fields)["batch.kubernetes.io/job-name"] === metadata.name;
  const namespace = metadata.namespace as string;
  const pods = await waitForObjects(server.objects, { apiVersion: "v1", kind: "Pod", namespace }, (all) => all.some(isOf));
  return pods.find(isOf) as KubernetesObject;
}

async function play(pod: KubernetesObject, status: Fields): Promise<void> {
  const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
  for (;;) {
    const { body } = await server.objects.send("GET", path);
    const live = body as KubernetesObject;
    const answer = await server.objects.send("PUT", `${path}/status`, { ...live, status: { ...(live.status as Fields), ...status } });
    if (answer.status === 200) return;
    if (answer.status !== 409) throw new Error(`Status ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}

async function eventsOf(namespace: string, reason: string): Promise<readonly KubernetesObject[]> {
  const events = await waitForObjects(server.objects, { apiVersion: "v1", kind: "Event", namespace }, (all) =>
    all.some((event) => event.reason === reason),
  );
  return events.filter((event) => event.reason === reason);
}

test("a BackupConfiguration becomes Ready, and its trigger's pod makes a session under its own rights; the Job is then removed", async () => {
  const namespace = await furnish();
  await server.objects.apply(configuration(namespace));

  await waitForObject(server.objects, configuration(namespace), isReady);
  const job = await fire(namespace);
  const pod = await podOf(job);
  const account = (pod.spec as { serviceAccountName: string }).serviceAccountName;
  const kubeconfig = await server.kubeconfigFor(await server.objects.createToken({ namespace, name: account }));
  using api = openObjectsApi(await findApi({ kubeconfig, environment: {} }), { warn: () => undefined });
  const parameters = { namespace, invokerKind: "BackupConfiguration", invokerName: "nightly", jobName: job.metadata.name };
  const made = await triggerSession(parameters, { api, log: QUIET, signal: new AbortController().signal });

  expect(made).toEqual({ name: `nightly-${Number(job.metadata.name.split("-").at(-1)) * 60}`, isNew: true });
  await expect(triggerSession(parameters, { api, log: QUIET, signal: new AbortController().signal })).resolves.toEqual({
    ...made,
    isNew: false,
  });
  await waitForObject(server.objects, { apiVersion: STASH, kind: "BackupSession", metadata: { namespace, name: made.name } }, (session) =>
    Boolean(statusOf(session).phase),
  );
  await play(pod, { phase: "Succeeded" });
  await waitUntilGone(server.objects, job);
}, 180_000);

test("the CronJob controller fires it, counts its success, and misses no Job", async () => {
  const namespace = await furnish();
  await server.objects.apply(configuration(namespace, { schedule: "* * * * *" }));

  const jobs = await waitForObjects(server.objects, { apiVersion: "batch/v1", kind: "Job", namespace }, (all) => all.length > 0, {
    timeoutMs: 90_000,
  });
  const [job] = jobs as [KubernetesObject];
  await play(await podOf(job), { phase: "Succeeded" });
  await waitUntilGone(server.objects, { apiVersion: "batch/v1", kind: "Job", metadata: job.metadata });

  expect(job.metadata.name).toMatch(/^stash-trigger-nightly-\d{8}$/);
  expect((await server.objects.get(cronJobIn(namespace))).status).toMatchObject({ lastSuccessfulTime: expect.any(String) });
  const reasons = (await server.objects.list("v1", "Event", namespace))
    .filter((event) => event.type === "Warning")
    .map((event) => event.reason);
  // There is no node. A Job that is removed too early would be "MissingJob".
  expect(reasons.filter((reason) => reason !== "FailedScheduling" && reason !== "TriggerDelayed")).toEqual([]);
}, 180_000);

test("a trigger that fails is told of on its BackupConfiguration", async () => {
  const namespace = await furnish();
  await server.objects.apply(configuration(namespace));
  await waitForObject(server.objects, configuration(namespace), isReady);
  // So that nobody waits for six repetitions.
  const job = await fire(namespace, { backoffLimit: 0 });
  const message = JSON.stringify({ code: 41, reason: "Forbidden", message: "Not allowed to create backupsessions" });
  const terminated = { exitCode: 41, reason: "Error", message, startedAt: null, finishedAt: new Date().toISOString() };

  await play(await podOf(job), { phase: "Failed", containerStatuses: [containerStatus({ terminated })] });

  const [event] = await eventsOf(namespace, "TriggerFailed");
  expect(event).toMatchObject({
    involvedObject: { kind: "BackupConfiguration", name: "nightly" },
    message: expect.stringContaining("(Forbidden): Not allowed to create backupsessions"),
  });
}, 180_000);

function containerStatus(state: Fields): Fields {
  return { name: "stash-trigger", image: "i", imageID: "i", ready: false, restartCount: 0, state };
}

test.each(["@every 1h", "0 0 31 2 *", "@daily", "*/5 * * * 1-5"])(
  "the schedule %s is taken",
  async (schedule) => {
    const namespace = await furnish();
    await server.objects.apply(configuration(namespace, { schedule }));

    await waitForObject(server.objects, configuration(namespace), isReady);

    expect(await server.objects.get(cronJobIn(namespace))).toMatchObject({
      spec: { schedule, suspend: false, startingDeadlineSeconds: 600 },
    });
  },
  120_000,
);

test.each([
  ["99 * * * *", /spec\.schedule: Invalid value: "99 \* \* \* \*"/],
  ["TZ=Europe/Berlin 0 3 * * *", /spec\.schedule: Invalid value.*(TZ|timeZone)/],
  ["whenever", /spec\.schedule: Invalid value/],
])(
  "the schedule %s is refused in the server's words, and a right one heals it",
  async (schedule, message) => {
    const namespace = await furnish();
    await server.objects.apply(configuration(namespace, { schedule }));

    const refused = await waitForObject(
      server.objects,
      configuration(namespace),
      (object) => conditionOf(object, "CronJobCreated") !== undefined,
    );

    expect(conditionOf(refused, "CronJobCreated")).toMatchObject({
      status: "False",
      reason: "CronJobCreationFailed",
      message: expect.stringMatching(message),
    });
    expect(statusOf(refused)).toMatchObject({ phase: "NotReady" });
    await server.objects.apply(configuration(namespace));
    await waitForObject(server.objects, configuration(namespace), isReady);
  },
  120_000,
);

test("a CronJob that somebody deletes or changes is made again as it was", async () => {
  const namespace = await furnish();
  await server.objects.apply(configuration(namespace));
  await waitForObject(server.objects, configuration(namespace), isReady);
  const { uid } = (await server.objects.get(cronJobIn(namespace))).metadata;

  await server.objects.delete(cronJobIn(namespace));
  await waitForObject(server.objects, cronJobIn(namespace), ({ metadata }) => metadata.uid !== uid);
  const made = await server.objects.get(cronJobIn(namespace));
  const {
    resourceVersion: _version,
    uid: _uid,
    managedFields: _managed,
    ...metadata
  } = made.metadata as KubernetesObject["metadata"] & Fields;
  await server.objects.apply({ ...made, metadata, spec: { ...(made.spec as Fields), suspend: true }, status: undefined });

  await waitForObject(server.objects, cronJobIn(namespace), ({ spec }) => (spec as Fields).suspend === false);
}, 120_000);

test("what runtimeSettings say is taken by the server, and gone again when they no longer say it", async () => {
  const namespace = await furnish();
  const pod = {
    ...{ nodeSelector: { disk: "fast" }, tolerations: [{ key: "backups", operator: "Exists" }], podAnnotations: { note: "a" } },
    ...{ securityContext: { fsGroup: 65534, runAsUser: 65534 }, imagePullSecrets: [{ name: "pull" }], enableServiceLinks: false },
    ...{ affinity: { nodeAffinity: {} }, topologySpreadConstraints: [], schedulerName: "default-scheduler", podLabels: { own: "b" } },
  };
  const container = {
    ...{ env: [{ name: "HTTPS_PROXY", value: "http://proxy:3128" }], envFrom: [{ secretRef: { name: "proxy", optional: true } }] },
    ...{ resources: { limits: { memory: "200Mi" } }, securityContext: { runAsGroup: 65534 } },
  };
  await server.objects.apply(configuration(namespace, { runtimeSettings: { pod, container } }));
  await waitForObject(server.objects, configuration(namespace), isReady);
  expect(JSON.stringify(await server.objects.get(cronJobIn(namespace)))).toMatch(/HTTPS_PROXY.*fsGroup|fsGroup.*HTTPS_PROXY/);

  await server.objects.apply(configuration(namespace));
  await waitForObject(server.objects, configuration(namespace), isReady);

  expect(JSON.stringify((await server.objects.get(cronJobIn(namespace))).spec)).not.toMatch(/HTTPS_PROXY|nodeSelector|fsGroup|pull|200Mi/);
}, 120_000);

test("a Repository elsewhere: the jobs' account may read it and its Secret, and no other; after the deletion it may not", async () => {
  const namespace = await furnish();
  const cellar = await createReadyNamespace(server.objects);
  await store(cellar, { usagePolicy: { allowedNamespaces: { from: "All" } } });
  await server.objects.apply(configuration(namespace, { repository: { name: "vault", namespace: cellar } }));
  await waitForObject(server.objects, configuration(namespace), isReady);
  const account = `system:serviceaccount:${namespace}:backupconfiguration-nightly-0`;
  const may = async (verb: string, resource: string, name: string, group = "") => {
    const [plural, subresource] = resource.split("/");
    const spec = { user: account, resourceAttributes: { verb, group, resource: plural, subresource, namespace: cellar, name } };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    const { body } = await server.objects.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
    return (body as { status: { allowed: boolean } }).status.allowed;
  };
  const all = () =>
    Promise.all([
      may("get", "secrets", "vault-key"),
      may("get", "repositories", "vault", "stash.appscode.com"),
      may("update", "repositories/status", "vault", "stash.appscode.com"),
      may("get", "secrets", "another"),
      may("list", "secrets", ""),
    ]);

  for (const deadline = Date.now() + 30_000; !(await all())[0] && Date.now() < deadline; );
  expect(await all()).toEqual([true, true, true, false, false]);
  const vault = { apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { namespace: cellar, name: "vault" } };
  await waitForObject(server.objects, vault, (object) => JSON.stringify(statusOf(object).references).includes(namespace));

  await server.objects.delete(configuration(namespace));
  await waitUntilGone(server.objects, configuration(namespace));

  expect(await server.objects.list(RBAC, "Role", cellar)).toEqual([]);
  expect(await server.objects.list(RBAC, "RoleBinding", cellar)).toEqual([]);
  expect(statusOf(await server.objects.get(vault)).references ?? []).toEqual([]);
  await waitUntilGone(server.objects, cronJobIn(namespace));
}, 180_000);

test("what is missing is said, and found once it is there", async () => {
  const namespace = await furnish();
  await server.objects.delete({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "vault-key" } });
  await server.objects.apply(configuration(namespace));

  const missing = await waitForObject(server.objects, configuration(namespace), (object) => statusOf(object).phase !== undefined);
  expect(conditionOf(missing, "BackendSecretFound")).toMatchObject({ status: "False", reason: "BackendSecretNotAvailable" });

  await secret(namespace, "vault-key");
  await waitForObject(server.objects, configuration(namespace), isReady);
}, 120_000);

test("a Repository that is deleted while it is used stays until its user is gone; namespaces end without anybody's help", async () => {
  const namespace = await furnish();
  await server.objects.apply(configuration(namespace));
  await waitForObject(server.objects, configuration(namespace), isReady);
  const vault = at(repository(), namespace);
  await waitForObject(server.objects, vault, (object) => statusOf(object).references !== undefined);

  await server.objects.delete(vault);
  expect((await eventsOf(namespace, "RepositoryInUse"))[0]?.message).toContain(`BackupConfiguration "${namespace}/nightly"`);
  await waitForObject(server.objects, configuration(namespace), (object) => statusOf(object).phase === "NotReady");

  await server.objects.delete({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await waitUntilGone(server.objects, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, { timeoutMs: 120_000 });
}, 240_000);

test("batches say that they are not served, and are let go when they are deleted", async () => {
  const namespace = await furnish();
  const finalizers = ["stash.appscode.com"];
  const retentionPolicy = { name: "keep", keepLast: 5, prune: true };
  const batch = {
    apiVersion: STASH,
    kind: "BackupBatch",
    metadata: { namespace, name: "all", finalizers },
    spec: { schedule: "0 3 * * *", retentionPolicy },
  };
  const restore = { apiVersion: STASH, kind: "RestoreBatch", metadata: { namespace, name: "all", finalizers }, spec: {} };

  for (const object of [batch, restore]) {
    // By a plain request: the server warns of the finalizer's name.
    const plural = `${object.kind.toLowerCase()}es`;
    expect(await server.objects.send("POST", `/apis/${STASH}/namespaces/${namespace}/${plural}`, object)).toMatchObject({ status: 201 });
    const invalid = await waitForObject(server.objects, object, (live) => statusOf(live).phase === "Invalid");
    expect(conditionOf(invalid, "ValidationPassed")).toMatchObject({
      status: "False",
      message: expect.stringContaining("is not supported"),
    });
    await server.objects.delete(object);
    await waitUntilGone(server.objects, object);
  }
}, 120_000);

test("of a blueprint an Event tells that nothing comes of it", async () => {
  const blueprint = {
    ...{ apiVersion: STASH, kind: "BackupBlueprint", metadata: { name: "all" } },
    spec: { schedule: "0 3 * * *", retentionPolicy: { name: "keep", keepLast: 5, prune: true } },
  };

  await server.objects.apply(blueprint);

  const [event] = await eventsOf("default", "NotSupported");
  expect(event).toMatchObject({ type: "Warning", involvedObject: { kind: "BackupBlueprint", name: "all" } });
}, 60_000);
