// A whole Kubernetes of one node on this machine, as root: pods of images that are given as files really run. They reach the API server by its
// in-cluster address, and servers of 127.0.0.1 through `forward`; neither names (there is no cluster DNS) nor the network beyond the host.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { makeClientCertificate } from "../certificates.ts";
import { type Forward, startForward } from "../forward.ts";
import { ensureProgram } from "../install.ts";
import type { SpawnedServer } from "../spawn-server.ts";
import { makeControlGroups } from "./control-groups.ts";
import { ensureKubernetesNode } from "./ensure-kubernetes-node.ts";
import { keepKernelSettings } from "./kernel-settings.ts";
import { kubectl } from "./kubectl.ts";
import type { KubernetesObjects } from "./kubernetes-objects.ts";
import { type NodeSlot, type TakenSlot, takeNodeSlot } from "./node-slot.ts";
import { ensurePauseImage } from "./pod-images.ts";
import { removeNode } from "./remove-node.ts";
import { type Containerd, startContainerd } from "./start-containerd.ts";
import { NODE_NAME, startKubelet } from "./start-kubelet.ts";
import { type Kubernetes, startKubernetes } from "./start-kubernetes.ts";

export interface KubernetesNodeOptions {
  /** `docker save` archives of the images that pods may name; with `imagePullPolicy` "Never" or "IfNotPresent". */
  readonly images?: readonly string[];
  /** A folder of CustomResourceDefinitions that are served before this resolves. */
  readonly crds?: string;
}

export interface KubernetesNode extends AsyncDisposable {
  readonly kubernetes: Kubernetes;
  readonly objects: KubernetesObjects;
  readonly adminKubeconfig: string;
  /** The host, as pods reach it. */
  readonly hostAddress: string;
  /** Lets pods reach a server that listens on this port of 127.0.0.1: under `hostAddress`, on the same port. Ends with the node. */
  forward(port: number): Promise<Forward>;
  /** Makes further images known. */
  importImages(archive: string): Promise<void>;
  /** Runs kubectl as the administrator and resolves with what it printed; rejects on an exit code other than 0. */
  kubectl(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** What a container of the pod printed so far; the only one's, or the named one's. */
  podLog(namespace: string, pod: string, options?: { readonly container?: string; readonly previous?: boolean }): Promise<string>;
  /** The last that the kubelet and containerd printed, to find out why a pod does not run. */
  output(): string;
  /** Ends everything and leaves nothing on the machine. */
  stop(): Promise<void>;
}

/** Installs and builds what is missing (minutes, once), starts everything (8 s) and resolves when pods can run. Several may run at once. */
export async function startKubernetesNode(options: KubernetesNodeOptions = {}): Promise<KubernetesNode> {
  if (process.getuid?.() !== 0) throw new Error("A Kubernetes node needs root: run these tests as root");
  await ensureNodePrograms();
  const taken = await takeNodeSlot();
  const node = new RunningNode(taken);
  try {
    // What somebody left behind whose keeper was killed too.
    await removeNode(taken.slot);
    await node.start(options);
  } catch (error) {
    await node.stop().catch((second: unknown) => {
      throw new AggregateError([error, second], "The Kubernetes node did not start, and could not be removed");
    });
    throw error;
  }
  return node;
}

/** Installs, builds and writes all that a node needs. */
export async function ensureNodePrograms(): Promise<void> {
  for (const program of ["containerd", "ctr", "runc", "/usr/lib/cni/bridge", "iptables", "ip"]) await ensureProgram(program);
  await ensureKubernetesNode();
  await ensurePauseImage();
}

class RunningNode implements KubernetesNode {
  readonly #taken: TakenSlot;
  readonly #slot: NodeSlot;
  readonly #forwards: Forward[] = [];
  #kubernetes: Kubernetes | undefined;
  #containerd: Containerd | undefined;
  #kubelet: SpawnedServer | undefined;
  #stopped: Promise<void> | undefined;

  constructor(taken: TakenSlot) {
    this.#taken = taken;
    this.#slot = taken.slot;
  }

  get kubernetes(): Kubernetes {
    if (this.#kubernetes === undefined) throw new Error("The node does not run");
    return this.#kubernetes;
  }

  get objects(): KubernetesObjects {
    return this.kubernetes.objects;
  }

  get adminKubeconfig(): string {
    return this.kubernetes.adminKubeconfig;
  }

  get hostAddress(): string {
    return this.#slot.hostAddress;
  }

  async start({ images = [], crds }: KubernetesNodeOptions): Promise<void> {
    const slot = this.#slot;
    await mkdir(slot.directory, { mode: 0o700 });
    await keepKernelSettings(slot.directory);
    await makeNetwork(slot);
    await makeControlGroups(slot.controlGroup);
    const started = await Promise.allSettled([this.#startCluster(crds), this.#startContainerd(images)]);
    for (const each of started) if (each.status === "rejected") throw each.reason;
    const { directory, caFile, objects } = this.kubernetes;
    const { cert, key } = await makeClientCertificate(directory, "node", { subject: `/O=system:nodes/CN=system:node:${NODE_NAME}` });
    const kubeconfig = await this.kubernetes.kubeconfigFor({ "client-certificate": cert, "client-key": key });
    const { kubelet: program } = await ensureKubernetesNode();
    const containerdSocket = (this.#containerd as Containerd).socket;
    this.#kubelet = await startKubelet({ program, slot, kubeconfig, caFile, containerdSocket, objects });
  }

  async forward(port: number): Promise<Forward> {
    const forward = await startForward(this.hostAddress, port);
    this.#forwards.push(forward);
    return forward;
  }

  async importImages(archive: string): Promise<void> {
    await (this.#containerd as Containerd).importImages(archive);
  }

  kubectl(args: readonly string[], options: { readonly input?: string } = {}): Promise<string> {
    return kubectl(this.adminKubeconfig, args, options);
  }

  podLog(namespace: string, pod: string, options: { readonly container?: string; readonly previous?: boolean } = {}): Promise<string> {
    const container = options.container === undefined ? [] : ["--container", options.container];
    return this.kubectl(["logs", "--namespace", namespace, pod, ...container, ...(options.previous ? ["--previous"] : [])]);
  }

  output(): string {
    return `kubelet: ${this.#kubelet?.output() ?? ""}\ncontainerd: ${this.#containerd?.server.output() ?? ""}`;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#forwards.map((each) => each[Symbol.asyncDispose]()));
    await Promise.all([this.#kubelet?.kill(), this.#containerd?.server.kill()]);
    // Its folder holds that of the cluster: the mounts go first.
    await removeNode(this.#slot);
    await this.#kubernetes?.stop();
    await this.#taken.release();
  }

  async #startCluster(crds: string | undefined): Promise<void> {
    const { apiAddress: host, serviceRange, directory } = this.#slot;
    const cluster = join(directory, "cluster");
    await mkdir(cluster);
    this.#kubernetes = await startKubernetes({
      controllers: true,
      address: { host, port: 443, serviceRange },
      directory: cluster,
      arguments: ["--enable-admission-plugins=NodeRestriction"],
      ...(crds === undefined ? {} : { crds }),
    });
  }

  async #startContainerd(images: readonly string[]): Promise<void> {
    this.#containerd = await startContainerd(this.#slot);
    for (const archive of [await ensurePauseImage(), ...images]) await this.importImages(archive);
  }
}

async function makeNetwork({ bridge, hostAddress, apiAddress }: NodeSlot): Promise<void> {
  await execa("ip", ["address", "add", `${apiAddress}/32`, "dev", "lo"]);
  await execa("ip", ["link", "add", bridge, "type", "bridge"]);
  await execa("ip", ["address", "add", `${hostAddress}/24`, "dev", bridge]);
  await execa("ip", ["link", "set", bridge, "up"]);
  // Where Docker ran, nothing is forwarded unless a rule says so, not even within a bridge.
  await execa("iptables", ["-w", "-I", "FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"]);
}
