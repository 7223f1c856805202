import { createHash } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, ensureProgram } from "./install.ts";

/** Compiles test/fixtures/sample-module.c into the cache, once; resolves with the path that `--loadmodule` takes. */
export async function ensureSampleModule(): Promise<string> {
  const source = join(import.meta.dirname, "../fixtures/sample-module.c");
  const digest = createHash("sha256")
    .update(await readFile(source))
    .digest("hex")
    .slice(0, 16);
  const folder = join(cacheDirectory(), "modules");
  const path = join(folder, `sample-${digest}.so`);
  await ensureProgram("cc");
  await mkdir(folder, { recursive: true });
  const built = join(folder, `sample-${digest}-${process.pid}.so`);
  await execa("cc", ["-shared", "-fPIC", "-O1", "-Wall", "-o", built, source]);
  await rename(built, path);
  return path;
}
