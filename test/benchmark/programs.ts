// What is measured runs as it ships: bundled, each as a process of its own, under the Node that comes with the dependencies.
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import type { Program } from "./measure.ts";

export interface Programs {
  /** `holdfast ARGS…` with the passphrase of this benchmark. */
  holdfast(...args: string[]): Program;
  /** The backup of `holdfast` with its last step left out: bytes are checked and thrown away. */
  nullBackup(url: string): Program;
  /** Writes RESTORE commands on stdout. */
  restoreFrames(rdb: string): Program;
}

const root = join(import.meta.dirname, "../..");
const node = join(root, "node_modules/.bin/node");

/** Bundles into `directory`, so that nobody else's build changes what is measured. */
export async function bundlePrograms(directory: string): Promise<Programs> {
  await execa(node, [join(root, "test/tools/bundle.ts")], { cwd: root });
  await cp(join(root, "dist"), join(directory, "dist"), { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, "null-backup.ts"), join(import.meta.dirname, "restore-frames.ts")],
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    logLevel: "warning",
    banner: { js: 'import { createRequire as benchmarkRequire } from "node:module"; const require = benchmarkRequire(import.meta.url);' },
  });
  const env = { RESTIC_PASSWORD: "only for this benchmark" };
  // as the launcher has it
  const flags = ["--max-semi-space-size=1"];
  const script = (name: string, ...args: string[]): Program => ({ command: node, args: [...flags, join(directory, name), ...args], env });
  return {
    holdfast: (...args) => script("dist/holdfast.mjs", ...args),
    nullBackup: (url) => script("null-backup.mjs", url),
    restoreFrames: (rdb) => script("restore-frames.mjs", rdb),
  };
}
