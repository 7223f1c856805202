// Side by side with the server's own tools: how long, how much CPU on either side, how much memory, and how long others wait for an answer.
// Ratios are what counts: absolute figures are this machine's. `make benchmark`, or this file with --help.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { startVersitygw } from "../servers/versitygw.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData } from "../tools/redis-equality.ts";
import { BACKUP_BASELINE, contestBackup } from "./backup.ts";
import { resultsTable } from "./contest.ts";
import { tellLargeValue } from "./large-value.ts";
import { runMeasured } from "./measure.ts";
import { bundlePrograms, type Programs } from "./programs.ts";
import { contestRestore, RESTORE_BASELINES } from "./restore.ts";

const USAGE = `Usage: redis.ts [--scale N] [--runs N] [--only backup|restore|large-value] [--delay SECONDS] [--large MIB] [--directory DIR]

  --scale      1 (default) is 2.1 million keys, about 1 GB; 0.02 is enough to try it out
  --runs       runs of each contender, interleaved; default 5
  --only       one part of it
  --delay      the server's repl-diskless-sync-delay, 5 in stock servers; default 0, which shows the work alone
  --large      MiB of the large value; default 512, the most a server takes
  --directory  for stores and files, some GB at scale 1; default: a new one below ${tmpdir()}
`;

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "1" },
    runs: { type: "string", default: "5" },
    only: { type: "string" },
    delay: { type: "string", default: "0" },
    large: { type: "string", default: "512" },
    directory: { type: "string", default: tmpdir() },
    help: { type: "boolean", default: false },
  },
});
const [scale, runs] = [Number(values.scale), Number(values.runs)];
const isKnown = [undefined, "backup", "restore", "large-value"].includes(values.only);
if (values.help || !(scale > 0) || !(runs >= 1) || !isKnown) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}

// without this a stopped benchmark would leave gigabytes behind
const interruption = new AbortController();
const { signal } = interruption;
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interruption.abort(new Error(`Stopped by ${name}`)));

const directory = await mkdtemp(join(values.directory, "holdfast-benchmark-"));
try {
  const programs = await bundlePrograms(directory);
  await describeMachine();
  if (values.only !== "large-value") await withDataset(programs);
  if (values.only === undefined || values.only === "large-value")
    print(`## A large value\n\n${await tellLargeValue(programs, directory, Number(values.large))}`);
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? error.message.slice(0, 4000) : String(error)}\n`);
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

async function withDataset(programs: Programs): Promise<void> {
  await using source = await startRedis({ arguments: ["--rdbcompression", "yes", "--repl-diskless-sync-delay", values.delay] });
  const dataset = await fillRedis(source, { scale });
  const keys = [...dataset.keys.values()].reduce((sum, size) => sum + size, 0);
  await source.cli("SAVE");
  const { size } = await stat(join(source.directory, "dump.rdb"));
  print(`Data: ${keys.toLocaleString("en")} keys, ${await memoryOf(source)} in memory, RDB of ${megabytes(size)} (rdbcompression yes)\n`);
  if (values.only !== "restore") await backup(source, programs);
  if (values.only !== "backup") await restore(source, programs);
}

async function backup(source: RedisServer, programs: Programs): Promise<void> {
  await using s3 = await startVersitygw();
  await s3.createBucket("benchmark");
  const env = { AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: s3.secretKey };
  const place = { endpoint: s3.endpoint, bucket: "benchmark", env };
  const { results, storedBytes } = await contestBackup(source, { programs, runs, signal, directory, s3: place });
  print(`## Backup: ${runs} runs each, interleaved, median (least–most)\n\n${resultsTable(results, [BACKUP_BASELINE])}`);
  print(`"redis-cli --rdb -" writes to /dev/null and checks nothing; into a pipe it would add 40 stray bytes.`);
  print(`Diskless delay ${values.delay} s. Stored: ${megabytes(storedBytes)}, compressed and encrypted.\n`);
}

async function restore(source: RedisServer, programs: Programs): Promise<void> {
  const expected = await describeData(source, { maxNamedValues: 0 });
  const store = join(directory, "repository");
  await runMeasured(programs.holdfast("redis-backup", "--url", `redis://127.0.0.1:${source.port}`, "--store", store));
  const frames = join(directory, "frames.resp");
  const { command, args } = programs.restoreFrames(join(source.directory, "dump.rdb"));
  await execa(command, args, { stdout: { file: frames }, buffer: false });
  const results = await contestRestore({ programs, runs, signal, rdbDirectory: source.directory, frames, store, expected });
  print(`## Restore into an empty server: ${runs} runs each, interleaved, median (least–most)\n`);
  print(resultsTable(results, RESTORE_BASELINES));
  print("\nAfter every run the target's digest, key counts, expiries, streams and functions were compared with the original's: equal.\n");
}

async function describeMachine(): Promise<void> {
  const { stdout: redis } = await execa("redis-server", ["--version"]);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${megabytes(totalmem())}`;
  print(`Machine: ${machine}; Node ${process.version}; ${redis.replace(/ sha=.*/, "")}; everything on loopback`);
}

async function memoryOf(server: RedisServer): Promise<string> {
  return megabytes(Number(/used_memory:(\d+)/.exec(await server.cli("INFO", "memory"))?.[1]));
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString("en")} MB`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
