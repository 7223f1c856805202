// What can be done to the operator's pods from the machine that they run on.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { OPERATOR, type OperatorScene } from "../e2e/kubernetes/operator-scene.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { waitForObject, waitForObjects } from "../servers/kubernetes/wait-for-object.ts";

const DEPLOYMENT = { apiVersion: "apps/v1", kind: "Deployment", metadata: OPERATOR };
const LEASE = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { namespace: OPERATOR.namespace, name: "holdfast-operator" },
};

export async function operatorPods({ objects }: OperatorScene): Promise<readonly KubernetesObject[]> {
  const pods = await objects.list("v1", "Pod", OPERATOR.namespace);
  const component = ({ metadata }: KubernetesObject) =>
    (metadata.labels as Readonly<Record<string, string>>)["app.kubernetes.io/component"];
  return pods.filter((pod) => component(pod) === "operator" && pod.metadata.deletionTimestamp === undefined);
}

/** "POD_something random"; empty when nobody has it. */
export async function leaseHolder({ objects }: OperatorScene): Promise<string> {
  return ((await objects.get(LEASE)).spec as { holderIdentity?: string }).holderIdentity ?? "";
}

/** Resolves with the new holder, once somebody else has the Lease. */
export async function waitForNewHolder(
  { objects }: OperatorScene,
  former: string,
  options: { readonly timeoutMs: number },
): Promise<string> {
  const holderOf = ({ spec }: KubernetesObject) => (spec as { holderIdentity?: string }).holderIdentity ?? "";
  return holderOf(await waitForObject(objects, LEASE, (lease) => !["", former].includes(holderOf(lease)), options));
}

/** SIGKILL to the operator's process in this pod, as in a crash: the pod stays, and its kubelet starts the container anew. */
export async function crashOperator(pod: KubernetesObject): Promise<void> {
  process.kill(await processOf(pod, "holdfast.mjs"), "SIGKILL");
}

/** The id of the pod's process whose command line holds this, once there is one: that of a container that is just being started anew comes late. */
async function processOf({ metadata: { uid, name: pod } }: KubernetesObject, command: string): Promise<number> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(100)) {
    for (const name of await readdir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      // It may have ended just now.
      const read = (file: string) => readFile(join("/proc", name, file), "utf8").catch(() => "");
      if ((await read("cgroup")).includes(`pod${uid}`) && (await read("cmdline")).includes(command)) return Number(name);
    }
  }
  throw new Error(`Waited in vain for a process "${command}" of pod "${pod}"`);
}

/** Resolves once so many operators are there and ready, and no others. */
export async function waitForOperators(scene: OperatorScene, count: number): Promise<void> {
  const isReady = ({ status }: KubernetesObject) =>
    (status as { conditions?: readonly { type: string; status: string }[] }).conditions?.some(
      ({ type, status }) => type === "Ready" && status === "True",
    ) ?? false;
  const place = { apiVersion: "v1", kind: "Pod", namespace: OPERATOR.namespace };
  await waitForObjects(scene.objects, place, (pods) => pods.length === count && pods.every(isReady), { timeoutMs: 120_000 });
}

/** Changes the operator's Deployment and resolves once its pods are those that were asked for. */
export async function changeOperator(
  scene: OperatorScene,
  { replicas, args }: { readonly replicas: number; readonly args: readonly string[] },
): Promise<void> {
  const patch = [
    { op: "replace", path: "/spec/replicas", value: replicas },
    { op: "replace", path: "/spec/template/spec/containers/0/args", value: args },
  ];
  await scene.node.kubectl([
    "--namespace",
    OPERATOR.namespace,
    "patch",
    "deployment",
    OPERATOR.name,
    "--type=json",
    "-p",
    JSON.stringify(patch),
  ]);
  const isRolledOut = ({ metadata, status }: KubernetesObject) => {
    const { observedGeneration, updatedReplicas, readyReplicas, replicas: all } = status as Readonly<Record<string, number>>;
    return observedGeneration === metadata.generation && [updatedReplicas, readyReplicas, all].every((each) => each === replicas);
  };
  await waitForObject(scene.objects, DEPLOYMENT, isRolledOut, { timeoutMs: 180_000 });
  await waitForOperators(scene, replicas);
}

/**
 * From now on nothing passes between this pod and the API server, and nobody is told: what was sent vanishes. The rules stand in the pod's own
 * network, and go with it at the latest.
 */
export async function silencePod(scene: OperatorScene, pod: KubernetesObject): Promise<AsyncDisposable & { heal(): Promise<void> }> {
  // The one that holds the pod's network, whatever becomes of its containers.
  const holder = String(await processOf(pod, "/pause"));
  const api = new URL(scene.node.kubernetes.url).hostname;
  const rules = [
    ["OUTPUT", "-d", api, "-j", "DROP"],
    ["INPUT", "-s", api, "-j", "DROP"],
  ];
  const iptables = (...args: readonly string[]) => execa("nsenter", ["--target", holder, "--net", "iptables", "-w", ...args]);
  for (const rule of rules) await iptables("-A", ...rule);
  let isSilent = true;
  const heal = async () => {
    if (!isSilent) return;
    isSilent = false;
    for (const rule of rules) await iptables("-D", ...rule);
  };
  return { heal, [Symbol.asyncDispose]: heal };
}
