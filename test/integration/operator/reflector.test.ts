import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { LiveObject } from "../../../operator/objects.ts";
import type { ObjectChange } from "../../../operator/watch/cache.ts";
import { systemClock } from "../../../operator/watch/clock.ts";
import { Reflector, type ReflectorProblem } from "../../../operator/watch/reflector.ts";
import { openObjectsApi } from "../../../operator/watch/server-objects-api.ts";
import { describeError } from "../../../runner/errors.ts";
import { type ApiPlace, findApi } from "../../../runner/kubernetes/api-place.ts";
import { session } from "../../contract/objects-api.ts";
import { type SwitchableProxy, startSwitchableProxy } from "../../fakes/switchable-proxy.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { CRDS } from "../kubernetes/crds.ts";

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
}, 1_800_000);

afterAll(() => server.stop());

interface World extends AsyncDisposable {
  readonly reflector: Reflector;
  readonly proxy: SwitchableProxy;
  readonly changes: ObjectChange[];
  readonly problems: ReflectorProblem[];
  readonly stop: () => Promise<void>;
}

/** A reflector of the sessions with this label, behind a wire that can be cut; all its limits are short. */
async function reflect(run: string, { place, kubernetes = server }: { place?: ApiPlace; kubernetes?: Kubernetes } = {}): Promise<World> {
  const proxy = await startSwitchableProxy(kubernetes);
  const master = `https://127.0.0.1:${proxy.port}`;
  const connection = await findApi({ ...(place ?? { kubeconfig: kubernetes.adminKubeconfig, environment: {} }), master });
  const api = openObjectsApi(connection, { warn: () => undefined, silenceMs: 1_500, requestTimeoutMs: 1_500, watchSeconds: [3, 5] });
  const [changes, problems]: [ObjectChange[], ReflectorProblem[]] = [[], []];
  const reflector = new Reflector(api, {
    kind: "BackupSession",
    labelSelector: `run=${run}`,
    clock: systemClock,
    changed: (change) => changes.push(change),
    problem: (problem) => problems.push(problem),
    firstBackoffMs: 50,
    longestBackoffMs: 400,
  });
  const ending = new AbortController();
  const running = reflector.run(ending.signal);
  const stop = async () => {
    ending.abort();
    await running;
  };
  return {
    reflector,
    proxy,
    changes,
    problems,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      api[Symbol.dispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

async function put(namespace: string, name: string, kubernetes = server): Promise<void> {
  await kubernetes.objects.apply(session(namespace, name, { labels: { run: namespace } }) as KubernetesObject);
}

async function remove(namespace: string, name: string): Promise<void> {
  await server.objects.delete(session(namespace, name) as KubernetesObject);
}

/** Waits until the cache holds exactly what the server has. */
async function untilSame({ reflector }: World, namespace: string): Promise<void> {
  const versions = (objects: readonly (LiveObject | KubernetesObject)[]) =>
    objects.map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`).sort();
  const there = versions(await server.objects.list("stash.appscode.com/v1beta1", "BackupSession", namespace));
  await until(() => JSON.stringify(versions(reflector.cache.all())) === JSON.stringify(there));
}

/** A server that has just started refuses everybody for some seconds. */
async function untilServed(): Promise<void> {
  while ((await server.objects.send("GET", "/apis/stash.appscode.com/v1beta1/backupsessions")).status !== 200) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("what others write is seen, and a quiet watch goes on", async () => {
  const namespace = await server.objects.createNamespace();
  await put(namespace, "a");
  await using world = await reflect(namespace);
  await world.reflector.synced;

  await until(() => world.reflector.counts.watches >= 3);
  await put(namespace, "b");
  await remove(namespace, "a");
  await untilSame(world, namespace);

  expect(world.reflector.counts).toMatchObject({ lists: 1, failures: 0 });
  expect(world.problems).toEqual([]);
});

test.each([
  ["a reset", (proxy: SwitchableProxy) => proxy.reset()],
  ["an end in the midst", (proxy: SwitchableProxy) => proxy.end()],
])("%s of the connection loses nothing", async (_what, cut) => {
  const namespace = await server.objects.createNamespace();
  await put(namespace, "a");
  await using world = await reflect(namespace);
  await world.reflector.synced;
  await until(() => world.reflector.counts.watches === 1 && world.proxy.connections > 0);

  cut(world.proxy);
  await remove(namespace, "a");
  await put(namespace, "b");
  await untilSame(world, namespace);

  expect(world.reflector.counts).toMatchObject({ lists: 1, failures: 1 });
  expect(world.changes.map(({ before, after }) => [before?.metadata.name, after?.metadata.name])).toEqual([
    [undefined, "a"],
    ["a", undefined],
    [undefined, "b"],
  ]);
});

test("a network that swallows everything is noticed, and when it heals nothing was lost", async () => {
  const namespace = await server.objects.createNamespace();
  await put(namespace, "a");
  await using world = await reflect(namespace);
  await world.reflector.synced;
  await until(() => world.reflector.counts.watches === 1 && world.proxy.connections > 0);

  world.proxy.swallow();
  await remove(namespace, "a");
  await put(namespace, "b");
  await until(() => world.reflector.counts.failures >= 2);
  expect(world.reflector.trouble).toMatchObject({ name: "ClusterUnavailableError" });
  expect(world.reflector.cache.all()).toHaveLength(1);
  world.proxy.mend();
  await untilSame(world, namespace);

  expect(world.reflector.counts.lists).toBe(1);
  expect(world.reflector.trouble).toBeUndefined();
});

test("a server that starts anew and has forgotten our version is listed, and what vanished meanwhile is told", async () => {
  const namespace = await server.objects.createNamespace();
  await put(namespace, "a");
  await put(namespace, "b");
  await using world = await reflect(namespace);
  await world.reflector.synced;
  await until(() => world.reflector.counts.watches === 1 && world.proxy.connections > 0);
  world.proxy.swallow();
  await remove(namespace, "a");
  await put(namespace, "c");

  await server.stopApi();
  await server.startApi();
  await untilServed();
  world.proxy.mend();
  await untilSame(world, namespace);
  await put(namespace, "d");
  await untilSame(world, namespace);

  expect(world.reflector.counts.lists).toBe(2);
  expect(world.problems.map(({ error }) => (error as Error).name)).toContain("GoneError");
  expect(world.changes.filter(({ after }) => after === undefined).map(({ before }) => before?.metadata.name)).toEqual(["a"]);
});

test("a token that the server does not know is trouble until the file holds a new one", async () => {
  const namespace = await server.objects.createNamespace();
  const rules = [{ apiGroups: ["stash.appscode.com"], resources: ["backupsessions"], verbs: ["get", "list", "watch"] }];
  const account = await server.objects.createServiceAccount(namespace, [], { clusterRules: rules });
  const tokenFile = await server.writeFile("token", "long.ago.expired");
  const serviceAccountDirectory = dirname(tokenFile);
  await writeFile(`${serviceAccountDirectory}/ca.crt`, await readFile(server.caFile));
  const environment = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(server.port) };
  await using world = await reflect(namespace, { place: { environment, serviceAccountDirectory } });
  await until(() => world.reflector.counts.failures >= 2);
  expect(world.reflector.trouble).toMatchObject({ name: "ClusterRefusedError", reason: "Unauthorized" });

  await writeFile(tokenFile, account.token);
  await world.reflector.synced;
  await put(namespace, "a");
  await untilSame(world, namespace);

  expect(world.reflector.trouble).toBeUndefined();
});

test("a kind that is not served yet is waited for", async () => {
  await using fresh = await startKubernetes();
  const namespace = await fresh.objects.createNamespace();
  await using world = await reflect(namespace, { kubernetes: fresh });
  await until(() => world.reflector.counts.failures >= 1);
  expect(describeError(world.reflector.trouble)).toContain("does not know backupsessions.stash.appscode.com");
  expect(world.reflector.isSynced).toBe(false);

  await fresh.objects.applyDefinitions(CRDS);
  await world.reflector.synced;
  await put(namespace, "a", fresh);
  await until(() => world.reflector.cache.size === 1);

  expect(world.reflector.isSynced).toBe(true);
});

test("stopping ends it at once in a dead network, and leaves no connection in use", async () => {
  const namespace = await server.objects.createNamespace();
  await using world = await reflect(namespace);
  await world.reflector.synced;
  world.proxy.swallow();
  const started = performance.now();

  await world.stop();

  expect(performance.now() - started).toBeLessThan(5_000);
  const { watches } = world.reflector.counts;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(world.reflector.counts.watches).toBe(watches);
});
