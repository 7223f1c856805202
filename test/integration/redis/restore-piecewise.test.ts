import { redisRestore } from "../../../functions/redis/restore.ts";
import { InterruptedError } from "../../../runner/errors.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { type DataDescription, describeData, diffData } from "../../tools/redis-equality.ts";
import { connectResp } from "../../tools/resp.ts";
import { seededRandom } from "../../tools/seeded-random.ts";
import { length, string } from "../../unit/redis/rdb-bytes.ts";
import { databaseConnection } from "./database-connection.ts";
import { restoreContext, type SavedData, saveData } from "./restore-context.ts";

/** The least that proto-max-bulk-len can be. */
const LIMIT = 1024 * 1024;
const SMALL_COMMANDS = { arguments: ["--proto-max-bulk-len", "1mb"] };

let source: RedisServer;
let data: SavedData;
beforeAll(async () => {
  source = await startRedis();
  await fillLongValues(source);
  data = await saveData(source);
});
afterAll(() => source.stop());

test("values longer than a command may carry are restored in pieces, whatever their type", async () => {
  await using target = await startRedis(SMALL_COMMANDS);

  const result = await redisRestore.run(restoreContext(databaseConnection(target), data));

  expect(diffData(withoutSeenTimes(await describeData(source)), withoutSeenTimes(await describeData(target)))).toEqual([]);
  expect(result.counts).toMatchObject({ keys: 11, restored: 11 });
});

test("without CONFIG the target's limit is unknown, and a value beyond it fails the restore with the way out", async () => {
  await using target = await startRedis(SMALL_COMMANDS);
  const rights = ["+restore", "+select", "+dbsize", "+info", "+time"];
  await target.cli("ACL", "SETUSER", "bob", "on", ">secret", "~*", ...rights);

  const restoring = redisRestore.run(restoreContext(databaseConnection(target, { username: "bob", password: "secret" }), data));

  await expect(restoring).rejects.toMatchObject({ hint: expect.stringContaining("+config|get") });
});

describe("policies for a value in pieces", () => {
  let hash: SavedData;
  beforeAll(async () => {
    await using origin = await startRedis({ arguments: ["--rdbcompression", "no"] });
    await fillHash(origin, 300);
    await origin.cli("SET", "small", "1");
    hash = await saveData(origin);
  });

  test("skip leaves a key that exists as it is", async () => {
    await using target = await startRedis(SMALL_COMMANDS);
    await target.cli("SET", "hash", "mine");

    const { counts } = await redisRestore.run(restoreContext(databaseConnection(target), hash, { flags: { policy: "skip" } }));

    expect(counts).toMatchObject({ keys: 2, restored: 1, skipped: 1 });
    expect(await target.cli("GET", "hash")).toBe("mine");
  });

  test("skip refuses what looks like the rest of an interrupted restore, by name", async () => {
    await using target = await startRedis(SMALL_COMMANDS);
    await target.cli("HSET", "hash", "field 1", "half");
    await target.cli("EXPIRE", "hash", "500");

    const failure = await redisRestore
      .run(restoreContext(databaseConnection(target), hash, { flags: { policy: "skip" } }))
      .catch((error) => error);

    expect(failure).toMatchObject({ exitCode: 21, reason: "KeysRefused", message: expect.stringContaining('"hash"') });
    expect(failure.message).toContain("interrupted restore");
    expect(await target.cli("GET", "small")).toBe("1");
  });

  test("replace overwrites, as often as it is repeated", async () => {
    await using target = await startRedis(SMALL_COMMANDS);
    await target.cli("SET", "hash", "old");

    for (const _ of [1, 2]) await redisRestore.run(restoreContext(databaseConnection(target), hash, { flags: { policy: "replace" } }));

    expect(await target.cli("HLEN", "hash")).toBe("300");
    expect(await target.cli("TTL", "hash")).toBe("-1");
  });

  test("fail stops at a key that appeared meanwhile", async () => {
    await using target = await startRedis(SMALL_COMMANDS);
    const appearing = async (bytes: number) => {
      if (bytes > 0) await target.cli("SET", "hash", "appeared", "NX");
    };

    const restoring = redisRestore.run(restoreContext(databaseConnection(target), hash, { chunkBytes: 500_000, onChunk: appearing }));

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "KeyExists", message: expect.stringContaining('"hash"') });
    expect(await target.cli("GET", "hash")).toBe("appeared");
  });

  test("somebody who adds to the value meanwhile is noticed, and the half-written key is removed", async () => {
    await using target = await startRedis(SMALL_COMMANDS);
    const adding = async (bytes: number) => {
      if (bytes > 1_800_000 && (await target.cli("EXISTS", "hash")) === "1") await target.cli("HSET", "hash", "intruder", "1");
    };

    const restoring = redisRestore.run(restoreContext(databaseConnection(target), hash, { chunkBytes: 600_000, onChunk: adding }));

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "KeyChanged" });
    expect(await target.cli("EXISTS", "hash")).toBe("0");
  });

  test("a file that breaks off inside the value leaves nothing of its key", async () => {
    await using target = await startRedis(SMALL_COMMANDS);
    const rdb = hash.rdb.subarray(0, hash.rdb.indexOf("hash") + 2_000_000);

    const restoring = redisRestore.run(restoreContext(databaseConnection(target), { ...hash, rdb }));

    await expect(restoring).rejects.toMatchObject({ exitCode: 3, reason: "TruncatedRdb" });
    expect(await target.cli("EXISTS", "hash")).toBe("0");
  });

  test("an abort inside the value leaves a key that expires by itself", async () => {
    await using target = await startRedis(SMALL_COMMANDS);
    const abort = async () => {
      if ((await target.cli("EXISTS", "hash")) === "1") context.abort.abort(new InterruptedError("SIGTERM"));
    };
    const context = restoreContext(databaseConnection(target), hash, { chunkBytes: 600_000, onChunk: abort });

    await expect(redisRestore.run(context)).rejects.toMatchObject({ exitCode: 143 });
    expect(Number(await target.cli("TTL", "hash"))).toBeGreaterThan(0);
  });
});

describe("what no command can carry is refused by name, after everything else was restored", () => {
  test.each<[string, Buffer, number]>([
    ["a string longer than the target allows", string(Buffer.alloc(LIMIT + 1, "x")), 0],
    [
      "a field longer than the target allows",
      Buffer.concat([length(2), string("f"), string("v"), string("g"), string(Buffer.alloc(LIMIT + 1))]),
      4,
    ],
    ["a module's value", Buffer.concat([length(0x2000_0000_0000_0401n), length(5), string(Buffer.alloc(LIMIT)), length(0)]), 7],
  ])("%s", async (_what, value, type) => {
    await using target = await startRedis(SMALL_COMMANDS);
    const record = (kind: number, key: string, bytes: Buffer) => Buffer.concat([Buffer.of(kind), string(key), bytes]);
    const head = Buffer.from("REDIS0010\xfe\x00", "latin1");
    const rdb = Buffer.concat([
      head,
      record(0, "a", string("1")),
      record(type, "too long", value),
      record(0, "b", string("2")),
      Buffer.from("\xff12345678", "latin1"),
    ]);

    const failure = await redisRestore.run(restoreContext(databaseConnection(target), { rdb, facts: {} })).catch((error) => error);

    expect(failure).toMatchObject({
      exitCode: 21,
      reason: "KeysRefused",
      message: expect.stringContaining('"too long"'),
      facts: expect.objectContaining({ restored: 2, refused: 1 }),
    });
    expect(await target.cli("MGET", "a", "b")).toBe("1\n2");
    expect(await target.cli("DBSIZE")).toBe("2");
  });
});

/** One hash of so many fields of 9,000 bytes. */
async function fillHash(server: RedisServer, fields: number): Promise<void> {
  const random = seededRandom(3);
  await using connection = await connectResp(server);
  await connection.batch(Array.from({ length: fields }, (_, index) => ["HSET", "hash", `field ${index}`, random.bytes(9000)]));
}

/** No command sets when a consumer was last seen. */
function withoutSeenTimes(description: DataDescription): DataDescription {
  const strip = (text: string) => text.replaceAll(/"(seen|active)-time":-?\d+/g, "");
  const databases = [...description.databases].map(([number, database]) => {
    const streams = new Map([...database.streams].map(([key, text]) => [key, strip(text)]));
    return [number, { ...database, streams }] as const;
  });
  return { ...description, databases: new Map(databases) };
}

/** Several megabytes of every type, some of them compressed, one that expires. */
async function fillLongValues(server: RedisServer): Promise<void> {
  const random = seededRandom(7);
  const piece = () => random.bytes(3000);
  const lines = (index: number) => Array.from({ length: 60 }, (_, item) => `item ${index} ${item} ${random.bytes(20).toString("latin1")}`);
  await using connection = await connectResp(server);
  await connection.call("SET", "string", random.bytes(LIMIT));
  await connection.call("PEXPIREAT", "string", Date.now() + 3_600_000);
  await connection.call("SET", "string:shorter", random.bytes(LIMIT - 20));
  await connection.call("SET", "string:compressed", Buffer.alloc(LIMIT, "compressible "));
  for (let from = 0; from < 400; from += 100) {
    const commands = Array.from({ length: 100 }, (_, offset) => from + offset).flatMap((index) => [
      ["RPUSH", "list", piece(), String(index), Buffer.alloc(200, "y")],
      ["RPUSH", "list:small", ...lines(index)],
      ["SADD", "set", piece(), String(index)],
      ["ZADD", "zset", String(index / 7), piece(), "-0", `m${index}`, index % 2 ? "inf" : "1e300", `n${index}`],
      ["HSET", "hash", `field ${index}`, piece(), `number ${index}`, String(index)],
      ["XADD", "stream", `${index + 1}-${index}`, "field", piece(), "number", String(index)],
    ]);
    await connection.batch(commands);
  }
  await connection.call("XDEL", "stream", "7-6", "400-399");
  await connection.call("XGROUP", "CREATE", "stream", "group", "0");
  await connection.call("XREADGROUP", "GROUP", "group", "reader", "COUNT", "50", "STREAMS", "stream", ">");
  await connection.call("XREADGROUP", "GROUP", "group", "other", "COUNT", "5", "STREAMS", "stream", ">");
  await connection.call("XACK", "stream", "group", "1-0", "2-1");
  await connection.call("XGROUP", "CREATECONSUMER", "stream", "group", "idle");
  await connection.call("XGROUP", "CREATE", "stream", "second", "$");
  await connection.call("SET", "small", "1");
  await connection.call("SELECT", "3");
  await connection.call("SET", "\xff\x00binary\r\n", random.bytes(LIMIT - 64));
}
