// Stands in for the public Node image where no registry of images is reached: Debian from this machine's mirror, Node and npm from npm's
// registry, and this machine's own way to both. Nothing of it ends up in the image.
import { createHash } from "node:crypto";
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, ensureProgram } from "../install.ts";
import type { Docker } from "./start-docker.ts";

const RELEASE = "bookworm";
const NPM = "npm@11.19.1";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const REPOSITORY = "localhost/holdfast-build-base";

interface Surroundings {
  readonly mirror: string;
  readonly sources: string;
  readonly aptSettings: string;
  readonly npmrc: string;
  /** Of the authorities that this machine trusts. */
  readonly certificates: string;
}

/** Resolves with the name of the build base in this Docker; makes it when it is not there, or was made in other surroundings. */
export async function ensureBuildBase(docker: Docker): Promise<string> {
  const surroundings = await lookAround();
  const key = createHash("sha256")
    .update(JSON.stringify([RELEASE, NPM, process.version, surroundings, await recipe()]))
    .digest("hex");
  const name = `${REPOSITORY}:${key.slice(0, 16)}`;
  const known = await docker.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY);
  if (known.split("\n").includes(name)) return name;
  await make(docker, name, surroundings);
  for (const old of known.split("\n").filter(Boolean)) await docker.docker("image", "rm", "--force", old);
  return name;
}

async function make({ command, env }: Docker, name: string, surroundings: Surroundings): Promise<void> {
  process.stderr.write("Making the image that others are built in: half a minute, once ...\n");
  const scratch = await mkdtemp(join(cacheDirectory(), "build-base-"));
  try {
    const root = join(scratch, "root");
    await execa(await ensureProgram("debootstrap"), ["--variant=minbase", RELEASE, root, surroundings.mirror]);
    await addSurroundings(root, surroundings);
    await addNode(root, scratch);
    const change = `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`;
    const tar = execa("tar", ["-C", root, "--numeric-owner", "-c", "."], { buffer: false });
    await tar.pipe(command[0] as string, ["import", "--change", change, "-", name], { env });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function addSurroundings(root: string, { sources, aptSettings, npmrc, certificates }: Surroundings): Promise<void> {
  await writeFile(join(root, "etc/apt/sources.list"), sources);
  await writeFile(join(root, "etc/apt/apt.conf.d/90machine"), aptSettings);
  await rm(join(root, "var/cache/apt/archives"), { recursive: true, force: true });
  await writeFile(join(root, "root/.npmrc"), npmrc);
  await mkdir(join(root, "etc/ssl/certs"), { recursive: true });
  await writeFile(join(root, CERTIFICATES), certificates);
}

async function addNode(root: string, scratch: string): Promise<void> {
  await copyFile(process.execPath, join(root, "usr/local/bin/node"));
  const { stdout } = await execa("npm", ["pack", "--silent", "--pack-destination", scratch, NPM], { cwd: scratch });
  await execa("tar", ["-xzf", stdout.trim(), "--no-same-owner"], { cwd: scratch });
  await cp(join(scratch, "package"), join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"));
  // Node links it, and a minimal Debian has none.
  await execa("chroot", [root, "sh", "-c", "apt-get update -qq && apt-get install -qq -y --no-install-recommends libatomic1 libstdc++6"]);
}

async function lookAround(): Promise<Surroundings> {
  const { stdout } = await execa("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]);
  const lines = stdout.split("\n").filter((line) => line.match(` ${RELEASE}(-security|-updates)? main$`));
  const mirror = lines.find((line) => line.endsWith(` ${RELEASE} main`))?.split(" ")[0];
  if (mirror === undefined) throw new Error(`Cannot make a build base: apt on this machine knows no Debian ${RELEASE}`);
  const { stdout: dump } = await execa("apt-config", ["dump", "Acquire"]);
  const isWay = (line: string) => /^Acquire::(http|https|Check|Retries|Force)/i.test(line) && !line.endsWith('"";');
  const npm = await npmSettings();
  const certificates = await Promise.all([CERTIFICATES, process.env.NODE_EXTRA_CA_CERTS, npm.cafile].map(readIfThere));
  return {
    mirror,
    sources: lines.map((line) => `deb ${line}\n`).join(""),
    aptSettings: dump.split("\n").filter(isWay).join("\n"),
    npmrc: npm.text,
    certificates: [...new Set(certificates)].join("\n").trim(),
  };
}

/** What npm on this machine was told by files and by its environment. */
async function npmSettings(): Promise<{ readonly text: string; readonly cafile: string | undefined }> {
  const get = async (name: string) => {
    const { stdout } = await execa("npm", ["config", "get", name, "--loglevel=silent"]);
    return ["", "null", "undefined"].includes(stdout.trim()) ? undefined : stdout.trim();
  };
  const files = await Promise.all(["globalconfig", "userconfig"].map(async (name) => readIfThere(await get(name))));
  const names = ["registry", "proxy", "https-proxy", "noproxy"];
  const values = await Promise.all(names.map(async (name) => ({ name, value: await get(name) })));
  const lines = values.flatMap(({ name, value }) => (value === undefined ? [] : [`${name}=${value}`]));
  return { text: [...files, ...lines, `cafile=${CERTIFICATES}`, ""].join("\n"), cafile: await get("cafile") };
}

async function readIfThere(path: string | undefined): Promise<string> {
  if (path === undefined) return "";
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}

function recipe(): Promise<string> {
  return readFile(import.meta.filename, "utf8");
}
