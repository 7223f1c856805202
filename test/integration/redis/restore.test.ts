import { redisBackup } from "../../../functions/redis/backup.ts";
import { redisRestore } from "../../../functions/redis/restore.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { describeData, diffData } from "../../tools/redis-equality.ts";
import { connectResp, type RespConnection } from "../../tools/resp.ts";
import { seededRandom } from "../../tools/seeded-random.ts";
import { backupContext } from "./backup-context.ts";
import { databaseConnection, tlsMaterial } from "./database-connection.ts";
import { restoreContext, type SavedData, saveData } from "./restore-context.ts";

let source: RedisServer;
let data: SavedData;
beforeAll(async () => {
  source = await startRedis();
  await fillRedis(source);
  data = await saveData(source);
});
afterAll(() => source.stop());

test("a restored server holds every type, database, expiry time, consumer group and function of the source", async () => {
  await using target = await startRedis();

  const result = await redisRestore.run(restoreContext(databaseConnection(target), data));

  expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
  expect(result.counts).toMatchObject({ keys: 332, restored: 332, skipped: 0, expired: 0, functionLibraries: 1 });
});

test("what redis-backup made, redis-restore restores, and its facts are understood", async () => {
  const backup = backupContext(databaseConnection(source));
  const { facts } = await redisBackup.run(backup);
  await using target = await startRedis();
  await using filled = await startRedis();
  await filled.cli("-n", "9", "SET", "mine", "1");

  await redisRestore.run(restoreContext(databaseConnection(target), { rdb: backup.snapshot.rdb, facts }));
  const refused = redisRestore.run(restoreContext(databaseConnection(filled), { rdb: backup.snapshot.rdb, facts }));

  expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
  await expect(refused).rejects.toMatchObject({ reason: "TargetNotEmpty", facts: { existing: { 9: 1 }, restored: 0 } });
});

test("over TLS, the same comes out", async () => {
  await using target = await startRedis({ tls: true });

  await redisRestore.run(restoreContext(databaseConnection(target, { tls: await tlsMaterial(target, { clientCertificate: true }) }), data));

  expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
});

test("it makes no difference in which chunks the file arrives", async () => {
  for (const chunkBytes of [97, 4096, 65_537]) {
    await using target = await startRedis();

    await redisRestore.run(restoreContext(databaseConnection(target), data, { chunkBytes }));

    expect(await target.cli("DEBUG", "DIGEST")).toBe(await source.cli("DEBUG", "DIGEST"));
  }
});

test("values of 20 MB of every kind arrive, and keys of any bytes, and how long each was idle", async () => {
  await using origin = await startRedis({ arguments: ["--maxmemory-policy", "allkeys-lru"] });
  await fillLarge(origin);
  const saved = await saveData(origin);
  await using target = await startRedis({ arguments: ["--maxmemory-policy", "allkeys-lru"] });

  const { counts } = await redisRestore.run(restoreContext(databaseConnection(target), saved));

  expect(diffData(await describeData(origin), await describeData(target))).toEqual([]);
  expect(counts.restored).toBe(counts.keys);
  expect(Number(await target.cli("OBJECT", "IDLETIME", "idle"))).toBeGreaterThanOrEqual(5000);
});

test("how often a key was used is restored where the target counts it", async () => {
  // By default it counts down by one at every full minute.
  const lfu = { arguments: ["--maxmemory-policy", "allkeys-lfu", "--lfu-decay-time", "1000"] };
  await using origin = await startRedis(lfu);
  await origin.cli("SET", "used", "1");
  for (let n = 0; n < 30; n += 1) await origin.cli("GET", "used");
  const frequency = await origin.cli("OBJECT", "FREQ", "used");
  const saved = await saveData(origin);
  await using target = await startRedis(lfu);

  await redisRestore.run(restoreContext(databaseConnection(target), saved));

  expect(await target.cli("OBJECT", "FREQ", "used")).toBe(frequency);
});

async function fillLarge(server: RedisServer): Promise<void> {
  const random = seededRandom(11);
  const large = random.bytes(20_000_000);
  const pieces = Array.from({ length: 2000 }, (_, index) => large.subarray(index * 10_000, (index + 1) * 10_000));
  await using connection = await connectResp(server);
  await connection.call("SET", Buffer.from([0, 255, 13, 10, 36, 42]), large);
  await connection.call("SET", "", "the empty key");
  await connection.call("SET", Buffer.alloc(700_000, "long key "), "v");
  await connection.call("RPUSH", "list", ...pieces);
  await connection.call("SADD", "set", ...pieces);
  await connection.call("ZADD", "zset", ...pieces.flatMap((piece, index) => [String(index / 3), piece]));
  await connection.call("HSET", "hash", ...pieces.flatMap((piece, index) => [`f${index}`, piece]));
  await connection.batch(pieces.map((piece, index) => ["XADD", "stream", `${index + 1}-1`, "f", piece]));
  await connection.call("RESTORE", "idle", "0", (await dump(connection)) as Buffer, "IDLETIME", "5000");
}

async function dump(connection: RespConnection): Promise<unknown> {
  await connection.call("SET", "short", "1");
  return connection.call("DUMP", "short");
}
