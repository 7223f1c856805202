import type { LiveObject } from "../../../operator/objects.ts";
import { openObjectsApi } from "../../../operator/watch/server-objects-api.ts";
import { findApi } from "../../../runner/kubernetes/api-place.ts";
import { objectsApiSuite, session } from "../../contract/objects-api.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { CRDS } from "../kubernetes/crds.ts";

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
}, 1_800_000);

afterAll(() => server.stop());

objectsApiSuite("the API server", async () => {
  const connection = await findApi({ kubeconfig: server.adminKubeconfig, environment: {} });
  const warnings: string[] = [];
  const api = openObjectsApi(connection, { warn: (message) => warnings.push(message), pageSize: 2 });
  return {
    api,
    namespace: await server.objects.createNamespace(),
    otherNamespace: await server.objects.createNamespace(),
    [Symbol.asyncDispose]: async () => {
      api[Symbol.dispose]();
      // The server would like another name for Stash's finalizer; it says nothing else.
      expect(warnings.filter((warning) => !warning.includes("domain-qualified finalizer"))).toEqual([]);
    },
  };
});

test("what is written by others keeps their marks, and a finalizer's warning is told once", async () => {
  const connection = await findApi({ kubeconfig: server.adminKubeconfig, environment: {} });
  const warnings: string[] = [];
  using api = openObjectsApi(connection, { warn: (message) => warnings.push(message) });
  const namespace = await server.objects.createNamespace();
  await server.objects.apply(session(namespace, "a") as KubernetesObject);
  const object = (await api.get("BackupSession", { namespace, name: "a" })) as LiveObject;

  const held = await api.replace({ ...object, metadata: { ...object.metadata, finalizers: ["stash.appscode.com"] } });
  await api.replace({ ...(held as LiveObject), spec: { ...object.spec, retryLeft: 1 } });

  const { metadata } = await server.objects.get(session(namespace, "a") as KubernetesObject);
  expect((metadata.managedFields as unknown[]).length).toBeGreaterThan(0);
  expect(warnings).toEqual([expect.stringContaining("domain-qualified finalizer")]);
});

test("what the server does not know is refused and not written", async () => {
  const connection = await findApi({ kubeconfig: server.adminKubeconfig, environment: {} });
  using api = openObjectsApi(connection, { warn: () => undefined });
  const namespace = await server.objects.createNamespace();
  const { spec, ...rest } = session(namespace, "a");

  await expect(api.create({ ...rest, spec: { ...(spec as object), shedule: "daily" } })).rejects.toMatchObject({
    name: "ClusterRefusedError",
    message: expect.stringContaining("shedule"),
  });

  expect(await api.get("BackupSession", { namespace, name: "a" })).toBeUndefined();
});

test("a namespace that is not there, or is being deleted, refuses new objects", async () => {
  const connection = await findApi({ kubeconfig: server.adminKubeconfig, environment: {} });
  using api = openObjectsApi(connection, { warn: () => undefined });
  const namespace = await server.objects.createNamespace();
  // Without a controller it stays as it is: being deleted.
  await server.objects.delete({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });

  await expect(api.create(session("nowhere", "a"))).rejects.toMatchObject({
    name: "ClusterRefusedError",
    message: expect.stringContaining("nowhere"),
  });
  await expect(api.create(session(namespace, "a"))).rejects.toMatchObject({ name: "ClusterRefusedError", reason: "NamespaceTerminating" });
});

test("who may not is told which right is missing", async () => {
  const namespace = await server.objects.createNamespace();
  const { token } = await server.objects.createServiceAccount(namespace, []);
  const connection = await findApi({ kubeconfig: await server.kubeconfigFor(token), environment: {} });
  using api = openObjectsApi(connection, { warn: () => undefined });

  const refusal = { name: "ClusterRefusedError", reason: "Forbidden", hint: expect.stringContaining("backupsessions") };
  await expect(api.list("BackupSession", { namespace })).rejects.toMatchObject(refusal);
  await expect(api.get("BackupSession", { namespace, name: "a" })).rejects.toMatchObject(refusal);
  await expect(api.create(session(namespace, "a"))).rejects.toMatchObject(refusal);
  await expect(api.watch("BackupSession", { namespace, resourceVersion: "1" })[Symbol.asyncIterator]().next()).rejects.toMatchObject(
    refusal,
  );
});
