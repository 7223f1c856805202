// A kubelet sets the kernel to its liking as it starts, and cannot be told not to: other tests on the machine should not notice.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const KUBELETS = {
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/keys/root_maxbytes": "25000000",
} as const;
const FILE = "kernel-settings.json";

/** Keeps in `directory` how the settings are that a kubelet will change. */
export async function keepKernelSettings(directory: string): Promise<void> {
  const kept: Record<string, string> = {};
  for (const [name, kubelets] of Object.entries(KUBELETS)) {
    const now = (await readFile(pathOf(name), "utf8")).trim();
    // Another node's kubelet was here before: that node will set it back.
    if (now !== kubelets) kept[name] = now;
  }
  await writeFile(join(directory, FILE), JSON.stringify(kept));
}

/** Sets back what was kept in `directory`, if anything was. */
export async function restoreKernelSettings(directory: string): Promise<void> {
  const text = await readFile(join(directory, FILE), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  for (const [name, value] of Object.entries(parse(text))) if (name in KUBELETS) await writeFile(pathOf(name), value);
}

/** Whoever was killed while writing it had started no kubelet. */
function parse(text: string): Record<string, string> {
  return text === "" ? {} : (JSON.parse(text) as Record<string, string>);
}

function pathOf(name: string): string {
  return join("/proc/sys", name);
}
