// A private Docker: daemon, socket, data and containerd of its own, whatever else runs on this machine. Needs root.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, ensureProgram, findProgram } from "../install.ts";
import { withFileLock } from "../kubernetes/with-file-lock.ts";

export interface Docker {
  /** Runs the client and resolves with its trimmed stdout; rejects with what it printed on an exit code other than 0. */
  docker(...args: readonly string[]): Promise<string>;
  /** The client as a command, for what needs its own streams. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Runs the work beside a daemon whose images and layers are kept between runs; one at a time on this machine. The daemon is always stopped. */
export async function withDocker<T>(work: (docker: Docker) => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) throw new Error("Cannot start Docker: only root may");
  const daemon = await ensureProgram("dockerd");
  const folder = join(cacheDirectory(), "docker");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return withFileLock(`${folder}.lock`, async () => {
    const stop = await start(daemon, folder);
    try {
      return await work(await clientOf(daemon, folder));
    } finally {
      await stop();
    }
  });
}

async function start(daemon: string, folder: string): Promise<() => Promise<void>> {
  // What a daemon that was killed left behind.
  await rm(join(folder, "pid"), { force: true });
  // Not the machine's: a setting that is in a file and among the arguments is an error.
  await writeFile(join(folder, "daemon.json"), "{}");
  // A containerd of the machine in its usual place would be taken: an empty folder hides it.
  await mkdir("/run/containerd", { recursive: true });
  const script = 'mount -t tmpfs none /run/containerd && exec "$0" "$@"';
  // The process ends with this one, even when this one is killed; with it its namespaces, and with them all that it mounted and started.
  const own = ["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--pid", "--mount-proc", "--fork", "--kill-child"];
  const args = [...own, "sh", "-c", script, daemon, ...settingsOf(folder)];
  const child = spawn("setpriv", args, { stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr.on("data", (text: Buffer) => {
    printed = (printed + text.toString()).slice(-16_000);
  });
  const closed = once(child, "close");
  const stop = async () => {
    for (const pid of await childrenOf(child.pid as number)) process.kill(pid, "SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await closed;
    clearTimeout(timer);
  };
  const { command, env } = await clientOf(daemon, folder);
  const deadline = Date.now() + 60_000;
  while ((await execa(command[0] as string, ["version"], { env, reject: false })).exitCode !== 0) {
    if (child.exitCode === null && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    await stop();
    throw new Error(`dockerd did not start: ${printed}`);
  }
  return stop;
}

function settingsOf(folder: string): string[] {
  const settings = {
    "config-file": join(folder, "daemon.json"),
    "data-root": join(folder, "data"),
    "exec-root": join(folder, "exec"),
    pidfile: join(folder, "pid"),
    host: `unix://${join(folder, "socket")}`,
    "storage-driver": "overlay2",
    "exec-opt": "native.cgroupdriver=cgroupfs",
    // No bridge and no firewall rules: another network on this machine stays as it is, and builds use the host's.
    bridge: "none",
    iptables: "false",
    ip6tables: "false",
    "ip-forward": "false",
    "ip-masq": "false",
  };
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
}

async function clientOf(daemon: string, folder: string): Promise<Docker> {
  // The client that came with the daemon: another one on PATH may lack the builder.
  const beside = join(dirname(daemon), "../bin/docker");
  const client = (await exists(beside)) ? beside : await findProgram("docker");
  if (client === undefined) throw new Error('Missing command "docker": install the package "docker.io"');
  const env = { DOCKER_HOST: `unix://${join(folder, "socket")}`, DOCKER_BUILDKIT: "1", DOCKER_CONFIG: join(folder, "config") };
  return { docker: async (...args) => (await execa(client, args, { env })).stdout.trim(), command: [client], env };
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
