import { openApiCluster } from "../../../runner/kubernetes/api-cluster.ts";
import type { ClusterEvent } from "../../../runner/kubernetes/cluster.ts";
import { clusterSuite, type TestCluster, type TestObject } from "../../contract/cluster.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { CRDS } from "./crds.ts";

const API_VERSIONS: Readonly<Record<string, string>> = {
  BackupSession: "stash.appscode.com/v1beta1",
  RestoreSession: "stash.appscode.com/v1beta1",
  Repository: "stash.appscode.com/v1alpha1",
};

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
}, 1_800_000);

afterAll(() => server.stop());

clusterSuite("the Kubernetes API", async (objects) => {
  for (const object of objects) await server.objects.apply(withoutUid(object));
  const cluster = await openApiCluster({ kubeconfig: server.adminKubeconfig, environment: {} });
  const harness: TestCluster = {
    cluster,
    events: readEvents,
    statusVersion: async (kind, { namespace, name }) => {
      const object = await server.objects.get({ apiVersion: API_VERSIONS[kind] as string, kind, metadata: { namespace, name } });
      return object.metadata.resourceVersion as string;
    },
    // Names are used once; without controllers a deleted namespace would stay.
    [Symbol.asyncDispose]: async () => undefined,
  };
  return harness;
});

/** The server gives every object a uid of its own. */
function withoutUid(object: TestObject): KubernetesObject {
  const { uid: _uid, ...metadata } = object.metadata as KubernetesObject["metadata"];
  return { ...object, metadata } as KubernetesObject;
}

async function readEvents(namespace: string): Promise<ClusterEvent[]> {
  const events = await server.objects.list("v1", "Event", namespace);
  return events.map(({ involvedObject, type, reason, message }) => {
    const { kind, name } = involvedObject as { kind: string; name: string };
    return { kind, object: { namespace, name }, type, reason, message } as ClusterEvent;
  });
}
