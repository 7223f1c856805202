// The Java runtimes that the search servers run on: what the machine has, else Debian's own, else that of a newer Debian.
import { access, constants, readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { DEBIAN_JAVA_RELEASE, ensureDebianJava } from "./debian-java.ts";
import { ensureProgram, findProgram } from "./install.ts";

/** Whole numbers of Java's feature release, both inclusive. */
export interface JavaRange {
  readonly from: number;
  readonly to: number;
}

export interface Java {
  readonly home: string;
  /** The folder that must be there as a whole; often the home itself. */
  readonly root: string;
}

/** Resolves with the oldest Java in the range; installs or fetches one when the machine has none. */
export async function ensureJava(range: JavaRange): Promise<Java> {
  const found = await findJava(range);
  if (found !== undefined) return { home: found, root: found };
  if (range.from <= DEBIAN_JAVA_RELEASE && DEBIAN_JAVA_RELEASE <= range.to) return ensureDebianJava();
  await ensureProgram("java");
  const installed = await findJava(range);
  if (installed === undefined)
    throw new Error(`Cannot find Java ${range.from} to ${range.to}: install one below /usr/lib/jvm or name it in JAVA_HOME`);
  return { home: installed, root: installed };
}

async function findJava({ from, to }: JavaRange): Promise<string | undefined> {
  const fitting: { readonly home: string; readonly release: number }[] = [];
  for (const home of await candidates()) {
    const release = await releaseOf(home);
    if (release !== undefined && from <= release && release <= to) fitting.push({ home, release });
  }
  return fitting.sort((a, b) => a.release - b.release)[0]?.home;
}

async function candidates(): Promise<string[]> {
  const homes = process.env.JAVA_HOME ? [process.env.JAVA_HOME] : [];
  const onPath = await findProgram("java");
  if (onPath !== undefined) homes.push(join(await realpath(onPath), "../.."));
  for (const [folder, inside] of [
    ["/usr/lib/jvm", ""],
    ["/Library/Java/JavaVirtualMachines", "Contents/Home"],
  ] as const) {
    const names = await readdir(folder).catch(() => []);
    homes.push(...names.map((name) => join(folder, name, inside)));
  }
  return homes;
}

async function releaseOf(home: string): Promise<number | undefined> {
  try {
    await access(join(home, "bin/java"), constants.X_OK);
    const [, version] = /^JAVA_VERSION="(\d+)/m.exec(await readFile(join(home, "release"), "utf8")) ?? [];
    return version === undefined ? undefined : Number(version);
  } catch {
    // A folder that is no Java.
    return undefined;
  }
}
