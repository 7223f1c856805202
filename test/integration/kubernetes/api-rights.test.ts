// Who may do what, what the server refuses, and how this process proves who it is.
import { copyFile, mkdtemp, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClusterRefusedError, ParameterError } from "../../../runner/errors.ts";
import { openApiCluster } from "../../../runner/kubernetes/api-cluster.ts";
import type { Cluster, ObjectName } from "../../../runner/kubernetes/cluster.ts";
import type { KubernetesObject, Rule } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { CRDS } from "./crds.ts";

const STASH = "stash.appscode.com";
const SESSION_RULE: Rule = { apiGroups: [STASH], resources: ["backupsessions", "backupsessions/status"], verbs: ["get", "update"] };

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
}, 1_800_000);

afterAll(() => server.stop());

describe("rights", () => {
  test("a missing right is named exactly: verb, resource, group, namespace and name", async () => {
    const namespace = await server.objects.createNamespace();
    const cluster = await openWith(namespace, []);
    const name = { namespace, name: "redis-auth" };
    const event = { kind: "Repository", object: name, type: "Normal", reason: "Tested", message: "never seen" } as const;

    const refusals = await Promise.all([
      failureOf(cluster.secret(name)),
      failureOf(cluster.appBinding(name)),
      failureOf(cluster.task("redis-backup")),
      failureOf(cluster.namespaceLabels(namespace)),
      failureOf(cluster.emitEvent(event)),
    ]);

    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ClusterRefusedError);
    expect(refusals.map(({ reason }) => reason)).toEqual(Array(5).fill("Forbidden"));
    expect(refusals.map(({ message }) => message.replace(/: .*/s, ""))).toEqual([
      `Not allowed to get secrets "redis-auth" in namespace "${namespace}"`,
      `Not allowed to get appbindings (appcatalog.appscode.com) "redis-auth" in namespace "${namespace}"`,
      `Not allowed to get tasks (${STASH}) "redis-backup"`,
      `Not allowed to get namespaces "${namespace}"`,
      `Not allowed to create events in namespace "${namespace}"`,
    ]);
    expect(refusals[0]?.facts.action).toEqual({ verb: "get", group: "", resource: "secrets", namespace, name: "redis-auth" });
    expect(refusals[0]?.message).toContain(`system:serviceaccount:${namespace}:`);
  });

  test("who may read a session but not write its status is told so, and nothing is written", async () => {
    const name = await newSession();
    const cluster = await openWith(name.namespace, [{ apiGroups: [STASH], resources: ["backupsessions"], verbs: ["get", "update"] }]);

    const refusal = await failureOf(cluster.updateStatus("BackupSession", name, () => ({ phase: "Succeeded" })));

    expect(refusal).toBeInstanceOf(ClusterRefusedError);
    expect(refusal.message).toContain(
      `Not allowed to update backupsessions/status (${STASH}) "${name.name}" in namespace "${name.namespace}"`,
    );
    expect((await server.objects.get(session(name))).status).toBeUndefined();
  });

  test("reading and writing a status needs get, and update of the status, and no more", async () => {
    const name = await newSession();
    const rule = { ...SESSION_RULE, resourceNames: [name.name] };
    const cluster = await openWith(name.namespace, [
      { ...rule, verbs: ["get"] },
      { ...rule, resources: ["backupsessions/status"], verbs: ["update"] },
    ]);

    await cluster.updateStatus("BackupSession", name, () => ({ phase: "Succeeded" }));

    expect((await cluster.backupSession(name)).status).toEqual({ phase: "Succeeded" });
  });

  test("what this process may do is asked of the server, subresources, names and namespaces included", async () => {
    const name = await newSession();
    const elsewhere = await server.objects.createNamespace();
    const cluster = await openWith(name.namespace, [{ ...SESSION_RULE, resources: ["backupsessions/status"], resourceNames: [name.name] }]);
    const right = { verb: "update", group: STASH, resource: "backupsessions/status", ...name };

    const answers = await Promise.all([
      cluster.mayI(right),
      cluster.mayI({ ...right, name: "another" }),
      cluster.mayI({ ...right, name: undefined }),
      cluster.mayI({ ...right, namespace: elsewhere }),
      cluster.mayI({ ...right, resource: "backupsessions" }),
      cluster.mayI({ ...right, group: "" }),
      cluster.mayI({ ...right, verb: "patch" }),
    ]);

    expect(answers).toEqual([true, false, false, false, false, false, false]);
  });
});

describe("what is written", () => {
  test("a field that the definition does not know is refused, not dropped", async () => {
    const name = await newSession();
    const cluster = await openAsAdministrator();

    const refusal = await failureOf(cluster.updateStatus("BackupSession", name, () => ({ phase: "Succeeded", fase: "Succeeded" })));

    expect(refusal).toBeInstanceOf(ClusterRefusedError);
    expect(refusal.message).toContain("status.fase");
    expect((await server.objects.get(session(name))).status).toBeUndefined();
  });

  test("a value that the definition does not allow is refused with the server's words", async () => {
    const name = await newSession();
    const cluster = await openAsAdministrator();

    const refusal = await failureOf(cluster.updateStatus("BackupSession", name, () => ({ phase: "Perfect" })));

    expect(refusal).toBeInstanceOf(ClusterRefusedError);
    expect(refusal.reason).toBe("Invalid");
    expect(refusal.message).toMatch(/status\.phase.*Perfect/);
  });

  test("everything but the status stays as it was", async () => {
    const name = await newSession({ labels: { team: "blue" }, annotations: { note: "kept" }, finalizers: ["example.com/keep"] });
    const before = await server.objects.get(session(name));
    const cluster = await openAsAdministrator();

    await cluster.updateStatus("BackupSession", name, () => ({ phase: "Running" }));

    const after = await server.objects.get(session(name));
    const constant = ({ metadata, spec }: KubernetesObject) => [{ ...metadata, resourceVersion: "", managedFields: [] }, spec];
    expect(constant(after)).toEqual(constant(before));
    expect(after.status).toEqual({ phase: "Running" });
  });

  test("an event names the very object, its source and its time", async () => {
    const name = await newSession();
    const cluster = await openAsAdministrator();
    const stored = await server.objects.get(session(name));

    await cluster.emitEvent({ kind: "BackupSession", object: name, type: "Warning", reason: "Tested", message: "a word" });

    const [event] = await server.objects.list("v1", "Event", name.namespace);
    expect(event).toMatchObject({
      involvedObject: { apiVersion: `${STASH}/v1beta1`, kind: "BackupSession", ...name, uid: stored.metadata.uid },
      type: "Warning",
      reason: "Tested",
      message: "a word",
      source: { component: "holdfast" },
      count: 1,
    });
    expect(event?.firstTimestamp).toBe(event?.lastTimestamp);
    expect(Math.abs(Date.parse(String(event?.lastTimestamp)) - Date.now())).toBeLessThan(60_000);
  });

  test("of an object that is gone, and of a Task, which has no namespace, there can be an event", async () => {
    const name = await newSession();
    const cluster = await openAsAdministrator();
    await server.objects.delete(session(name));

    await cluster.emitEvent({ kind: "BackupSession", object: name, type: "Normal", reason: "Gone", message: "a word" });
    await cluster.emitEvent({
      kind: "Task",
      object: { namespace: "", name: "nobody" },
      type: "Normal",
      reason: name.namespace,
      message: "a word",
    });

    expect(await server.objects.list("v1", "Event", name.namespace)).toMatchObject([{ reason: "Gone" }]);
    const ofTasks = await server.objects.list("v1", "Event", "default");
    expect(ofTasks.filter(({ reason }) => reason === name.namespace)).toMatchObject([{ involvedObject: { kind: "Task", name: "nobody" } }]);
  });

  test("a kind whose definition is not installed is told from an object that is not there", async () => {
    const bare = await startKubernetes();
    try {
      const cluster = await openApiCluster({ kubeconfig: bare.adminKubeconfig, environment: {} });

      const error = await failureOf(cluster.repository({ namespace: "default", name: "cellar" }));

      expect(error).toBeInstanceOf(ParameterError);
      expect(error.reason).toBe("ObjectNotFound");
      expect(error.message).toBe('Cannot find Repository "default/cellar": the cluster does not know repositories.stash.appscode.com');
      expect(error.hint).toContain("CustomResourceDefinition");
    } finally {
      await bare.stop();
    }
  }, 180_000);

  test("a name that would lead elsewhere is refused before anything is asked", async () => {
    const cluster = await openAsAdministrator();

    for (const name of ["", "..", "a/status", "a?watch=true"]) {
      await expect(cluster.backupSession({ namespace: "default", name })).rejects.toThrow(ParameterError);
      await expect(cluster.backupSession({ namespace: name, name: "a" })).rejects.toThrow(ParameterError);
    }
  });
});

describe("credentials", () => {
  test("a pod uses its service account, and a token that was rotated on disk counts at once", async () => {
    const name = await newSession();
    const first = await server.objects.createServiceAccount(name.namespace, []);
    const second = await server.objects.createServiceAccount(name.namespace, [SESSION_RULE]);
    const pod = await podOf(first.token);
    const cluster = await openApiCluster(pod);
    expect((await failureOf(cluster.backupSession(name))).reason).toBe("Forbidden");

    await replaceFile(join(pod.serviceAccountDirectory, "token"), second.token);

    expect((await cluster.backupSession(name)).metadata.name).toBe(name.name);
  });

  test("a token that is replaced while the server refuses it is used for the next attempt", async () => {
    const name = await newSession();
    const account = await server.objects.createServiceAccount(name.namespace, [SESSION_RULE]);
    const pod = await podOf("outdated");
    const cluster = await openApiCluster(pod);

    const reading = cluster.backupSession(name);
    await replaceFile(join(pod.serviceAccountDirectory, "token"), account.token);

    expect((await reading).metadata.name).toBe(name.name);
  });

  test("a token that nobody knows is refused without being told", async () => {
    const cluster = await openApiCluster(await podOf("secret-token-5f2c"));

    const error = await failureOf(cluster.backupSession({ namespace: "default", name: "any" }));

    expect(error).toBeInstanceOf(ClusterRefusedError);
    expect(error.reason).toBe("Unauthorized");
    expect(JSON.stringify([error.message, error.hint, error.facts, error.stack, String(error.cause)])).not.toContain("5f2c");
  });

  test("KUBECONFIG may name several files, and --master another address of the same server", async () => {
    const environment = { KUBECONFIG: `/nonexistent/config:${server.adminKubeconfig}` };
    const master = server.url.replace("127.0.0.1", "localhost");
    const cluster = await openApiCluster({ environment, master });

    await expect(cluster.namespaceLabels("default")).resolves.toMatchObject({ "kubernetes.io/metadata.name": "default" });
  });

  test("a credential plugin is asked, and again when its token is refused", async () => {
    const name = await newSession();
    const account = await server.objects.createServiceAccount(name.namespace, [SESSION_RULE]);
    const tokens = await server.writeFile("credential.json", credential("outdated"));
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "cat", args: [tokens], interactiveMode: "Never" };
    const cluster = await openApiCluster({ kubeconfig: await server.kubeconfigFor({ exec }), environment: {} });

    const reading = cluster.backupSession(name);
    await replaceFile(tokens, credential(account.token));

    expect((await reading).metadata.name).toBe(name.name);
  });

  test("a credential plugin that fails is named, and its own words are not", async () => {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "sh", args: ["-c", "echo secret-5f2c >&2; exit 1"] };
    const cluster = await openApiCluster({ kubeconfig: await server.kubeconfigFor({ exec }), environment: {} });

    const error = await failureOf(cluster.namespaceLabels("default"));

    expect(error).toBeInstanceOf(ClusterRefusedError);
    expect(error.message).toContain('"sh"');
    expect(JSON.stringify([error.message, error.hint, error.stack, String(error.cause)])).not.toContain("5f2c");
  });
});

/** What a pod with this token finds in its environment and on its disk. */
async function podOf(token: string) {
  const serviceAccountDirectory = await mkdtemp(join(server.directory, "pod-"));
  await writeFile(join(serviceAccountDirectory, "token"), token);
  await copyFile(server.caFile, join(serviceAccountDirectory, "ca.crt"));
  const environment = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(server.port) };
  return { environment, serviceAccountDirectory };
}

async function openWith(namespace: string, rules: readonly Rule[]): Promise<Cluster> {
  const { token } = await server.objects.createServiceAccount(namespace, rules);
  return openApiCluster(await podOf(token));
}

function openAsAdministrator(): Promise<Cluster> {
  return openApiCluster({ kubeconfig: server.adminKubeconfig, environment: {} });
}

async function newSession(metadata: Readonly<Record<string, unknown>> = {}): Promise<ObjectName> {
  const name = { namespace: await server.objects.createNamespace(), name: "nightly-1" };
  await server.objects.apply({ ...session(name), metadata: { ...metadata, ...name } });
  return name;
}

function session(metadata: ObjectName): KubernetesObject {
  const spec = { invoker: { apiGroup: STASH, kind: "BackupConfiguration", name: "nightly" } };
  return { apiVersion: `${STASH}/v1beta1`, kind: "BackupSession", metadata: { ...metadata }, spec };
}

function credential(token: string): string {
  return JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token } });
}

/** As a kubelet does: at once. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

interface Failure extends Error {
  readonly reason: string;
  readonly hint: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error("Expected a failure");
  return outcome as Failure;
}
