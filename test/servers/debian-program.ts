// Programs of newer Debian releases than this one, unpacked beside the system into the cache with the libraries that they need.
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, findProgram } from "./install.ts";

export interface DebianRoot {
  /** Also the folder in the cache: name it for the version. */
  readonly name: string;
  /** "trixie", "sid" … */
  readonly release: string;
  /** The program's package first, then those of its libraries. */
  readonly packages: readonly string[];
}

export interface DebianProgram extends DebianRoot {
  /** Path of the program inside its package. */
  readonly path: string;
}

/** Resolves with the command that runs the program with its own libraries under another name. */
export async function ensureDebianProgram(program: DebianProgram, argv0: string): Promise<readonly string[]> {
  const folder = await ensureDebianRoot(program);
  const libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((triplet) => join(folder, "usr/lib", triplet)).join(":");
  const loader = (await exists(join(folder, "usr/lib64/ld-linux-x86-64.so.2")))
    ? "usr/lib64/ld-linux-x86-64.so.2"
    : "usr/lib/ld-linux-aarch64.so.1";
  return [join(folder, loader), "--library-path", libraries, "--argv0", argv0, join(folder, program.path)];
}

/** Resolves with the folder in the cache that the packages are unpacked into; `prepare` may change it before it is there for others. */
export async function ensureDebianRoot(
  { name, release, packages }: DebianRoot,
  prepare: (root: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const folder = join(cacheDirectory(), "debian", name);
  if (await exists(folder)) return folder;
  if ((await findProgram("dpkg-deb")) === undefined)
    throw new Error('Missing command "dpkg-deb": this test server comes from Debian packages');
  await mkdir(join(folder, ".."), { recursive: true });
  const build = await mkdtemp(join(folder, "..", "fetch-"));
  try {
    const apt = await privateApt(build, release);
    await execa("apt-get", [...apt, "update", "-qq"]);
    await execa("apt-get", [...apt, "download", "-qq", ...packages.map((name) => `${name}/${release}`)], { cwd: build });
    const root = join(build, "root");
    await mkdir(root);
    await execa("sh", ["-c", 'for package in *.deb; do dpkg-deb -x "$package" root || exit 1; done'], { cwd: build });
    await prepare(root);
    await rename(root, folder);
  } finally {
    await rm(build, { recursive: true, force: true });
  }
  return folder;
}

/** Settings for an apt that knows one release alone, from the mirror that this machine uses. */
async function privateApt(build: string, release: string): Promise<string[]> {
  const { stdout } = await execa("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
  const mirror = stdout.split("\n").find((uri) => /\/debian\/?$/.test(uri));
  if (mirror === undefined) throw new Error("Cannot fetch a newer Debian package: apt knows no Debian mirror");
  await writeFile(join(build, "sources.list"), `deb ${mirror} ${release} main\n`);
  for (const name of ["lists/partial", "cache/archives/partial"]) await mkdir(join(build, name), { recursive: true });
  const settings = {
    "Dir::Etc::SourceList": join(build, "sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": join(build, "lists"),
    "Dir::Cache": join(build, "cache"),
    "APT::Sandbox::User": "root",
    "Acquire::Retries": "3",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
