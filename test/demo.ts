// A demonstration on real parts: fill a Redis, back it up, lose everything, restore, prove equality, damage the backup, catch it.
// Exit code 0 only when all of that happened as told; 1 when not, 130 and 143 when stopped. Leaves nothing behind.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import { type RedisServer, startRedis } from "./servers/redis-server.ts";
import { flipBit } from "./tools/flip-bit.ts";
import { fillRedis } from "./tools/redis-dataset.ts";
import { type DataDescription, describeData, diffData } from "./tools/redis-equality.ts";

const root = join(import.meta.dirname, "..");
const passphrase = randomBytes(18).toString("base64url");
const interruption = new AbortController();
const SCALE = 0.05;

for (const [name, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(name, () => {
    process.exitCode = code;
    interruption.abort(new Error("The demo was stopped"));
  });
}

try {
  await demonstrate();
} catch (error) {
  process.exitCode ||= 1;
  const message = error instanceof Error ? error.message : String(error);
  if (interruption.signal.aborted) say(`\n${styleText(["bold", "yellow"], "STOPPED")}: nothing is left behind`);
  else say(`\n${styleText(["bold", "red"], "FAIL")}: ${message}`);
}

async function demonstrate(): Promise<void> {
  const started = performance.now();
  await using directory = await temporaryDirectory();
  await using server = await startRedis();
  const url = `redis://127.0.0.1:${server.port}`;
  const store = join(directory.path, "backups");
  say(styleText("bold", "Holdfast: a real Redis is backed up, lost, restored and compared; then the backup is damaged, and caught."));

  step(1, "A Redis with data of every kind");
  const original = await fill(server);

  step(2, "Back it up, encrypted, into a directory");
  say(`  $ cd ${root}`);
  say(`  $ export RESTIC_PASSWORD=${passphrase}   # made for this demo only`);
  await expectExit(0, ["redis-backup", "--url", url, "--store", store]);
  await expectExit(0, ["snapshots", "--store", store]);
  await expectExit(0, ["verify", "--store", store]);

  step(3, "Lose everything");
  for (const command of ["FLUSHALL", "FUNCTION FLUSH"]) await redisCli(server, ...command.split(" "));
  await expectNothingLeft(server);

  step(4, "Restore");
  await expectExit(0, ["redis-restore", "--url", url, "--store", store]);

  step(5, "Is it the same? The server's own word for it");
  const restored = await describeData(server);
  compare(original, restored);

  step(6, "Flip one bit of one object in the backup: verify has to fail, with exit code 3, and name the object");
  await damageAndCatch(store);

  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const keys = count(original, (database) => database.size).toLocaleString("en");
  const verdict = `${keys} keys came back identical, and a single damaged bit was caught (${seconds} s)`;
  say(`\n${styleText(["bold", "green"], "PASS")}: ${verdict}. Nothing is left behind.`);
}

async function fill(server: RedisServer): Promise<DataDescription> {
  const dataset = await fillRedis(server, { scale: SCALE, seed: randomBytes(4).readUInt32LE() });
  const data = await describeData(server);
  const memory = /used_memory_human:(\S+)/.exec(await server.cli("INFO", "memory"))?.[1];
  const version = /redis_version:(\S+)/.exec(await server.cli("INFO", "server"))?.[1];
  say(`  Redis ${version} on port ${server.port}, ${memory} of memory`);
  for (const [database, size] of dataset.keys) say(`  database ${database}: ${size.toLocaleString("en")} keys`);
  say(`  strings, lists, sets, sorted sets, hashes, streams with consumer groups, bitmaps, HyperLogLogs, places; ${factsOf(data)}`);
  return data;
}

async function expectNothingLeft(server: RedisServer): Promise<void> {
  const left = await describeData(server);
  check(
    left.databases.size === 0 && left.functions.size === 0,
    "the server is empty: no key, no function",
    "The server is not empty after FLUSHALL",
  );
}

function compare(original: DataDescription, restored: DataDescription): void {
  const differences = diffData(original, restored);
  if (differences.length > 0) throw new Error(`the restored data differ:\n${differences.map((line) => `  - ${line}`).join("\n")}`);
  check(restored.digest === original.digest, `DEBUG DIGEST: ${restored.digest}, as before`, "DEBUG DIGEST differs");
  const keys = count(original, (database) => database.size);
  check(
    keys > 0 && count(restored, (database) => database.size) === keys,
    `DBSIZE of ${original.databases.size} databases: ${keys} keys`,
    "DBSIZE differs",
  );
  check(
    count(original, (database) => database.expiries.size) > 0,
    `PEXPIRETIME of every key, XINFO of every stream, FUNCTION LIST: equal (${factsOf(restored)})`,
    "Nothing expires",
  );
}

async function damageAndCatch(store: string): Promise<void> {
  const data = join(store, "holdfast", "data");
  const object = (await readdir(data, { recursive: true })).filter((name) => name.endsWith(".zst.age")).sort()[0];
  if (object === undefined) throw new Error(`There is no object below "${data}"`);
  const { byte, bit } = await flipBit(join(data, object));
  say(
    `  flipped bit ${bit} of byte ${byte.toLocaleString("en")} of ${(await stat(join(data, object))).size.toLocaleString("en")} in data/${object}`,
  );
  const printed = await expectExit(3, ["verify", "--store", store]);
  check(printed.includes(`data/${object}`), `verify names data/${object}`, `verify failed without naming data/${object}`);
}

/** Runs `./holdfast` as a person would, shows what it prints, and returns that. */
async function expectExit(code: number, args: readonly string[]): Promise<string> {
  interruption.signal.throwIfAborted();
  say(`  $ ./holdfast ${args.join(" ")}`);
  const env = { ...process.env, RESTIC_PASSWORD: passphrase, HOLDFAST_LOG_FORMAT: "text" };
  const child = spawn(join(root, "holdfast"), args, { env, stdio: ["ignore", "pipe", "pipe"], signal: interruption.signal });
  let printed = "";
  for (const output of [child.stdout, child.stderr]) output.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const actual = await exitCodeOf(child);
  interruption.signal.throwIfAborted();
  for (const line of printed.trimEnd().split("\n")) say(styleText("dim", `    ${line}`));
  check(actual === code, `exit code ${actual}`, `"holdfast ${args[0]}" ended with exit code ${actual} instead of ${code}`);
  return printed;
}

/** Also an aborted child is waited for: it must not write into a directory that is being removed. */
function exitCodeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", (error) => {
      if (error.name !== "AbortError") reject(error);
    });
  });
}

async function redisCli(server: RedisServer, ...args: string[]): Promise<void> {
  interruption.signal.throwIfAborted();
  say(`  $ redis-cli -p ${server.port} ${args.join(" ")}`);
  await server.cli(...args);
}

function check(isTrue: boolean, fact: string, failure: string): void {
  if (!isTrue) throw new Error(failure);
  say(`  ${styleText("green", "✓")} ${fact}`);
}

function factsOf(data: DataDescription): string {
  const expiring = count(data, (database) => database.expiries.size).toLocaleString("en");
  const streams = count(data, (database) => database.streams.size).toLocaleString("en");
  return `${expiring} keys that expire, ${streams} streams, ${data.functions.size} function library`;
}

type Databases = DataDescription["databases"];

function count(data: DataDescription, size: (database: Databases extends ReadonlyMap<number, infer D> ? D : never) => number): number {
  return [...data.databases.values()].reduce((sum, database) => sum + size(database), 0);
}

async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

function step(number: number, title: string): void {
  say(`\n${styleText("bold", `${number}. ${title}`)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
