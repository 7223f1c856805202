// Control groups of either version: one hierarchy for each controller, or one for all.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const NEEDED = ["cpu", "cpuset", "memory", "pids"];

/** Makes the group in every hierarchy, with the controllers that a kubelet wants. */
export async function makeControlGroups(name: string): Promise<void> {
  const roots = await hierarchies();
  for (const root of roots) {
    if (await isVersion2(root)) await passOnControllers(root);
    await mkdir(join(root, name), { recursive: true });
  }
  if (roots.length === 0) throw new Error("Cannot make control groups: none are mounted below /sys/fs/cgroup");
}

/** The folders of the group, in every hierarchy that has it. */
export async function controlGroupsOf(name: string): Promise<string[]> {
  return (await hierarchies()).map((root) => join(root, name)).filter((folder) => existsSync(folder));
}

/** The ids of all processes in these groups and those below them. */
export async function processesIn(folders: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const folder of folders) {
    for (const group of await groupsBelow(folder)) {
      // A group may be removed while we look.
      const ids = await readFile(join(group, "cgroup.procs"), "utf8").catch(() => "");
      found.push(...ids.split("\n").filter(Boolean).map(Number));
    }
  }
  return found;
}

/** Removes the group, in which no process may live any more, from every hierarchy. */
export async function removeControlGroups(name: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; ) {
    const folders = await controlGroupsOf(name);
    if (folders.length === 0) return;
    let cause: unknown;
    // The innermost first. A process that was killed leaves its group a little later.
    for (const group of (await Promise.all(folders.map(groupsBelow))).flat().reverse()) {
      await rmdir(group).catch((error: unknown) => {
        cause = error;
      });
    }
    if (Date.now() > deadline) throw new Error(`Cannot remove the control groups "${name}"`, { cause });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function hierarchies(): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" - "));
  const all = mounts.filter(([, type]) => /^cgroup2? /.test(type ?? "")).map(([place]) => place?.split(" ")[4] ?? "");
  return [...new Set(all.filter((path) => path.startsWith("/sys/fs/cgroup")))];
}

async function isVersion2(root: string): Promise<boolean> {
  const controllers = await readFile(join(root, "cgroup.controllers"), "utf8").catch(() => "");
  // Beside the hierarchies of version 1 there may be one of version 2 that has what is left.
  return controllers.split(/\s/).includes("memory");
}

async function passOnControllers(root: string): Promise<void> {
  const wanted = NEEDED.map((controller) => `+${controller}`).join(" ");
  try {
    await writeFile(join(root, "cgroup.subtree_control"), wanted);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    // In a container this is not the true root: a group that passes on its controllers may hold no processes itself.
    const inner = join(root, "init");
    await mkdir(inner, { recursive: true });
    for (const pid of await readFile(join(root, "cgroup.procs"), "utf8").then((text) => text.split("\n").filter(Boolean))) {
      // It may have ended just now, or belong to the kernel.
      await writeFile(join(inner, "cgroup.procs"), pid).catch(() => undefined);
    }
    await writeFile(join(root, "cgroup.subtree_control"), wanted);
  }
}

/** Itself first, then what is in it. */
async function groupsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return [folder, ...entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))];
}
