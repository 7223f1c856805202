// A demonstration on real parts: fill a Redis, back it up, lose everything, restore, prove equality, damage the backup, catch it.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  check,
  damageAndCatch,
  expectExit,
  runDemo,
  say,
  showShell,
  step,
  temporaryDirectory,
  throwIfStopped,
  title,
} from "./demo-stage.ts";
import { type RedisServer, startRedis } from "./servers/redis-server.ts";
import { fillRedis } from "./tools/redis-dataset.ts";
import { type DataDescription, describeData, diffData } from "./tools/redis-equality.ts";

const SCALE = 0.05;

await runDemo(async () => {
  await using directory = await temporaryDirectory();
  await using server = await startRedis();
  const url = `redis://127.0.0.1:${server.port}`;
  const store = join(directory.path, "backups");
  title("Holdfast: a real Redis is backed up, lost, restored and compared; then the backup is damaged, and caught.");

  step(1, "A Redis with data of every kind");
  const original = await fill(server);

  step(2, "Back it up, encrypted, into a directory");
  showShell();
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

  const keys = count(original, (database) => database.size).toLocaleString("en");
  return `${keys} keys came back identical, and a single damaged bit was caught`;
});

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

async function redisCli(server: RedisServer, ...args: string[]): Promise<void> {
  throwIfStopped();
  say(`  $ redis-cli -p ${server.port} ${args.join(" ")}`);
  await server.cli(...args);
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
