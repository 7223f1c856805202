// Finds the programs that tests need, and installs what is missing where we may: Debian packages as root, Go programs into the cache.
import { access, constants, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";

/** Program, or the path of one that is on no PATH → Debian package. */
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
  pip3: "python3-pip",
  cc: "build-essential",
  "prometheus-pushgateway": "prometheus-pushgateway",
  promtool: "prometheus",
  java: "openjdk-17-jre-headless",
  mvn: "maven",
  unzip: "unzip",
  dockerd: "docker.io",
  debootstrap: "debootstrap",
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
  iptables: "iptables",
  ip: "iproute2",
};

/** Resolves with the program's path; installs its Debian package when it is missing and we are root, else says which command is missing. */
export async function ensureProgram(name: string): Promise<string> {
  await install([name]);
  const found = await findProgram(name);
  if (found === undefined) throw new Error(`Missing command "${name}" although the package "${PACKAGES[name]}" was installed`);
  return found;
}

/** Every program that comes from a Debian package, the missing ones in one go. */
export async function ensurePrograms(): Promise<void> {
  const names = Object.keys(PACKAGES);
  await install(names);
  for (const name of names) await ensureProgram(name);
}

async function install(names: readonly string[]): Promise<void> {
  const found = await Promise.all(names.map(findProgram));
  const missing = names.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) return;
  const packages = missing.flatMap((name) => PACKAGES[name] ?? []);
  const canInstall = packages.length === missing.length && process.getuid?.() === 0 && (await findProgram("apt-get")) !== undefined;
  if (!canInstall) {
    const [name] = missing as [string, ...string[]];
    const what = PACKAGES[name] === undefined ? "it" : `the package "${PACKAGES[name]}"`;
    throw new Error(`Missing command "${name}": install ${what} and put it on PATH`);
  }
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  // Another apt may run, and a mirror may stumble.
  const apt = (...args: string[]) =>
    execa("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=3", ...args], { env });
  await apt("update");
  await apt("install", "-y", "--no-install-recommends", ...new Set(packages));
  for (const each of new Set(packages)) await stopServices(each);
}

/** Where systemd runs, a Debian package starts its services at once (RUNLEVEL is for the older init): tests start servers of their own. */
async function stopServices(debianPackage: string): Promise<void> {
  const isSystemdRunning = await access("/run/systemd/system").then(
    () => true,
    () => false,
  );
  if (!isSystemdRunning) return;
  const { stdout } = await execa("dpkg-query", ["--listfiles", debianPackage]);
  const units = stdout.split("\n").flatMap((path) => /\/systemd\/system\/([^/@]+\.service)$/.exec(path)?.[1] ?? []);
  if (units.length > 0) await execa("systemctl", ["disable", "--now", ...units]);
}

/** Where heavy, built programs are kept between runs, outside the checkout. */
export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "holdfast");
}

export interface GoProgram {
  readonly name: string;
  readonly module: string;
  readonly version: string;
}

/** A Go program of an exact version, built into the cache when it is not there yet (minutes, once). */
export async function ensureGoProgram(program: GoProgram): Promise<string> {
  const path = goProgramPath(program);
  if (await isExecutable(path)) return path;
  await ensureGo();
  await mkdir(dirname(path), { recursive: true });
  const build = await mkdtemp(join(dirname(path), "build-"));
  try {
    // GOFLAGS may ask for a vendor folder or a read-only module file: neither is meant for a program from elsewhere.
    await buildWithGo(["install", `${program.module}@${program.version}`], { env: { GOBIN: build, GOFLAGS: "" }, cwd: build });
    await rename(join(build, program.name), path);
  } finally {
    await rm(build, { recursive: true, force: true });
  }
  return path;
}

/** Runs Go up to three times: a download may stumble, and what has come stays in Go's own cache. */
export async function buildWithGo(
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await execa("go", args, options);
      return;
    } catch (error) {
      if (attempt === 3) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5_000));
    }
  }
}

/** Whether the program was built before. */
export function hasGoProgram(program: GoProgram): Promise<boolean> {
  return isExecutable(goProgramPath(program));
}

/** Throws one clear line when Go is missing or too old to build the servers of the tests. */
export async function ensureGo(): Promise<void> {
  const wanted = "install Go 1.25 or later, it builds the S3 server of the tests";
  if ((await findProgram("go")) === undefined) throw new Error(`Missing command "go": ${wanted}`);
  // GOTOOLCHAIN: what lies here, not what a go.mod nearby would fetch.
  const { stdout } = await execa("go", ["env", "GOVERSION"], { env: { GOTOOLCHAIN: "local" } });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout.trim()) ?? [];
  const isRecent = major !== undefined && (Number(major) > 1 || Number(minor) >= 25);
  if (!isRecent) throw new Error(`Command "go" is ${stdout.trim() || "of an unknown version"}: ${wanted}`);
}

function goProgramPath({ name, version }: GoProgram): string {
  return join(cacheDirectory(), "bin", `${name}-${version}`);
}

export async function findProgram(name: string): Promise<string | undefined> {
  if (name.startsWith("/")) return (await isExecutable(name)) ? name : undefined;
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
