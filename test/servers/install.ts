// Finds the programs that tests need, and installs what is missing where we may: Debian packages as root, Go programs into the cache.
import { access, constants, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";

/** Program → Debian package. */
const PACKAGES: Readonly<Record<string, string>> = {
  "redis-server": "redis-server",
  "redis-cli": "redis-tools",
  "redis-sentinel": "redis-sentinel",
  "redis-check-rdb": "redis-tools",
  openssl: "openssl",
  age: "age",
  zstd: "zstd",
  restic: "restic",
  python3: "python3",
};

/** Resolves with the program's path; installs its Debian package when it is missing and we are root, else says which command is missing. */
export async function ensureProgram(name: string): Promise<string> {
  const found = await findProgram(name);
  if (found !== undefined) return found;
  const debianPackage = PACKAGES[name];
  const canInstall = debianPackage !== undefined && process.getuid?.() === 0 && (await findProgram("apt-get")) !== undefined;
  if (!canInstall)
    throw new Error(`Missing command "${name}": install ${debianPackage ? `the package "${debianPackage}"` : "it"} and put it on PATH`);
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  await execa("apt-get", ["update", "-qq"], { env });
  await execa("apt-get", ["install", "-y", "-qq", "--no-install-recommends", debianPackage], { env });
  const installed = await findProgram(name);
  if (installed === undefined) throw new Error(`Missing command "${name}" although the package "${debianPackage}" was installed`);
  return installed;
}

/** Where heavy, built programs are kept between runs, outside the checkout. */
export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "holdfast");
}

/** A Go program of an exact version, built into the cache when it is not there yet (minutes, once). */
export async function ensureGoProgram(options: { name: string; module: string; version: string }): Promise<string> {
  const folder = join(cacheDirectory(), "bin");
  const path = join(folder, `${options.name}-${options.version}`);
  if (await isExecutable(path)) return path;
  if ((await findProgram("go")) === undefined) throw new Error(`Missing command "go": install Go 1.25 or later to build ${options.name}`);
  await mkdir(folder, { recursive: true });
  const build = await mkdtemp(join(folder, "build-"));
  try {
    await execa("go", ["install", `${options.module}@${options.version}`], { env: { GOBIN: build } });
    await rename(join(build, options.name), path);
  } finally {
    await rm(build, { recursive: true, force: true });
  }
  return path;
}

export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder !== "" && (await isExecutable(path))) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
