import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { execa } from "execa";
import { kubectl } from "../../servers/kubernetes/kubectl.ts";
import { ensureProbeImage, PROBE_IMAGE } from "../../servers/kubernetes/pod-images.ts";

const HOLD_NODE = join(import.meta.dirname, "../../servers/kubernetes/hold-node.ts");
// Wherever a node leaves its marks while it runs.
const PLACES = {
  addresses: ["ip", "-oneline", "address"],
  rules: ["iptables-save"],
  mounts: ["cat", "/proc/self/mountinfo"],
  processes: ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"],
  groups: ["find", "/sys/fs/cgroup", "-maxdepth", "2"],
  folders: ["find", "/var/tmp", "/var/lib/cni", "-maxdepth", "2", "-not", "-name", "*.lock"],
  logs: ["find", "/var/log/containers", "-printf", "%l\\n"],
};

test.each(["SIGTERM", "SIGKILL"] as const)(
  "a node whose owner gets %s while a pod runs leaves nothing on the machine",
  async (signal) => {
    const panicBefore = await readFile("/proc/sys/kernel/panic", "utf8");
    const owner = spawn(process.execPath, [HOLD_NODE, "--image", await ensureProbeImage()], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(owner, "exit");
    const kubeconfig = await kubeconfigFrom(owner.stdout);
    await kubectl(kubeconfig, ["run", "standing", `--image=${PROBE_IMAGE}`, "--image-pull-policy=Never", "--restart=Never", "--", "wait"]);
    await kubectl(kubeconfig, ["wait", "--for=condition=Ready", "pod/standing", "--timeout=60s"]);
    const number = /holdfast-node-(\d+)/.exec(kubeconfig)?.[1] ?? "";
    const during = await marksOf(number);

    owner.kill(signal);
    await exited;
    const left = await marksOnceFew(number);

    expect(during.sort()).toEqual(Object.keys(PLACES).sort());
    expect(left).toEqual([]);
    expect(await readFile("/proc/sys/kernel/panic", "utf8")).toBe(panicBefore);
  },
  120_000,
);

async function kubeconfigFrom(output: Readable): Promise<string> {
  for await (const line of createInterface({ input: output })) if (line.startsWith("KUBECONFIG=")) return line.slice("KUBECONFIG=".length);
  throw new Error("The node did not start");
}

/** The places where something bears the node's names or addresses. */
async function marksOf(number: string): Promise<string[]> {
  const mark = new RegExp(`(holdfast|hf)-node-${number}\\b|\\b198\\.1[89]\\.${number}\\.`);
  const marked: string[] = [];
  for (const [place, [command = "", ...args]] of Object.entries(PLACES)) {
    // A process may end while it is listed.
    const { stdout } = await execa(command, args, { reject: false });
    if (mark.test(stdout)) marked.push(place);
  }
  return marked;
}

/** None, or those that were still there after half a minute: a killed owner's node is removed after its owner. */
async function marksOnceFew(number: string): Promise<string[]> {
  for (const deadline = Date.now() + 30_000; ; ) {
    const marks = await marksOf(number);
    if (marks.length === 0 || Date.now() > deadline) return marks;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
