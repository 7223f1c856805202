// A server program as a child process that is stopped by its id, with what it printed.
import { type ChildProcess, spawn } from "node:child_process";

export interface SpawnedServer {
  readonly pid: number;
  /** The last 64 kB that it printed. */
  readonly output: () => string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface SpawnOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Asked again and again until it resolves with true. */
  readonly isReady: () => Promise<boolean>;
  /** How long it may take to be ready; 30 s when absent. */
  readonly startTimeoutMs?: number;
}

/** Starts the program and resolves when it is ready; rejects with its output when it exits or takes too long. */
export async function spawnServer(program: string, options: SpawnOptions): Promise<SpawnedServer> {
  const child = spawn(program, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const keep = (text: Buffer) => {
    printed = (printed + text.toString()).slice(-64_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      printed += String(error);
      resolve();
    });
  });
  const server: SpawnedServer = {
    pid: child.pid ?? -1,
    output: () => printed,
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
  const deadline = Date.now() + (options.startTimeoutMs ?? 30_000);
  while (!(await options.isReady().catch(() => false))) {
    if (hasExited(child) || Date.now() > deadline) {
      await server.kill();
      throw new Error(`${program} did not start: ${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (hasExited(child)) throw new Error(`${program} ended at once, somebody else answers on its port: ${printed}`);
  return server;
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}
