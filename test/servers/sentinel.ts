// A real Sentinel that watches one server and looks at it ten times a second.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { freePort } from "./free-port.ts";
import { ensureProgram } from "./install.ts";
import { spawnServer } from "./spawn-server.ts";

export interface Sentinel extends AsyncDisposable {
  readonly port: number;
  /** "address:port" of every replica that it knows. */
  replicas(): Promise<string[]>;
  /** Resolves when it has read the server's INFO after this call began. */
  hasLooked(): Promise<void>;
}

const MASTER = "watched";

/** Starts a Sentinel over the server, and resolves when it has seen it. */
export async function startSentinel(server: { readonly port: number }): Promise<Sentinel> {
  const program = await ensureProgram("redis-sentinel");
  const directory = await mkdtemp(join(tmpdir(), "holdfast-sentinel-"));
  const port = await freePort();
  const file = join(directory, "sentinel.conf");
  const lines = [`port ${port}`, "bind 127.0.0.1", `dir "${directory}"`, `sentinel monitor ${MASTER} 127.0.0.1 ${server.port} 1`];
  await writeFile(file, `${lines.join("\n")}\n`);
  const process = await spawnServer(program, { args: [file], cwd: directory, isReady: async () => (await ask(port, "PING")) === "PONG" });
  const sentinel: Sentinel = {
    port,
    replicas: async () => {
      const fields = await ask(port, "SENTINEL", "REPLICAS", MASTER);
      return fields.split("\n").flatMap((line, index, all) => (line === "name" ? [all[index + 1] as string] : []));
    },
    hasLooked: () => waitForLook(port),
    [Symbol.asyncDispose]: async () => {
      await process.kill();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await ask(port, "SENTINEL", "DEBUG", "INFO-PERIOD", "100");
  await sentinel.hasLooked();
  return sentinel;
}

async function waitForLook(port: number): Promise<void> {
  for (const from = Date.now(); ; ) {
    const fields = (await ask(port, "SENTINEL", "MASTER", MASTER)).split("\n");
    const at = fields.indexOf("info-refresh");
    if (at >= 0 && Number(fields[at + 1]) < Date.now() - from) return;
    if (Date.now() - from > 20_000) throw new Error("the Sentinel does not look at its server");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ask(port: number, ...command: string[]): Promise<string> {
  const { stdout } = await execa("redis-cli", ["-p", String(port), ...command], { stdin: "ignore" });
  return stdout.trim();
}
