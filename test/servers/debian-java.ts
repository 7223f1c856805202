// Java 25 of Debian 13, which runs on an older Debian too: with libraries of its own, started through its own loader.
import { chmod, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ensureDebianRoot } from "./debian-program.ts";

export const DEBIAN_JAVA_RELEASE = 25;

const ROOT = {
  name: "openjdk-25-trixie",
  release: "trixie",
  packages: ["openjdk-25-jre-headless", "libc6", "libstdc++6", "libgcc-s1", "zlib1g"],
};

// A program that Java starts is found by its path: a script stands there in its place. It finds its root from its own path, since the root may be linked elsewhere.
const THROUGH_LOADER = `#!/bin/sh
root=\${0%/usr/lib/jvm/*}
for loader in "$root/usr/lib64/ld-linux-x86-64.so.2" "$root/usr/lib/ld-linux-aarch64.so.1"; do
  [ ! -e "$loader" ] || exec "$loader" --library-path "$root/usr/lib/x86_64-linux-gnu:$root/usr/lib/aarch64-linux-gnu" "$0.real" "$@"
done
exit 127
`;

/** Resolves with Java's home and the folder that must be there as a whole for it to run; fetches it when it is not cached. */
export async function ensureDebianJava(): Promise<{ readonly home: string; readonly root: string }> {
  const root = await ensureDebianRoot(ROOT, prepare);
  return { home: await homeIn(root), root };
}

async function prepare(root: string): Promise<void> {
  const home = await homeIn(root);
  await makeLinksRelative(root, home);
  for (const program of ["bin/java", "lib/jspawnhelper"]) {
    const path = join(home, program);
    await rename(path, `${path}.real`);
    await writeFile(path, THROUGH_LOADER);
    await chmod(path, 0o755);
  }
}

async function homeIn(root: string): Promise<string> {
  const folder = join(root, "usr/lib/jvm");
  // Beside it lie names that are links to it.
  const found = (await readdir(folder, { withFileTypes: true })).find((entry) => entry.isDirectory());
  if (found === undefined) throw new Error(`No Java below ${folder}`);
  return join(folder, found.name);
}

/** Its settings are links to /etc of the system that it was made for. */
async function makeLinksRelative(root: string, home: string): Promise<void> {
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const target = await readlink(path);
    if (!target.startsWith("/")) continue;
    await rm(path);
    await symlink(relative(dirname(path), join(root, target)), path);
  }
}
