import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { functions } from "../../../functions/index.ts";
import { openApiCluster } from "../../../runner/kubernetes/api-cluster.ts";
import type { Cluster } from "../../../runner/kubernetes/cluster.ts";
import { parseParameters } from "../../../runner/parameters.ts";
import { resolveParameters, showResolvedJobs } from "../../../runner/resolve-command.ts";
import { showStashManifests, stashManifestsParameters } from "../../../runner/stash-manifests.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { CRDS } from "./crds.ts";

const image = "registry.example/holdfast:1";
const folder = join(import.meta.dirname, "../../../functions/redis");
const stash = "stash.appscode.com/v1beta1";
const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };

let server: Kubernetes;
let cluster: Cluster;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
  cluster = await openApiCluster({ kubeconfig: server.adminKubeconfig, environment: {} });
  const own = await Promise.all(["function.yaml", "task.yaml"].map((name) => readFile(join(folder, name), "utf8")));
  for (const object of [...own.flatMap(documentsOf), ...(await stashCatalog())]) await server.objects.apply(object);
}, 1_800_000);

afterAll(() => server.stop());

function documentsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

async function stashCatalog(): Promise<KubernetesObject[]> {
  const texts: string[] = [];
  const print = async (text: string) => {
    texts.push(text);
  };
  await showStashManifests(parseParameters(stashManifestsParameters, { flags: { image }, environment: {} }), { functions, print });
  return documentsOf(texts.join(""));
}

interface Choice {
  readonly task: string;
  readonly kind: "BackupConfiguration" | "RestoreSession";
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The Job for a new invoker, in a namespace that takes restricted Pods alone. */
async function resolveIn({ task, kind, spec }: Choice) {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted" };
  const namespace = await server.objects.createNamespace(labels);
  const apply = (object: Omit<KubernetesObject, "metadata"> & { metadata: { name: string } }) =>
    server.objects.apply({ ...object, metadata: { ...object.metadata, namespace } } as KubernetesObject);
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  const { apiVersion } = ref;
  await apply({ apiVersion, kind: "AppBinding", metadata: { name: "carts" }, spec: { clientConfig: { url: "redis://carts:6379" } } });
  const backend = { s3: { endpoint: "s3.example", bucket: "vault" }, storageSecretName: "key" };
  await apply({ apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { name: "vault" }, spec: { backend } });
  const common = { task: { name: task }, repository: { name: "vault" }, target: { ref }, ...spec };
  const retentionPolicy = { name: "keep", keepLast: 5, prune: true };
  await apply({
    apiVersion: stash,
    kind,
    metadata: { name: "one" },
    spec: kind === "RestoreSession" ? common : { ...common, retentionPolicy },
  });
  const invoker = { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "one" };
  await apply({ apiVersion: stash, kind: "BackupSession", metadata: { name: "one-1" }, spec: { invoker } });
  const texts: string[] = [];
  const flags = { namespace, "invoker-kind": kind, "invoker-name": "one", backupsession: "one-1", image };
  const warnings: string[] = [];
  await showResolvedJobs(parseParameters(resolveParameters, { flags, environment: {} }), {
    sources: { cluster: async () => cluster },
    signal: new AbortController().signal,
    warn: (reason) => warnings.push(reason),
    print: async (text) => {
      texts.push(text);
    },
  });
  return { namespace, warnings, objects: documentsOf(texts.join("")) };
}

function create(object: KubernetesObject, namespace: string) {
  const paths: Readonly<Record<string, string>> = { Job: "apis/batch/v1", PersistentVolumeClaim: "api/v1", Pod: "api/v1" };
  const plural = `${object.kind.toLowerCase()}s`;
  return server.objects.send("POST", `/${paths[object.kind]}/namespaces/${namespace}/${plural}?fieldValidation=Strict`, object);
}

/** The Pod that a Job's controller would make. */
function podOf({ spec }: KubernetesObject): KubernetesObject {
  const { template } = spec as { template: { metadata: object; spec: object } };
  return { apiVersion: "v1", kind: "Pod", metadata: { ...template.metadata, name: "pod" }, spec: template.spec };
}

test.each([
  ["holdfast-redis-backup", "BackupConfiguration"],
  ["holdfast-redis-restore", "RestoreSession"],
] as const)("the Job of %s is taken by an API server, whole, and its Pod where only restricted ones may run", async (task, kind) => {
  const { objects, namespace, warnings } = await resolveIn({ task, kind });

  const [job] = objects as [KubernetesObject];
  const answer = await create(job, namespace);
  const pod = await create(podOf(job), namespace);

  expect(objects).toHaveLength(1);
  expect(answer).toMatchObject({ status: 201, warning: undefined });
  expect(answer.body).toMatchObject({ metadata: { ownerReferences: [{ controller: true }] }, spec: { backoffLimit: 0 } });
  expect(pod).toMatchObject({ status: 201, warning: undefined });
  expect(warnings).toEqual([]);
});

test.each([
  ["redis-backup-7.0.5", "BackupConfiguration"],
  ["redis-restore-6.2.5", "RestoreSession"],
] as const)("the Job of Stash's %s is taken by an API server, whole", async (task, kind) => {
  const { objects, namespace } = await resolveIn({ task, kind });

  const answer = await create(objects[0] as KubernetesObject, namespace);

  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({
    spec: { template: { spec: { initContainers: [{ image }], containers: [{ name: "update-status-1" }] } } },
  });
});

test("a Job with every kind of setting, and its volume claim, are taken by an API server with nothing left out", async () => {
  const spec = {
    tempDir: { medium: "Memory", sizeLimit: "1Gi" },
    interimVolumeTemplate: {
      metadata: { name: "interim" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
    runtimeSettings: {
      pod: {
        podLabels: { net: "db" },
        podAnnotations: { note: "yes" },
        nodeSelector: { disk: "fast" },
        securityContext: { fsGroup: 65534 },
        imagePullSecrets: [{ name: "pull" }],
        tolerations: [{ operator: "Exists" }],
        enableServiceLinks: false,
        automountServiceAccountToken: true,
      },
      container: {
        nice: { adjustment: 5 },
        ionice: { class: 2, classData: 4 },
        env: [{ name: "EXTRA", value: "on" }],
        resources: { requests: { memory: "64Mi" } },
      },
    },
  };

  const fn = await server.objects.get({ apiVersion: stash, kind: "Function", metadata: { name: "redis-backup-7.0.5" } });
  const volumeMounts = [{ name: "stash-interim-volume", mountPath: "/stash-interim-volume" }];
  // Only for a Function that mounts it there is a claim.
  await server.objects.apply({
    apiVersion: stash,
    kind: "Function",
    metadata: { name: "mounting" },
    spec: { ...(fn.spec as object), volumeMounts },
  });
  await server.objects.apply({ apiVersion: stash, kind: "Task", metadata: { name: "mounting" }, spec: { steps: [{ name: "mounting" }] } });

  const { objects, namespace } = await resolveIn({ task: "mounting", kind: "BackupConfiguration", spec });
  const answers = await Promise.all(objects.map((object) => create(object, namespace)));

  expect(objects.map(({ kind }) => kind)).toEqual(["PersistentVolumeClaim", "Job"]);
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  // toMatchObject: the server adds its defaults, and must have dropped nothing.
  for (const [index, object] of objects.entries()) expect(answers[index]?.body).toMatchObject({ spec: object.spec });
});
