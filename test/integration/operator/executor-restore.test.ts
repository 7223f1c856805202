// The operator, with the roles that we ship and no more, on a real API server with a real Job controller: restores whose pods are played.
import { NAMESPACE, OPERATOR } from "../../../deploy/names.ts";
import type { Fields } from "../../../operator/objects.ts";
import type { OperatorParameters } from "../../../operator/parameters.ts";
import { runOperator } from "../../../operator/run-operator.ts";
import type { Log } from "../../../runner/function.ts";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects, waitUntilGone } from "../../servers/kubernetes/wait-for-object.ts";
import { CRDS } from "../kubernetes/crds.ts";
import { asOperator } from "./as-operator.ts";

const STASH = "stash.appscode.com/v1beta1";
const TASK = { apiVersion: STASH, kind: "Task", metadata: { name: "redis-restore-1" }, spec: { steps: [{ name: "redis-restore-1" }] } };
const FUNCTION = { apiVersion: STASH, kind: "Function", metadata: { name: "redis-restore-1" }, spec: { image: "registry.example/own:1" } };

let server: Kubernetes;
let stores: string;
let stopOperator: () => Promise<unknown>;
const logged: string[] = [];

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS, controllers: true });
  stores = await server.objects.createNamespace();
  await asOperator(server);
  for (const object of [TASK, FUNCTION, ...vault(stores, { allowedNamespaces: { from: "All" } })]) await server.objects.apply(object);
  stopOperator = await startOperator();
}, 1_800_000);

afterAll(async () => {
  try {
    await stopOperator?.();
  } finally {
    await server?.stop();
  }
});

async function startOperator(): Promise<() => Promise<unknown>> {
  const token = await server.objects.createToken({ namespace: NAMESPACE, name: OPERATOR });
  const kubeconfig = await server.kubeconfigFor(token);
  const note = (message: string, fields?: Fields) => void logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const end = new AbortController();
  const parameters: OperatorParameters = {
    ...{
      kubeconfig,
      master: undefined,
      timeout: 0,
      report: undefined,
      terminationLog: "/dev/null",
      logFormat: "json",
      logLevel: "info",
    },
    ...{ namespace: NAMESPACE, image: "registry.example/own:1", pushgatewayUrl: undefined, identity: "test", lease: "holdfast-operator" },
    ...{ noLease: false, listen: "127.0.0.1:0", jobClusterRole: "holdfast-job", pendingTimeout: 1_800_000, waitingTimeout: 300_000 },
    ...{ resyncPeriod: 600_000, workers: 2 },
  };
  const running = runOperator(parameters, { signal: end.signal, log, environment: {} });
  return () => {
    end.abort(new Error("The test is over"));
    return running;
  };
}

function vault(namespace: string, usagePolicy?: Fields): readonly KubernetesObject[] {
  const backend = { storageSecretName: "vault-key", s3: { endpoint: "s3.example:9000", bucket: "vault" } };
  return [
    { apiVersion: "v1", kind: "Secret", metadata: { name: "vault-key", namespace }, stringData: { RESTIC_PASSWORD: "correct horse" } },
    {
      apiVersion: "stash.appscode.com/v1alpha1",
      kind: "Repository",
      metadata: { name: "vault", namespace },
      spec: { backend, ...(usagePolicy === undefined ? {} : { usagePolicy }) },
    },
  ];
}

/** A namespace with a database, its Secret, and a Repository. */
async function createShop(): Promise<string> {
  const namespace = await createReadyNamespace(server.objects);
  const clientConfig = { service: { scheme: "redis", name: "carts", port: 6379 } };
  const binding = {
    apiVersion: "appcatalog.appscode.com/v1alpha1",
    kind: "AppBinding",
    metadata: { name: "carts", namespace },
    spec: { type: "redis", clientConfig, secret: { name: "carts-auth" } },
  };
  for (const object of [...vault(namespace), binding]) await server.objects.apply(object);
  return namespace;
}

const sessionOf = (namespace: string, spec: Fields = {}): KubernetesObject => ({
  apiVersion: STASH,
  kind: "RestoreSession",
  metadata: { name: "back", namespace },
  spec: {
    repository: { name: "vault" },
    target: { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" } },
    task: { name: "redis-restore-1" },
    ...spec,
  },
});

interface SessionStatus {
  readonly phase?: string;
  readonly totalHosts?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
}

const statusOf = (object: KubernetesObject) => (object.status ?? {}) as SessionStatus;
const conditionOf = (object: KubernetesObject, wanted: string) => statusOf(object).conditions?.find(({ type }) => type === wanted);

async function withPhase(session: KubernetesObject, phase: string): Promise<KubernetesObject> {
  try {
    return await waitForObject(server.objects, session, (object) => statusOf(object).phase === phase, { timeoutMs: 30_000 });
  } catch (error) {
    throw new Error(`${String(error)}\n${logged.slice(-20).join("\n")}`);
  }
}

async function podOf(namespace: string): Promise<KubernetesObject> {
  const pods = await waitForObjects(server.objects, { apiVersion: "v1", kind: "Pod", namespace }, (all) => all.length > 0);
  return pods[0] as KubernetesObject;
}

/** As a kubelet does. */
async function playPod(namespace: string, status: Fields): Promise<void> {
  const { metadata } = await podOf(namespace);
  for (let answer = 409; answer === 409; ) {
    const pod = await server.objects.get({ apiVersion: "v1", kind: "Pod", metadata });
    const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`;
    answer = (await server.objects.send("PUT", path, { ...pod, status: { ...(pod.status as Fields), ...status } })).status;
    if (answer !== 200 && answer !== 409) throw new Error(`The status of the pod was not taken: ${answer}`);
  }
}

/** As the runner does. */
async function writeResult(session: KubernetesObject, stats: Fields): Promise<void> {
  for (let answer = 409; answer === 409; ) {
    const live = await server.objects.get(session);
    const path = `/apis/${STASH}/namespaces/${session.metadata.namespace}/restoresessions/${session.metadata.name}/status`;
    answer = (await server.objects.send("PUT", path, { ...live, status: { ...(live.status as Fields), stats: [stats] } })).status;
    if (answer !== 200 && answer !== 409) throw new Error(`The result was not taken: ${answer}`);
  }
}

const ended = (end: Fields) => {
  const times = { startedAt: "2026-11-20T03:00:00Z", finishedAt: "2026-11-20T03:00:01Z" };
  const container = {
    name: "redis-restore-1-0",
    image: "registry.example/own:1",
    imageID: "",
    restartCount: 0,
    ready: false,
    started: false,
  };
  return [{ ...container, lastState: {}, state: { terminated: { ...times, ...end } } }];
};

test("a restore with a result succeeds, and goes with all that was made for it", async () => {
  const namespace = await createShop();
  const session = await server.objects.apply(sessionOf(namespace, { timeOut: "1h" }));
  const running = await withPhase(session, "Running");

  await playPod(namespace, { phase: "Running" });
  await writeResult(session, { phase: "Succeeded", duration: "1.5s" });
  await playPod(namespace, { phase: "Succeeded", containerStatuses: ended({ exitCode: 0, reason: "Completed" }) });
  const over = await withPhase(session, "Succeeded");
  await server.objects.delete(session);

  expect(statusOf(running)).toMatchObject({ totalHosts: 1, sessionDeadline: expect.any(String) });
  expect(conditionOf(over, "MetricsPushed")?.status).toBe("True");
  await waitUntilGone(server.objects, session);
  await waitForObjects(server.objects, { apiVersion: "batch/v1", kind: "Job", namespace }, (all) => all.length === 0);
  await waitForObjects(
    server.objects,
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", namespace },
    (all) => all.length === 0,
  );
}, 120_000);

test("a restore that ran out of memory fails with that, and with its limit", async () => {
  const namespace = await createShop();
  const resources = { limits: { memory: "256Mi" } };
  const session = await server.objects.apply(sessionOf(namespace, { runtimeSettings: { container: { resources } } }));
  await withPhase(session, "Running");

  await playPod(namespace, { phase: "Failed", containerStatuses: ended({ exitCode: 137, reason: "OOMKilled" }) });

  const over = await withPhase(session, "Failed");
  expect(conditionOf(over, "RestoreExecutorEnsured")).toMatchObject({
    status: "False",
    reason: "OutOfMemory",
    message: expect.stringContaining("limit of 256Mi"),
  });
}, 120_000);

test("a restore whose Job is deleted fails, and is not begun again", async () => {
  const namespace = await createShop();
  const session = await server.objects.apply(sessionOf(namespace));
  await withPhase(session, "Running");
  const { metadata } = await podOf(namespace);
  const job = { apiVersion: "batch/v1", kind: "Job", metadata: { namespace, name: "stash-restore-back-0" } };

  const answer = await server.objects.send("DELETE", `/apis/batch/v1/namespaces/${namespace}/jobs/${job.metadata.name}`, {
    propagationPolicy: "Background",
  });

  const over = await withPhase(session, "Failed");
  expect(answer.status).toBe(200);
  expect(conditionOf(over, "RestoreExecutorEnsured")?.reason).toBe("JobMissing");
  await waitUntilGone(server.objects, { apiVersion: "v1", kind: "Pod", metadata });
  await waitUntilGone(server.objects, job);
}, 120_000);

test("a restore begins once what it lacked is there", async () => {
  const namespace = await createShop();
  const [secret] = vault(namespace) as [KubernetesObject];
  await server.objects.delete(secret);
  const session = await server.objects.apply(sessionOf(namespace));
  const waiting = await withPhase(session, "Pending");

  await server.objects.apply(secret);

  expect(conditionOf(waiting, "BackendSecretFound")).toMatchObject({ status: "False", reason: "BackendSecretNotAvailable" });
  await withPhase(session, "Running");
}, 120_000);

test("a restore that cannot be served is Invalid, and says why", async () => {
  const namespace = await createShop();

  const session = await server.objects.apply(sessionOf(namespace, { hooks: { preRestore: { exec: { command: ["true"] } } } }));

  const invalid = await withPhase(session, "Invalid");
  expect(conditionOf(invalid, "ValidationPassed")?.message).toContain("hooks are not supported");
}, 120_000);

test("rights that were given in a Repository's namespace are taken back before the session goes", async () => {
  const namespace = await createShop();
  const session = await server.objects.apply(sessionOf(namespace, { repository: { name: "vault", namespace: stores } }));
  await withPhase(session, "Running");
  const role = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { namespace: stores, name: `${namespace}-restoresession-back-0` },
  };
  const given = await server.objects.get(role);

  await server.objects.delete(session);

  expect(given.rules).toContainEqual(expect.objectContaining({ resources: ["secrets"], resourceNames: ["vault-key"] }));
  await waitUntilGone(server.objects, session);
  await waitUntilGone(server.objects, role, { timeoutMs: 1_000 });
}, 120_000);
