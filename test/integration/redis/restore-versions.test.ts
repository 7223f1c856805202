import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { redisRestore } from "../../../functions/redis/restore.ts";
import { startNewRedis } from "../../servers/new-redis.ts";
import { startOldRedis } from "../../servers/old-redis.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { startValkey } from "../../servers/valkey.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { describeData, diffData } from "../../tools/redis-equality.ts";
import { connectResp } from "../../tools/resp.ts";
import { databaseConnection } from "./database-connection.ts";
import { restoreContext, saveData } from "./restore-context.ts";

type Start = (options?: { arguments?: readonly string[] }) => Promise<RedisServer>;

const SMALL_COMMANDS = { arguments: ["--proto-max-bulk-len", "1mb"] };

test.each<[string, string, { from: Start; to: Start }]>([
  ["Redis 6.2 (RDB 9)", "Redis 6.2", { from: startOldRedis, to: startOldRedis }],
  ["Redis 6.2 (RDB 9)", "Redis 7.0", { from: startOldRedis, to: startRedis }],
  ["Redis 7.0 (RDB 10)", "Redis 8.0", { from: startRedis, to: startNewRedis }],
  ["Redis 7.0 (RDB 10)", "Valkey 9.1", { from: startRedis, to: startValkey }],
  ["Redis 8.0 (RDB 12, with expiring fields)", "Redis 8.0", { from: startNewRedis, to: startNewRedis }],
  ["Valkey 9.1 (VALKEY080, with expiring fields)", "Valkey 9.1", { from: startValkey, to: startValkey }],
])("a file of %s is restored into %s as that server itself would load it", async (_from, _to, { from, to }) => {
  await using source = await from();
  await fillRedis(source);
  const data = await saveData(source);
  await using folder = await mkdtempDisposable(join(tmpdir(), "holdfast-rdb-"));
  await writeFile(join(folder.path, "dump.rdb"), data.rdb);
  await using reference = await to({ arguments: ["--dir", folder.path] });
  await using target = await to();

  const result = await redisRestore.run(restoreContext(databaseConnection(target), data));

  expect(diffData(await describeData(reference), await describeData(target))).toEqual([]);
  expect(result.counts).toMatchObject({ keys: result.counts.restored, expired: 0, skipped: 0 });
});

test.each<[string, Start, string]>([
  ["REDIS0012", startRedis, "redis 7.0"],
  ["REDIS0010", startOldRedis, "redis 6.2"],
  ["VALKEY080", startNewRedis, "redis 8.0"],
  ["REDIS0012", startValkey, "valkey 9.1"],
])("a file of version %s is refused by a server that cannot read it, before anything is written", async (header, start, who) => {
  await using target = await start();
  const rdb = Buffer.concat([Buffer.from(header), Buffer.from("\xfe\x00\x00\x01a\x01b\xff12345678", "latin1")]);

  const restoring = redisRestore.run(restoreContext(databaseConnection(target), { rdb, facts: {} }));

  await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "RdbVersionTooNew", message: expect.stringContaining(header) });
  await expect(restoring).rejects.toThrow(who);
  expect(await target.cli("DBSIZE")).toBe("0");
});

test.each<[string, Start]>([
  ["Redis 6.2", startOldRedis],
  ["Redis 8.0", startNewRedis],
  ["Valkey 9.1", startValkey],
])("long values of %s, with the times of their fields, are restored in pieces", async (_name, start) => {
  await using source = await start();
  const hasFieldExpiry = start !== startOldRedis;
  await using connection = await connectResp(source);
  for (let index = 0; index < 60; index += 1) {
    const text = `${index} `.repeat(9000);
    await connection.batch([
      ["HSET", "hash", `field ${index}`, text, `number ${index}`, String(index)],
      ["RPUSH", "list", text, String(index)],
      ["ZADD", "zset", String(index), text],
      ["XADD", "stream", `${index + 1}-0`, "field", text],
    ]);
    if (hasFieldExpiry) await connection.call("HPEXPIRE", "hash", 3_600_000 + (index % 7), "FIELDS", 1, `field ${index}`);
  }
  await source.cli("CONFIG", "SET", "rdbcompression", "no");
  const data = await saveData(source);
  await using target = await start(SMALL_COMMANDS);

  await redisRestore.run(restoreContext(databaseConnection(target), data));

  expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
});
