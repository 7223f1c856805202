import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { waitForObjects, waitUntilGone } from "../../servers/kubernetes/wait-for-object.ts";
import { CRDS } from "../kubernetes/crds.ts";

let kubernetes: Kubernetes;
let namespace: string;

beforeAll(async () => {
  kubernetes = await startKubernetes({ controllers: true, crds: CRDS });
}, 240_000);

afterAll(() => kubernetes?.stop());

beforeEach(async () => {
  namespace = await createReadyNamespace(kubernetes.objects);
});

test("a Job gets a pod, which waits for a node", async () => {
  const { metadata } = await kubernetes.objects.apply(job("once"));

  const [pod] = await waitForObjects(kubernetes.objects, { apiVersion: "v1", kind: "Pod", namespace }, ([each]) => isUnschedulable(each));

  expect(ownersOf(pod)).toEqual([expect.objectContaining({ kind: "Job", uid: metadata.uid, controller: true })]);
});

test("a CronJob's Job is owned by it", async () => {
  const schedule = { apiVersion: "batch/v1", kind: "CronJob", metadata: { namespace, name: "often" } };
  // A minute passed unused: it is made up for at once.
  const status = { lastScheduleTime: new Date(Date.now() - 120_000).toISOString().replace(/\.\d+/, "") };
  const { metadata } = await kubernetes.objects.apply({
    ...schedule,
    spec: { schedule: "* * * * *", jobTemplate: { spec: job("").spec } },
    status,
  });

  const made = await waitForObjects(kubernetes.objects, { apiVersion: "batch/v1", kind: "Job", namespace }, ({ length }) => length > 0);

  expect(ownersOf(made[0])).toEqual([expect.objectContaining({ kind: "CronJob", uid: metadata.uid, controller: true })]);
});

test("an owned object is collected after its owner, be it of a kind of ours", async () => {
  const owner = await kubernetes.objects.apply({
    apiVersion: "stash.appscode.com/v1alpha1",
    kind: "Repository",
    metadata: { namespace, name: "owner" },
    spec: {},
  });
  const { apiVersion, kind, metadata } = owner;
  const ownerReferences = [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }];
  const owned = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name: "owned", ownerReferences } };
  const kept = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name: "kept" } };
  for (const each of [owned, kept]) await kubernetes.objects.apply(each);

  await kubernetes.objects.delete(owner);
  await waitUntilGone(kubernetes.objects, owned);

  expect((await kubernetes.objects.get(kept)).metadata.name).toBe("kept");
});

test("a deleted namespace goes with what is in it", async () => {
  const inside = await kubernetes.objects.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name: "inside" } });

  await kubernetes.objects.delete({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await waitUntilGone(kubernetes.objects, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });

  await expect(kubernetes.objects.get(inside)).rejects.toThrow("404");
});

function job(name: string): KubernetesObject {
  const containers = [{ name: "main", image: "nowhere.invalid/nothing:1" }];
  const template = { spec: { restartPolicy: "Never", containers } };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { namespace, name }, spec: { backoffLimit: 0, template } };
}

function ownersOf(object: KubernetesObject | undefined): unknown {
  return object?.metadata.ownerReferences;
}

function isUnschedulable(pod: KubernetesObject | undefined): boolean {
  const { conditions } = (pod?.status ?? {}) as { conditions?: { type: string; reason?: string }[] };
  return conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable") ?? false;
}
