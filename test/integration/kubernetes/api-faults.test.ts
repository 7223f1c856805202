// What an API server, the way to it, and other writers can do to a write of the truth.
import { readFile } from "node:fs/promises";
import { ClusterRefusedError, ClusterUnavailableError, ParameterError } from "../../../runner/errors.ts";
import { type ApiClusterOptions, openApiCluster } from "../../../runner/kubernetes/api-cluster.ts";
import type { Cluster, ObjectName, Status } from "../../../runner/kubernetes/cluster.ts";
import { onFirst, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import { startTcpProxy } from "../../fakes/tcp-proxy.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { CRDS } from "./crds.ts";

const STATUS_WRITE = /^PUT .*\/backupsessions\/.*\/status/;

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
}, 1_800_000);

afterAll(() => server.stop());

describe("other writers", () => {
  test("the writes of many processes at the same time all land", async () => {
    const name = await newSession();
    const clusters = await Promise.all(Array.from({ length: 12 }, () => openAs()));

    await Promise.all(clusters.map((cluster, index) => cluster.updateStatus("BackupSession", name, addTarget(`host-${index}`))));

    expect((await targetsOf(name)).sort()).toEqual(clusters.map((_, index) => `host-${index}`).sort());
  });

  test("a status that others keep changing is given up with their conflict, not written over theirs", async () => {
    const name = await newSession();
    const [ours, theirs] = [await openAs(), await openAs()];
    let writes = 0;
    await using proxy = await proxyToServer();
    const throughProxy = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "answer", status: 409 }, STATUS_WRITE, 1000));

    const writing = throughProxy.updateStatus("BackupSession", name, (status) => ({ ...status, phase: `try ${++writes}` }), {
      patienceMs: 1000,
    });

    await expect(writing).rejects.toThrow(ClusterUnavailableError);
    await expect(writing).rejects.toMatchObject({ cause: { message: expect.stringContaining("Others keep changing") } });
    expect(writes).toBeGreaterThan(1);
    await theirs.updateStatus("BackupSession", name, addTarget("theirs"));
    expect((await ours.backupSession(name)).status).toMatchObject({ targets: [{ ref: { name: "theirs" } }] });
  });

  test("a session that was deleted and made anew is refused by name", async () => {
    const name = await newSession();
    const cluster = await openAs();
    const { uid } = (await cluster.backupSession(name)).metadata;
    await server.objects.delete(session(name));
    await server.objects.apply(session(name));

    const writing = cluster.updateStatus("BackupSession", name, () => ({ phase: "Succeeded" }), { uid });

    await expect(writing).rejects.toThrow(ParameterError);
    await expect(writing).rejects.toMatchObject({ reason: "ObjectReplaced", message: expect.stringContaining(name.name) });
    expect((await server.objects.get(session(name))).status).toBeUndefined();
  });

  test("a session that is made anew between look and write is refused, although nobody named a uid", async () => {
    const name = await newSession();
    const cluster = await openAs();
    await using proxy = await proxyToServer();
    const throughProxy = await openAs({ master: proxy.endpoint });
    let replacing: Promise<void> | undefined;
    let isReplaced = false;
    const replace = async () => {
      await server.objects.delete(session(name));
      await server.objects.apply(session(name));
      isReplaced = true;
    };
    // The first write, and all that follows, is held up until the object is another.
    proxy.break(({ method }) => {
      if (method === "PUT") replacing ??= replace();
      return replacing !== undefined && !isReplaced ? { kind: "answer", status: 503 } : undefined;
    });

    const writing = throughProxy.updateStatus("BackupSession", name, () => ({ phase: "Succeeded" }));

    await expect(writing).rejects.toMatchObject({ reason: "ObjectReplaced" });
    await replacing;
    expect((await cluster.backupSession(name)).status).toBeUndefined();
  });

  test("a session that vanished is not found, by name", async () => {
    const name = await newSession();
    const cluster = await openAs();
    const { uid } = (await cluster.backupSession(name)).metadata;
    await server.objects.delete(session(name));

    const writing = cluster.updateStatus("BackupSession", name, () => ({ phase: "Succeeded" }), { uid });

    await expect(writing).rejects.toThrow(ParameterError);
    await expect(writing).rejects.toMatchObject({
      reason: "ObjectNotFound",
      message: expect.stringContaining(`BackupSession "${name.namespace}/${name.name}"`),
    });
  });
});

describe("an API that fails for a moment", () => {
  test.each([429, 500, 503])("a write answered with %d is repeated and lands once", async (status) => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "answer", status }, STATUS_WRITE, 3));

    await cluster.updateStatus("BackupSession", name, addTarget("a"));

    expect(proxy.brokenRequests).toBe(3);
    expect(await targetsOf(name)).toEqual(["a"]);
  });

  test("the server's Retry-After is waited for", async () => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "answer", status: 429, headers: { "retry-after": "2" } }, /^GET/));
    const begin = performance.now();

    await cluster.backupSession(name);

    expect(proxy.brokenRequests).toBe(1);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(1990);
  });

  test("a write whose answer was lost is not made a second time", async () => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "lose answer" }, STATUS_WRITE));

    await cluster.updateStatus("BackupSession", name, addTarget("a"));

    expect(proxy.brokenRequests).toBe(1);
    expect(proxy.requests.filter((request) => request.startsWith("PUT"))).toHaveLength(1);
    expect(await targetsOf(name)).toEqual(["a"]);
  });

  test("an event whose answer was lost is still one event", async () => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "lose answer" }, /^POST .*\/events/));

    await cluster.emitEvent({ kind: "BackupSession", object: name, type: "Normal", reason: "Tested", message: "once" });

    expect(proxy.brokenRequests).toBe(1);
    expect(await server.objects.list("v1", "Event", name.namespace)).toHaveLength(1);
  });

  test.each(["hang", "lose answer", "cut answer", "stall answer"] as const)("a read is repeated after: %s", async (kind) => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint, requestTimeoutMs: 1000 });
    proxy.break(onFirst({ kind, afterBytes: 20 }, /^GET/));

    const read = await cluster.backupSession(name);

    expect(proxy.brokenRequests).toBe(1);
    expect(read.metadata.name).toBe(name.name);
  });

  test.each([401, 403])("a refusal that passes at once is not believed: %d", async (status) => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "answer", status }, /^/, 3));

    await cluster.updateStatus("BackupSession", name, addTarget("a"));

    expect(proxy.brokenRequests).toBe(3);
    expect(await targetsOf(name)).toEqual(["a"]);
  });

  test("an answer that is no object of the API is not believed", async () => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "answer", status: 200 }, /^GET/, 1000));

    const reading = cluster.backupSession(name, { patienceMs: 500 });

    await expect(reading).rejects.toThrow(ClusterUnavailableError);
    expect(proxy.brokenRequests).toBeGreaterThan(1);
  });

  test("what the server warns of is passed on, and the write lands", async () => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const warnings: string[] = [];
    const cluster = await openAs({ master: proxy.endpoint, warn: (message) => warnings.push(message) });
    proxy.break(onFirst({ kind: "header", name: "warning", value: '299 - "v1beta1 is deprecated"' }, STATUS_WRITE));

    await cluster.updateStatus("BackupSession", name, addTarget("a"));

    expect(warnings).toEqual([expect.stringMatching(/BackupSession "ns-.*v1beta1 is deprecated/)]);
    expect(await targetsOf(name)).toEqual(["a"]);
  });

  test("an API that stays away is unavailable when patience ends", async () => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    proxy.break(onFirst({ kind: "answer", status: 503 }, /^/, 1000));

    const writing = cluster.updateStatus("BackupSession", name, addTarget("a"), { patienceMs: 500 });

    await expect(writing).rejects.toThrow(ClusterUnavailableError);
    expect(await targetsOf(name)).toEqual([]);
  });

  test("a server that accepts and says nothing is unavailable when patience ends", async () => {
    const name = await newSession();
    await using proxy = await startTcpProxy(server, () => ({ kind: "stall", direction: "toClient", afterBytes: 0 }));
    const cluster = await openAs({ master: `https://127.0.0.1:${proxy.port}` });

    await expect(cluster.backupSession(name, { patienceMs: 1200 })).rejects.toThrow(ClusterUnavailableError);
    expect(proxy.connections).toBeGreaterThan(0);
  });

  test("an abort ends a request that hangs at once, with its reason", async () => {
    const name = await newSession();
    await using proxy = await startTcpProxy(server, () => ({ kind: "stall", direction: "toClient", afterBytes: 0 }));
    const cluster = await openAs({ master: `https://127.0.0.1:${proxy.port}` });
    const controller = new AbortController();
    const reason = new Error("stopped by the test");

    const reading = cluster.backupSession(name, { signal: controller.signal });
    reading.catch(() => undefined);
    await proxy.struck;
    controller.abort(reason);

    await expect(reading).rejects.toBe(reason);
  });

  test("an abort ends a wait between two attempts at once, with its reason", async () => {
    const name = await newSession();
    await using proxy = await proxyToServer();
    const cluster = await openAs({ master: proxy.endpoint });
    const controller = new AbortController();
    const reason = new Error("stopped by the test");
    proxy.break(() => {
      setImmediate(() => controller.abort(reason));
      return { kind: "answer", status: 429, headers: { "retry-after": "50" } };
    });

    const reading = cluster.backupSession(name, { signal: controller.signal });

    await expect(reading).rejects.toBe(reason);
  });
});

test("a write that begins while the API server is away lands when it is back, with the rights of a service account", async () => {
  const name = await newSession();
  const rules = [{ apiGroups: ["stash.appscode.com"], resources: ["backupsessions", "backupsessions/status"], verbs: ["get", "update"] }];
  const { token } = await server.objects.createServiceAccount(name.namespace, rules);
  const cluster = await openApiCluster({ kubeconfig: await server.kubeconfigFor(token), environment: {} });
  // A look every few milliseconds: one of them meets the instant in which the server knows nobody's rights.
  const looks: Promise<unknown>[] = [];

  await server.stopApi();
  const writing = cluster.updateStatus("BackupSession", name, addTarget("a"));
  writing.catch(() => undefined);
  const looking = setInterval(() => looks.push(cluster.backupSession(name)), 20);
  try {
    await server.startApi();
  } finally {
    clearInterval(looking);
  }

  await writing;
  await Promise.all(looks);
  expect(looks.length).toBeGreaterThan(10);
  expect(await targetsOf(name)).toEqual(["a"]);
}, 180_000);

test("a certificate of another authority is refused at once, without a word of the token (S1)", async () => {
  const config = JSON.parse(await readFile(await server.kubeconfigFor("test-token-5f2c"), "utf8"));
  delete config.clusters[0].cluster["certificate-authority"];
  const kubeconfig = await server.writeFile("untrusting.kubeconfig", JSON.stringify(config));
  const cluster = await openApiCluster({ kubeconfig, environment: {} });

  const error = await cluster.backupSession({ namespace: "default", name: "any" }).catch((thrown) => thrown);

  expect(error).toBeInstanceOf(ClusterRefusedError);
  expect(error.message).toMatch(/certificate/);
  expect(JSON.stringify([error.message, error.hint, String(error.cause)])).not.toContain("test-token-5f2c");
});

function proxyToServer() {
  return readFile(server.caFile, "utf8").then((ca) => startFaultyHttpProxy(server.port, { ca }));
}

/** Everything is allowed: by a token, since a certificate would end at the proxy. */
async function openAs(options: Partial<ApiClusterOptions> = {}): Promise<Cluster> {
  return openApiCluster({ kubeconfig: await administrator(), environment: {}, ...options });
}

let kubeconfig: Promise<string> | undefined;

function administrator(): Promise<string> {
  kubeconfig ??= (async () => {
    const everything = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
    const { token } = await server.objects.createServiceAccount(await server.objects.createNamespace(), [], { clusterRules: everything });
    return server.kubeconfigFor(token);
  })();
  return kubeconfig;
}

async function newSession(): Promise<ObjectName> {
  const name = { namespace: await server.objects.createNamespace(), name: "nightly-1" };
  await server.objects.apply(session(name));
  return name;
}

function session(metadata: ObjectName): KubernetesObject {
  const spec = { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" } };
  return { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata: { ...metadata }, spec };
}

/** Adds it whether or not it is there: a write that is made twice shows. */
function addTarget(host: string): (status: Status) => Status {
  return (status) => ({ ...status, targets: [...((status.targets as unknown[]) ?? []), { ref: { name: host } }] });
}

async function targetsOf(name: ObjectName): Promise<string[]> {
  const status = (await server.objects.get(session(name))).status as { targets?: { ref: { name: string } }[] } | undefined;
  return (status?.targets ?? []).map(({ ref }) => ref.name);
}
