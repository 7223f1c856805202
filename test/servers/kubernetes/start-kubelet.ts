import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { type SpawnedServer, spawnServer } from "../spawn-server.ts";
import type { KubernetesObject, KubernetesObjects } from "./kubernetes-objects.ts";
import type { NodeSlot } from "./node-slot.ts";

export const NODE_NAME = "node";

export interface KubeletOptions {
  readonly program: string;
  readonly slot: NodeSlot;
  /** Of the user system:node:`NODE_NAME`. */
  readonly kubeconfig: string;
  readonly caFile: string;
  readonly containerdSocket: string;
  readonly objects: KubernetesObjects;
}

/** Resolves when pods can be scheduled to the node. */
export async function startKubelet(options: KubeletOptions): Promise<SpawnedServer> {
  const { program, slot, kubeconfig, objects } = options;
  const folder = (name: string) => join(slot.directory, name);
  await writeFile(folder("kubelet.json"), JSON.stringify(await settings(options), null, 2));
  const args = ["--config", folder("kubelet.json"), "--kubeconfig", kubeconfig, "--root-dir", folder("kubelet")];
  args.push("--cert-dir", folder("kubelet-certificates"), "--hostname-override", NODE_NAME, "--node-ip", slot.hostAddress);
  const isReady = async () => isSchedulable(await objects.get({ apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME } }));
  return spawnServer(program, { args, cwd: slot.directory, isReady, startTimeoutMs: 120_000 });
}

async function settings({ slot, caFile, containerdSocket }: KubeletOptions) {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: slot.hostAddress,
    port: await freePort(),
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: caFile } },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    podLogsDir: join(slot.directory, "pod-logs"),
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${slot.controlGroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    // A container's root often may not lower it.
    oomScoreAdj: 0,
    // No kube-proxy, and the machine's own rules stay as they are.
    makeIPTablesUtilChains: false,
    // The images were brought by hand: none can be fetched again. And how full the test machine's disk is does not matter.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      "memory.available": "50Mi",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.available": "0%",
      "imagefs.inodesFree": "0%",
    },
  };
}

function isSchedulable({ status, spec }: KubernetesObject): boolean {
  const { conditions } = (status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  const { taints } = (spec ?? {}) as { taints?: readonly unknown[] };
  return (conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false) && taints === undefined;
}
