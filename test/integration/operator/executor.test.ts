// What the API server, the Job controller and the scheduler really show of a Job's fate, and what is read from it. There is no node: pods are played by writes of their
// status, as a kubelet would make them; what the scheduler, the Job controller and the eviction API do is theirs.
import { judgeExecutor } from "../../../operator/decide/judge-executor.ts";
import type { ExecutorState } from "../../../operator/executor.ts";
import type { Fields, LiveObject, WantedObject } from "../../../operator/objects.ts";
import type { ObjectsApi } from "../../../operator/objects-api.ts";
import { openObjectsApi } from "../../../operator/watch/server-objects-api.ts";
import { findApi } from "../../../runner/kubernetes/api-place.ts";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { resolve, restore } from "../../unit/kubernetes/resolve-parts.ts";

const settings = { pendingTimeoutMs: 1_800_000, waitingTimeoutMs: 300_000 };
const INIT = "f-1-0-0";
const MAIN = "last-1";

let server: Kubernetes;
let api: ObjectsApi & Disposable;
let namespace: string;

beforeAll(async () => {
  server = await startKubernetes({ controllers: true });
  const connection = await findApi({ kubeconfig: server.adminKubeconfig, environment: {} });
  api = openObjectsApi(connection, { warn: () => undefined });
  namespace = await createReadyNamespace(server.objects);
}, 1_800_000);

afterAll(async () => {
  api?.[Symbol.dispose]();
  await server?.stop();
});

/** One of our Jobs, as it is made for a restore. */
class PlayedJob {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  async create(changes: { readonly pod?: Fields } = {}): Promise<void> {
    const { job } = resolve({ request: restore({ runtimeSettings: { container: { resources: { limits: { memory: "512Mi" } } } } }) });
    const { template } = job.spec;
    const spec = { ...job.spec, template: { ...template, spec: { ...template.spec, ...changes.pod } } };
    const created = await api.create({
      ...job,
      metadata: { labels: job.metadata.labels, name: this.#name, namespace },
      spec,
    } as WantedObject);
    expect(created).not.toBe("exists");
  }

  job(): Promise<LiveObject | undefined> {
    return api.get("Job", { namespace, name: this.#name });
  }

  async pods(): Promise<readonly LiveObject[]> {
    const { items } = await api.list("Pod", { namespace, labelSelector: `batch.kubernetes.io/job-name=${this.#name}` });
    return items;
  }

  async pod(): Promise<LiveObject> {
    let pods: readonly LiveObject[] = [];
    const look = async () => {
      pods = await this.pods();
      return pods.length > 0;
    };
    await waitFor(look, `a pod of ${this.#name}`);
    return pods[0] as LiveObject;
  }

  /** As the scheduler does, to a node that is not there. */
  async bind(): Promise<void> {
    const { metadata } = await this.pod();
    const target = { apiVersion: "v1", kind: "Node", name: "node-1" };
    const body = { apiVersion: "v1", kind: "Binding", metadata: { name: metadata.name, namespace }, target };
    await this.#send("POST", `pods/${metadata.name}/binding`, body);
  }

  /** As a kubelet does. */
  async play(status: Fields): Promise<void> {
    const { metadata } = await this.pod();
    const path = `pods/${metadata.name}/status`;
    await waitFor(async () => {
      const { body } = await server.objects.send("GET", `/api/v1/namespaces/${namespace}/pods/${metadata.name}`);
      const pod = body as { readonly status: Fields };
      const answer = await server.objects.send("PUT", `/api/v1/namespaces/${namespace}/${path}`, {
        ...pod,
        status: { ...pod.status, ...status },
      });
      if (answer.status !== 200 && answer.status !== 409) throw new Error(`Status ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.status === 200;
    }, path);
  }

  async deletePod(): Promise<void> {
    const { metadata } = await this.pod();
    await this.#send("DELETE", `pods/${metadata.name}`);
  }

  async evictPod(): Promise<void> {
    const { metadata } = await this.pod();
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: metadata.name, namespace } };
    await this.#send("POST", `pods/${metadata.name}/eviction`, body);
  }

  /** As the operator ends it. */
  async stop(): Promise<void> {
    const job = (await this.job()) as LiveObject;
    expect(await api.replace({ ...job, spec: { ...job.spec, activeDeadlineSeconds: 1 } })).toMatchObject({ kind: "Job" });
  }

  async judge({ later = 0 }: { readonly later?: number } = {}): Promise<ExecutorState> {
    const [job, pods] = [await this.job(), await this.pods()];
    return judgeExecutor(job, pods, { now: new Date(api.now().getTime() + later * 1000), settings });
  }

  /** Once the Job controller has drawn its conclusion as well. */
  async end(): Promise<ExecutorState> {
    await waitFor(async () => {
      const conditions = ((await this.job())?.status?.conditions ?? []) as readonly { readonly type: string; readonly status: string }[];
      return conditions.some(({ type, status }) => (type === "Complete" || type === "Failed") && status === "True");
    }, `the end of ${this.#name}`);
    return this.judge();
  }

  async #send(method: string, path: string, body?: object): Promise<void> {
    const { status, body: answered } = await server.objects.send(method, `/api/v1/namespaces/${namespace}/${path}`, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answered)}`);
  }
}

async function waitFor(isReached: () => Promise<boolean>, what: string, timeoutMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await isReached()); ) {
    if (Date.now() > deadline) throw new Error(`Waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function playedJob(name: string, changes?: { readonly pod?: Fields }): Promise<PlayedJob> {
  const played = new PlayedJob(name);
  await played.create(changes);
  return played;
}

const container = (name: string, state: Fields) => ({
  ...{ name, image: "registry.example/own:1", imageID: "", restartCount: 0, ready: false, started: false, lastState: {} },
  state,
});
const ended = (name: string, end: Fields) =>
  container(name, { terminated: { startedAt: "2026-11-20T03:00:00Z", finishedAt: "2026-11-20T03:00:01Z", ...end } });
const waiting = (name: string, reason: string, message = "") => container(name, { waiting: { reason, message } });
const running = (name: string) => container(name, { running: { startedAt: "2026-11-20T03:00:00Z" } });

const failedBy = (end: Fields): Fields => ({
  phase: "Failed",
  initContainerStatuses: [ended(INIT, end)],
  containerStatuses: [waiting(MAIN, "PodInitializing")],
});

test("a pod that no node takes is unschedulable in the scheduler's own words, and has failed in the end", async () => {
  const played = await playedJob("unschedulable");
  await waitFor(
    async () => (await played.judge()).kind === "working" && JSON.stringify(await played.pod()).includes("Unschedulable"),
    "the scheduler",
  );

  const now = await played.judge();
  const later = await played.judge({ later: 1800 });

  expect(now).toMatchObject({
    kind: "working",
    trouble: { reason: "Unschedulable", message: expect.stringContaining("no nodes available to schedule pods") },
  });
  expect(later).toMatchObject({ kind: "failed", failure: { reason: "Unschedulable", isWorthRetry: true } });
});

test("a container that ran out of memory is named with its limit", async () => {
  const played = await playedJob("oom");

  await played.play(failedBy({ exitCode: 137, reason: "OOMKilled" }));

  expect(await played.end()).toMatchObject({
    kind: "failed",
    failure: {
      reason: "OutOfMemory",
      exitCode: 137,
      message: expect.stringContaining(`"${INIT}" was killed: it needed more memory than its limit of 512Mi`),
    },
  });
});

test("a main container that failed behind a good one is told by its program's word", async () => {
  const played = await playedJob("own-word");
  const message = '{"code":40,"reason":"ClusterUnavailable","message":"no answer"}';

  await played.play({
    phase: "Failed",
    initContainerStatuses: [ended(INIT, { exitCode: 0, reason: "Completed" })],
    containerStatuses: [ended(MAIN, { exitCode: 40, reason: "Error", message })],
  });

  expect(await played.end()).toEqual({
    kind: "failed",
    failure: { reason: "ClusterUnavailable", message: "no answer", exitCode: 40, isWorthRetry: true },
  });
});

test("an evicted pod is told so, in its node's words", async () => {
  const played = await playedJob("evicted");

  await played.play({
    ...failedBy({ exitCode: 137, reason: "Error" }),
    reason: "Evicted",
    message: "The node was low on resource: memory.",
  });

  expect(await played.end()).toMatchObject({
    kind: "failed",
    failure: { reason: "Evicted", message: expect.stringContaining("low on resource: memory"), isWorthRetry: true },
  });
});

test("a pod that the eviction API takes away is told of while it goes, and afterwards", async () => {
  const played = await playedJob("drained");
  await played.bind();
  await played.play({ phase: "Running", initContainerStatuses: [running(INIT)] });

  await played.evictPod();
  const going = await played.judge();
  await played.play(failedBy({ exitCode: 143, reason: "Error" }));

  expect(going).toMatchObject({ kind: "working", trouble: { reason: "Evicted" } });
  expect(await played.end()).toMatchObject({ kind: "failed", failure: { reason: "Evicted", isWorthRetry: true } });
});

test("a pod that somebody deletes before it runs is gone at once, and was deleted", async () => {
  const played = await playedJob("deleted");

  await played.deletePod();

  expect(await played.end()).toMatchObject({ kind: "failed", failure: { reason: "PodDeleted", isWorthRetry: true } });
  expect(await played.pods()).toEqual([]);
});

test("a pod that somebody deletes while it runs was deleted, whatever its container's end looks like", async () => {
  const played = await playedJob("deleted-running");
  await played.bind();
  await played.play({ phase: "Running", initContainerStatuses: [running(INIT)] });

  await played.deletePod();
  const going = await played.judge();
  await played.play(failedBy({ exitCode: 143, reason: "Error" }));
  const state = await played.judge();

  expect(going).toMatchObject({ kind: "working", trouble: { reason: "PodDeleted" } });
  expect(state).toMatchObject({ kind: "failed", failure: { reason: "PodDeleted" } });
  expect(await played.end()).toMatchObject({ kind: "failed", failure: { reason: "PodDeleted" } });
});

test("the exit code is still known from the Job when the pod that failed was deleted", async () => {
  const played = await playedJob("gone");
  await played.play(failedBy({ exitCode: 20, reason: "Error" }));
  await played.end();

  await played.deletePod();
  await waitFor(async () => (await played.pods()).length === 0, "the end of the pod");

  expect(await played.judge()).toMatchObject({
    kind: "failed",
    failure: {
      reason: "ContainerFailed",
      exitCode: 20,
      isWorthRetry: true,
      message: expect.stringContaining(`"${INIT}" failed (exit code 20)`),
    },
  });
});

test("a Job that is stopped has exceeded its deadline, once its pod has had its last words", async () => {
  const played = await playedJob("stopped");
  await played.bind();
  await played.play({ phase: "Running", initContainerStatuses: [running(INIT)] });

  await played.stop();
  await waitFor(async () => JSON.stringify(await played.job()).includes("FailureTarget"), "the Job controller");
  const stopping = await played.judge();
  await played.play(failedBy({ exitCode: 143, reason: "Error" }));

  expect(stopping).toMatchObject({ kind: "working" });
  expect(await played.end()).toMatchObject({ kind: "failed", failure: { reason: "DeadlineExceeded", isWorthRetry: false } });
});

test("an image that cannot be had is trouble, and a failure in the end", async () => {
  const played = await playedJob("image");
  await played.bind();

  await played.play({
    phase: "Pending",
    startTime: `${api.now().toISOString().slice(0, 19)}Z`,
    initContainerStatuses: [waiting(INIT, "ImagePullBackOff", 'Back-off pulling image "registry.example/own:1"')],
  });

  expect(await played.judge()).toMatchObject({ kind: "working", trouble: { reason: "ImagePullBackOff" } });
  expect(await played.judge({ later: 301 })).toMatchObject({ kind: "failed", failure: { reason: "ImagePullBackOff" } });
});

test("a Job whose pod may not be made is told of, and has failed in the end", async () => {
  const played = await playedJob("no-account", { pod: { serviceAccountName: "nobody" } });
  await waitFor(async () => (await played.job())?.status?.startTime !== undefined, "the Job controller");

  expect(await played.judge({ later: 40 })).toMatchObject({ kind: "working", trouble: { reason: "PodNotCreated" } });
  expect(await played.judge({ later: 301 })).toMatchObject({ kind: "failed", failure: { reason: "PodNotCreated" } });
});

test("a Job whose containers all ended well has succeeded", async () => {
  const played = await playedJob("good");

  await played.play({
    phase: "Succeeded",
    initContainerStatuses: [ended(INIT, { exitCode: 0, reason: "Completed" })],
    containerStatuses: [ended(MAIN, { exitCode: 0, reason: "Completed" })],
  });

  expect(await played.end()).toEqual({ kind: "succeeded", finished: expect.any(Date) });
});

test("a pod whose node is gone is collected with it, and its node was lost for whoever looks in time", async () => {
  const played = await playedJob("node-gone");
  await played.bind();
  await played.play({ phase: "Running", initContainerStatuses: [running(INIT)] });

  let state: ExecutorState | undefined;
  const look = async () => {
    state = await played.judge();
    return state.kind === "failed";
  };
  await waitFor(look, "the collection of the pod", 150_000);

  // On a slow machine the pod may be gone before anybody looked.
  expect(state).toMatchObject({ failure: { reason: expect.stringMatching(/^(NodeLost|PodDeleted)$/), isWorthRetry: true } });
  // Whoever comes later finds no pod any more.
  expect(await played.end()).toMatchObject({ failure: { reason: "PodDeleted", isWorthRetry: true } });
}, 180_000);
