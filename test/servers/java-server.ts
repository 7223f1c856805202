// A Java server as a process group of its own, detached, which a keeper ends when its owner is gone: no JVM outlives a killed test run.
import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { chown, readdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";

/** What finds a running server again, from any process. */
export interface JavaProcess {
  /** The process group, which is also the first process's id. */
  readonly group: number;
  readonly directory: string;
}

export interface JavaProcessOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Given to the server's user; removed when the server is stopped. */
  readonly directory: string;
  /** The process whose end is the server's end, or "none": it runs until it is stopped. */
  readonly ownerPid: number | "none";
  /** Run as "nobody" when we are root: Elasticsearch refuses root. */
  readonly isUnprivileged: boolean;
}

const NOBODY = 65_534;
const LOG = "output.log";
// Looks once a second. An owner that ended but whom nobody reaps is seen in /proc alone.
const KEEPER = `lives() {
  kill -0 "$1" || return 1
  [ -r "/proc/$1/status" ] || return 0
  while read -r name state rest; do
    [ "$name" = State: ] || continue
    [ "$state" != Z ]
    return
  done < "/proc/$1/status"
}
while lives "$1" && kill -0 "-$2"; do sleep 1; done
lives "$1" || { kill -9 "-$2"; rm -rf "$3"; }`;

/** Starts the program; what it prints goes to a file in the directory. */
export async function spawnJava(program: string, options: JavaProcessOptions): Promise<JavaProcess> {
  const { directory, args } = options;
  const log = openSync(join(directory, LOG), "a", 0o644);
  const user = options.isUnprivileged && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) await giveAway(directory, user.uid);
  const env = { PATH: process.env.PATH ?? "", HOME: directory, LANG: "C.UTF-8", ...options.env };
  const child = spawn(program, args, { ...user, cwd: directory, env, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
  const group = child.pid as number;
  if (options.ownerPid === "none") return { group, directory };
  const keeper = spawn("sh", ["-c", KEEPER, "keeper", String(options.ownerPid), String(group), directory], {
    detached: true,
    stdio: "ignore",
  });
  keeper.unref();
  return { group, directory };
}

/** The last 64 kB that the server printed. */
export function outputOf({ directory }: JavaProcess): string {
  const file = openSync(join(directory, LOG), "r");
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, 64_000));
    readSync(file, tail, 0, tail.length, size - tail.length);
    return tail.toString();
  } finally {
    closeSync(file);
  }
}

/** SIGKILL for the whole group; resolves when it is gone, also when it was gone before. */
export async function killJava(server: JavaProcess): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (isAlive(server)) {
    if (Date.now() > deadline) throw new Error(`Process group ${server.group} does not end`);
    signalGroup(server.group, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether a process of the group still runs; one that ended and that nobody has asked after yet does not. */
export function isAlive({ group }: JavaProcess): boolean {
  if (!signalGroup(group, 0)) return false;
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && isRunningIn(group, pid));
}

function isRunningIn(group: number, pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // After the program's name in brackets: state, parent, group.
    const [state, , groupOfPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(groupOfPid) === group && state !== "Z" && state !== "X";
  } catch {
    // It ended just now.
    return false;
  }
}

/** Kills it and removes its directory. */
export async function stopJava(server: JavaProcess): Promise<void> {
  await killJava(server);
  await rm(server.directory, { recursive: true, force: true, maxRetries: 5 });
}

/** A path to the folder that the server's user may read: as root, what lies in our home is linked into the directory, which copies nothing. */
export async function readableFor(folder: string, directory: string): Promise<string> {
  if (process.getuid?.() !== 0 || !folder.startsWith(homedir())) return folder;
  const linked = join(directory, basename(folder));
  // Links do not reach another file system.
  await execa("cp", ["-al", folder, linked]).catch(async () => {
    await rm(linked, { recursive: true, force: true });
    await execa("cp", ["-a", folder, linked]);
  });
  return linked;
}

function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** The directory and what is ours in it, not the linked distribution: the server could change it in the cache. */
async function giveAway(directory: string, uid: number): Promise<void> {
  await chown(directory, uid, uid);
  for (const name of ["config", "data", "logs", "tmp"]) {
    const folder = join(directory, name);
    await chown(folder, uid, uid);
    for (const inside of await readdir(folder, { recursive: true })) await chown(join(folder, inside), uid, uid);
  }
}
