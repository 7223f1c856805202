import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { ensureProbeImage, PROBE_IMAGE } from "../../servers/kubernetes/pod-images.ts";
import { type KubernetesNode, startKubernetesNode } from "../../servers/kubernetes/start-node.ts";
import { waitForObject } from "../../servers/kubernetes/wait-for-object.ts";

interface ContainerEnd {
  readonly exitCode: number;
  readonly reason: string;
}

interface ContainerState {
  readonly terminated?: ContainerEnd;
  readonly waiting?: { readonly reason: string };
}

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly containerStatuses?: readonly { readonly state: ContainerState }[];
}

let node: KubernetesNode;
let namespace: string;

beforeAll(async () => {
  node = await startKubernetesNode({ images: [await ensureProbeImage()] });
}, 240_000);

afterAll(() => node?.stop());

beforeEach(async () => {
  namespace = await createReadyNamespace(node.objects);
});

test("a pod runs to its end and its log is kept", async () => {
  const ended = await run(pod("speaker", ["say", "hello", "world"]));

  expect(ended).toEqual({ exitCode: 0, reason: "Completed" });
  expect(await node.podLog(namespace, "speaker")).toBe("hello world");
});

test("a pod's exit code is told", async () => {
  const ended = await run(pod("failing", ["exit", "7"]));

  expect(ended).toEqual({ exitCode: 7, reason: "Error" });
});

test("a pod reaches the API server by its service account", async () => {
  const ended = await run(pod("asking", ["whoami"]));

  expect(ended).toEqual({ exitCode: 0, reason: "Completed" });
  expect(await node.podLog(namespace, "asking")).toContain(`"username":"system:serviceaccount:${namespace}:default"`);
});

test("a pod over its memory limit is killed", async () => {
  const { exitCode, reason } = await run(pod("eater", ["eat", "200"], { resources: { limits: { memory: "32Mi" } } }));

  expect(exitCode).toBe(137);
  // On a busy machine containerd may learn of the cause after the kubelet asked for it: then it is an error like others.
  expect(["OOMKilled", "Error"]).toContain(reason);
});

test("a pod without privileges and with a read-only root runs", async () => {
  const securityContext = {
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };

  const ended = await run(pod("modest", ["say", "still here"], { securityContext }));

  expect(ended).toEqual({ exitCode: 0, reason: "Completed" });
});

test("a pod reaches a forwarded server of this machine, and no other", async () => {
  const server = createServer((_, answer) => answer.end("from the host"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://${node.hostAddress}:${port}/`;

  const before = await run(pod("early", ["get", url]));
  const forward = await node.forward(port);
  const after = await run(pod("late", ["get", url]));
  await forward[Symbol.asyncDispose]();
  await new Promise((resolve) => server.close(resolve));

  expect(before).toEqual({ exitCode: 1, reason: "Error" });
  expect(after).toEqual({ exitCode: 0, reason: "Completed" });
  expect(await node.podLog(namespace, "early")).toContain("connection refused");
  expect(await node.podLog(namespace, "late")).toBe("from the host");
});

test("a command runs in a standing pod, which ends by SIGTERM when it is deleted", async () => {
  const { metadata, ...rest } = pod("standing", ["wait"]);
  // Its status can be read after its end.
  const standing = await node.objects.apply({ ...rest, metadata: { ...metadata, finalizers: ["holdfast.test/keep"] } } as KubernetesObject);
  await waitForObject(node.objects, standing, ({ status }) => (status as PodStatus).phase === "Running");

  const said = await node.kubectl(["exec", "--namespace", namespace, "standing", "--", "/probe", "say", "inside"]);
  await node.kubectl(["delete", "--namespace", namespace, "pod", "standing", "--wait=false"]);

  expect(said).toBe("inside");
  expect(await endOf(standing)).toEqual({ exitCode: 0, reason: "Completed" });
});

test("a Deployment is available once the node has probed its pod, and pods reach each other", async () => {
  const labels = { app: "served" };
  const spec = pod("served", ["serve", "8080"], { readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } }).spec as object;
  const template = { metadata: { labels }, spec: { ...spec, restartPolicy: "Always", terminationGracePeriodSeconds: 1 } };
  const metadata = { namespace, name: "served" };
  await node.objects.apply({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { selector: { matchLabels: labels }, template } });

  await node.kubectl(["rollout", "status", "--namespace", namespace, "deployment", "served", "--timeout=60s"]);
  const [served] = await node.objects.list("v1", "Pod", namespace);
  const { podIP } = (served as KubernetesObject).status as PodStatus;
  const ended = await run(pod("asking", ["get", `http://${podIP}:8080/`]));

  expect(ended).toEqual({ exitCode: 0, reason: "Completed" });
  expect(await node.podLog(namespace, "asking")).toBe("served");
});

test("a pod whose image nobody has says so", async () => {
  const unknown = await node.objects.apply(pod("unknown", [], { image: "nowhere.invalid/nothing:1", imagePullPolicy: "Never" }));

  const { status } = await waitForObject(node.objects, unknown, (seen) => !["", "ContainerCreating"].includes(waitingReason(seen)));

  expect(status).toMatchObject({ phase: "Pending", containerStatuses: [{ state: { waiting: { reason: "ErrImageNeverPull" } } }] });
});

function pod(name: string, args: readonly string[], more: Readonly<Record<string, unknown>> = {}): KubernetesObject {
  const container = { name: "main", image: PROBE_IMAGE, imagePullPolicy: "Never", args, ...more };
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace, name }, spec: { restartPolicy: "Never", containers: [container] } };
}

function waitingReason({ status }: KubernetesObject): string {
  return (status as PodStatus).containerStatuses?.[0]?.state.waiting?.reason ?? "";
}

async function run(object: KubernetesObject): Promise<ContainerEnd> {
  return endOf(await node.objects.apply(object));
}

/** How its container ended. */
async function endOf(object: KubernetesObject): Promise<ContainerEnd> {
  const isOver = ({ status }: KubernetesObject) => /^(Succeeded|Failed)$/.test((status as PodStatus).phase ?? "");
  const ended = await waitForObject(node.objects, object, isOver).catch((error: unknown) => {
    throw new Error(node.output(), { cause: error });
  });
  const { exitCode = -1, reason = "" } = (ended.status as PodStatus).containerStatuses?.[0]?.state.terminated ?? {};
  return { exitCode, reason };
}
