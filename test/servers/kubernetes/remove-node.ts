// Takes away whatever a node left on the machine: the one way for an orderly end, for a node whose owner was killed, and before a new one.
import { existsSync } from "node:fs";
import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { controlGroupsOf, processesIn, removeControlGroups } from "./control-groups.ts";
import { restoreKernelSettings } from "./kernel-settings.ts";
import { type NodeSlot, slotOf } from "./node-slot.ts";

const PROGRAMS = new Set([
  ...["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"],
  ...["containerd", "containerd-shim-runc-v2", "runc", "ctr"],
]);
const CONTAINER_LOGS = "/var/log/containers";
const NETWORK_RESULTS = "/var/lib/cni/results";

/** Resolves when nothing of the slot is left; may be called at any time, and again. Only for who holds the slot. */
export async function removeNode(slot: NodeSlot): Promise<void> {
  await killProcesses(slot);
  await unmountBelow(slot.directory);
  await removeNetwork(slot);
  await removeControlGroups(slot.controlGroup);
  await removeShimSockets(slot.directory);
  await removeLogLinks(slot.directory);
  await removeNetworkResults(slot.bridge);
  await restoreKernelSettings(slot.directory);
  await rm(slot.directory, { recursive: true, force: true, maxRetries: 5 });
}

async function killProcesses(slot: NodeSlot): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; ) {
    const living = await processesOf(slot);
    if (living.length === 0) return;
    if (Date.now() > deadline) throw new Error(`Processes of node ${slot.number} do not end: ${living.join(", ")}`);
    for (const pid of living) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The containers' processes are in the node's control groups; its own programs name its folder in their arguments. */
async function processesOf({ directory, controlGroup }: NodeSlot): Promise<number[]> {
  const found = new Set(await processesIn(await controlGroupsOf(controlGroup)));
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // It may have ended just now; one that ended and waits for its parent has no arguments.
    const line = await readFile(join("/proc", name, "cmdline"), "utf8").catch(() => "");
    const [program = ""] = line.split("\0");
    if (PROGRAMS.has(basename(program)) && line.includes(`${directory}/`)) found.add(Number(name));
  }
  return [...found];
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function unmountBelow(directory: string): Promise<void> {
  // The last one mounted first: they lie in each other. Several may lie on one place.
  for (const path of (await mountsBelow(directory)).reverse()) await execa("umount", [path], { reject: false });
  // What a process that ends just now still uses goes with it.
  for (const path of (await mountsBelow(directory)).reverse()) await execa("umount", ["--lazy", path]);
  const left = await mountsBelow(directory);
  if (left.length > 0) throw new Error(`Cannot unmount ${left.join(", ")}`);
}

async function mountsBelow(directory: string): Promise<string[]> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return lines.map((line) => line.split(" ")[4] ?? "").filter((path) => path.startsWith(`${directory}/`));
}

async function removeNetwork({ bridge, apiAddress }: NodeSlot): Promise<void> {
  if (existsSync(`/sys/class/net/${bridge}`)) await execa("ip", ["link", "delete", bridge]);
  const { stdout } = await execa("ip", ["-oneline", "address", "show", "dev", "lo"]);
  if (stdout.includes(` ${apiAddress}/32 `)) await execa("ip", ["address", "delete", `${apiAddress}/32`, "dev", "lo"]);
  const rule = ["FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"];
  while ((await execa("iptables", ["-w", "-C", ...rule], { reject: false })).exitCode === 0) await execa("iptables", ["-w", "-D", ...rule]);
}

/** Shims listen outside of the folder; each container's bundle tells where. */
async function removeShimSockets(directory: string): Promise<void> {
  const bundles = join(directory, "run/io.containerd.runtime.v2.task/k8s.io");
  if (!existsSync(bundles)) return;
  for (const name of await readdir(bundles)) {
    const address = await readFile(join(bundles, name, "address"), "utf8").catch(() => "");
    if (address.startsWith("unix:///run/containerd/s/")) await rm(address.trim().slice("unix://".length), { force: true });
  }
}

/** The kubelet links every container's log there, and cannot be told otherwise. */
async function removeLogLinks(directory: string): Promise<void> {
  if (!existsSync(CONTAINER_LOGS)) return;
  for (const name of await readdir(CONTAINER_LOGS)) {
    const link = join(CONTAINER_LOGS, name);
    const target = await readlink(link).catch(() => "");
    if (target.startsWith(`${directory}/`)) await rm(link);
  }
}

/** One for each pod that was not deleted before, "NETWORK-CONTAINER-DEVICE", and one for its loopback device. */
async function removeNetworkResults(network: string): Promise<void> {
  if (!existsSync(NETWORK_RESULTS)) return;
  for (const name of await readdir(NETWORK_RESULTS)) {
    const container = name.startsWith(`${network}-`) ? name.slice(network.length + 1).split("-")[0] : undefined;
    if (container === undefined) continue;
    for (const file of [name, `cni-loopback-${container}-lo`]) await rm(join(NETWORK_RESULTS, file), { force: true });
  }
}

if (import.meta.main) await removeNode(slotOf(Number(process.argv[2])));
