// One program under measurement, and the server beside it.
import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import type { RedisServer } from "../servers/redis-server.ts";
import { type Delays, startProbe } from "./probe.ts";
import { cpuUsage, peakMemory } from "./process-usage.ts";

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A file for its stdin. */
  readonly input?: string;
  /** Starts others, which do the work. */
  readonly isShell?: boolean;
  /** Output goes to /dev/null instead of being kept. */
  readonly isQuiet?: boolean;
}

export interface Measurement {
  readonly wallSeconds: number;
  readonly clientCpuSeconds: number;
  /** Of the process that was started; unknown when that starts others in turn. */
  readonly clientPeakBytes: number | undefined;
  readonly serverCpuSeconds: number;
  /** Of the children the server forked, as for a snapshot. */
  readonly serverChildCpuSeconds: number;
  readonly delays: Delays | undefined;
}

/** Runs the program to its end beside an otherwise idle server. @throws Error with the program's output when its exit code is not 0 */
export async function measure(program: Program, server: RedisServer): Promise<Measurement & { output: string }> {
  await untilIdle(server);
  const before = await cpuUsage(server.pid);
  const probe = await startProbe(server.port);
  let delays: Delays | undefined;
  const client = await runMeasured(program).finally(async () => {
    delays = await probe.stop();
  });
  await untilIdle(server);
  const after = await cpuUsage(server.pid);
  return {
    ...client,
    serverCpuSeconds: after.own - before.own,
    serverChildCpuSeconds: after.children - before.children,
    delays,
  };
}

type ClientMeasurement = Pick<Measurement, "wallSeconds" | "clientCpuSeconds" | "clientPeakBytes"> & { output: string };

/** CPU time is what this process' ended children have used meanwhile, so no other child may end beside it. */
export async function runMeasured(program: Program): Promise<ClientMeasurement> {
  const input = program.input === undefined ? undefined : await open(program.input);
  const before = await cpuUsage("self");
  const started = performance.now();
  const out = program.isQuiet ? "ignore" : "pipe";
  const child = spawn(program.command, program.args, {
    env: { ...process.env, ...program.env },
    stdio: [input?.fd ?? "ignore", out, "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  let clientPeakBytes = 0;
  const watch = setInterval(async () => {
    clientPeakBytes = Math.max(clientPeakBytes, (await peakMemory(child.pid ?? -1)) ?? 0);
  }, 20);
  const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const wallSeconds = (performance.now() - started) / 1000;
  clearInterval(watch);
  await input?.close();
  if (code !== 0) throw new Error(`"${[program.command, ...program.args].join(" ")}" ended with exit code ${code}:\n${output}`);
  const after = await cpuUsage("self");
  return {
    wallSeconds,
    clientCpuSeconds: after.children - before.children,
    clientPeakBytes: program.isShell ? undefined : clientPeakBytes,
    output,
  };
}

/** A snapshot's child is counted only once the server has waited for it. */
async function untilIdle(server: RedisServer): Promise<void> {
  for (;;) {
    const [persistence, replication] = [await server.cli("INFO", "persistence"), await server.cli("INFO", "replication")];
    if (/rdb_bgsave_in_progress:0/.test(persistence) && /connected_slaves:0/.test(replication)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
