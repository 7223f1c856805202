import { redisRestore } from "../../../functions/redis/restore.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { describeData, diffData } from "../../tools/redis-equality.ts";
import { databaseConnection } from "./database-connection.ts";
import { type RestoreChoices, restoreContext, type SavedData, saveData } from "./restore-context.ts";
import { waitUntil } from "./wait-until.ts";

let source: RedisServer;
let data: SavedData;
beforeAll(async () => {
  source = await startRedis();
  await fillRedis(source);
  data = await saveData(source);
});
afterAll(() => source.stop());

function restore(target: RedisServer, choices: RestoreChoices & { readonly data?: SavedData } = {}) {
  return redisRestore.run(restoreContext(databaseConnection(target), choices.data ?? data, choices));
}

const SKIP = { flags: { policy: "skip" } };
const REPLACE = { flags: { policy: "replace" } };

describe("policy fail", () => {
  test("a database that is not empty refuses the restore before the first write, with the counts", async () => {
    await using target = await startRedis();
    await target.cli("-n", "9", "SET", "mine", "1");
    await target.cli("-n", "9", "SET", "mine too", "1");

    const restoring = restore(target);

    await expect(restoring).rejects.toMatchObject({
      exitCode: 21,
      reason: "TargetNotEmpty",
      message: expect.stringContaining("database 9 holds 2 keys"),
      facts: expect.objectContaining({ existing: { 9: 2 }, restored: 0 }),
    });
    expect(await target.cli("INFO", "keyspace")).toMatch(/^# Keyspace\s+db9:keys=2,expires=0,\S+$/);
    expect(await target.cli("FUNCTION", "LIST")).toBe("");
  });

  test("keys in a database that the snapshot does not touch do not matter", async () => {
    await using target = await startRedis();
    await target.cli("-n", "5", "SET", "mine", "1");

    const { counts } = await restore(target);

    expect(counts.restored).toBe(332);
    expect(await target.cli("-n", "5", "GET", "mine")).toBe("1");
  });

  test("without the keyspace in the facts, every database must be empty", async () => {
    await using target = await startRedis();
    await target.cli("-n", "5", "SET", "mine", "1");

    const restoring = restore(target, { data: { rdb: data.rdb, facts: {} } });

    await expect(restoring).rejects.toMatchObject({ reason: "TargetNotEmpty", facts: { existing: { 5: 1 } } });
  });

  test("a database that the facts do not foresee is looked at before its first key", async () => {
    await using target = await startRedis();
    await target.cli("-n", "15", "SET", "mine", "1");
    const facts = { keyspaceAtStart: { db0: { keys: 83, expires: 0 } } };

    const restoring = restore(target, { data: { rdb: data.rdb, facts } });

    await expect(restoring).rejects.toMatchObject({ reason: "TargetNotEmpty", facts: { existing: { 15: 1 }, restored: 249 } });
    expect(await target.cli("-n", "15", "DBSIZE")).toBe("1");
  });

  test("a key that appears meanwhile fails the restore by its name", async () => {
    await using target = await startRedis();
    await using bulk = await startRedis();
    await bulk.cli("DEBUG", "POPULATE", "200000", "key", "40");
    const many = await saveData(bulk);
    const appearing = async (bytes: number) => {
      if (bytes > 0) for (let n = 0; n < 200_000; n += 20_000) await target.cli("SET", `key:${n}`, "appeared", "NX");
    };

    const restoring = restore(target, { data: many, chunkBytes: 1_000_000, onChunk: appearing });

    await expect(restoring).rejects.toMatchObject({
      exitCode: 21,
      reason: "KeyExists",
      message: expect.stringMatching(/key "key:(0|\d+0000)" of database 0/),
    });
    const failure = await restoring.catch((error) => error);
    expect(failure.facts.refused).toBeGreaterThan(0);
    expect(failure.facts.restored).toBeLessThan(200_000);
    expect(failure.facts.firstRefused[0]).toMatchObject({ database: 0, error: "BUSYKEY Target key name already exists." });
    expect(failure.hint).toMatch(/The target now has \d+ keys of the snapshot.*--policy skip goes on/);
  });

  test("a function library that exists already fails the restore before the first key", async () => {
    await using target = await startRedis();
    await target.cli("FUNCTION", "LOAD", "#!lua name=holdfast_sample\nredis.register_function('mine', function() return 1 end)");

    const restoring = restore(target);

    await expect(restoring).rejects.toMatchObject({
      exitCode: 21,
      reason: "FunctionsExist",
      message: expect.stringContaining("holdfast_sample"),
    });
    expect(await target.cli("INFO", "keyspace")).toBe("# Keyspace");
  });
});

describe("policy skip", () => {
  test("keys that exist stay as they are, all others are restored", async () => {
    await using target = await startRedis();
    const lists = (await source.cli("--raw", "KEYS", "list:*")).split("\n");
    for (const key of lists) await target.cli("SET", key, "mine");

    const { counts } = await restore(target, SKIP);

    expect(counts).toMatchObject({ keys: 332, restored: 332 - lists.length, skipped: lists.length });
    for (const key of lists) expect(await target.cli("GET", key)).toBe("mine");
  });

  test("a library that exists stays as it is", async () => {
    await using target = await startRedis();
    await target.cli("FUNCTION", "LOAD", "#!lua name=holdfast_sample\nredis.register_function('mine', function() return 1 end)");

    const { counts } = await restore(target, SKIP);

    expect(counts).toMatchObject({ functionLibraries: 0, functionLibrariesSkipped: 1 });
    expect(await target.cli("FCALL", "mine", "0")).toBe("1");
  });
});

describe("policy replace", () => {
  test("keys that exist are overwritten, and counted", async () => {
    await using target = await startRedis();
    for (const key of (await source.cli("--raw", "KEYS", "hash:*")).split("\n")) await target.cli("SET", key, "mine");
    const before = Number(await target.cli("DBSIZE"));

    const { counts } = await restore(target, REPLACE);

    expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
    expect(counts).toMatchObject({ restored: 332, replaced: before, skipped: 0 });
  });

  test("other keys stay", async () => {
    await using target = await startRedis();
    await target.cli("SET", "not in the snapshot", "1");

    await restore(target, REPLACE);

    expect(await target.cli("DBSIZE")).toBe("84");
  });

  test("a library that exists is overwritten", async () => {
    await using target = await startRedis();
    await target.cli("FUNCTION", "LOAD", "#!lua name=holdfast_sample\nredis.register_function('mine', function() return 1 end)");

    const { counts } = await restore(target, REPLACE);

    expect(counts.functionLibraries).toBe(1);
    expect(await target.cli("FCALL", "sample_ping", "0")).toBe("pong");
  });
});

test.each([
  ["skip", SKIP],
  ["replace", REPLACE],
])("a restore that is repeated with policy %s doubles no list and changes nothing (D8)", async (_policy, choices) => {
  await using target = await startRedis();
  await restore(target);

  await restore(target, choices);

  expect(diffData(await describeData(source), await describeData(target))).toEqual([]);
});

describe("expiry", () => {
  test("keys that expired since the backup are counted and not created", async () => {
    await using origin = await startRedis();
    await origin.cli("SET", "long", "1", "EX", "3600");
    await origin.cli("SET", "for ever", "1");
    // Last, and long enough to be in the file.
    await origin.cli("SET", "short", "1", "PX", "1000");
    const saved = await saveData(origin);
    await waitUntil(async () => (await origin.cli("EXISTS", "short")) === "0");
    await using target = await startRedis();

    const { counts } = await restore(target, { data: saved });

    expect(counts).toMatchObject({ keys: 3, restored: 2, expired: 1 });
    expect(await target.cli("DBSIZE")).toBe("2");
  });

  test("keys that expire while the restore runs make no false failure", async () => {
    await using origin = await startRedis();
    await origin.cli("SET", "for ever", "1");
    await origin.cli("EVAL", "for n = 0, 19 do redis.call('SET', 'short '..n, 1, 'PX', 1500) end", "0");
    const saved = await saveData(origin);
    await using target = await startRedis();
    const half = saved.rdb.length >> 1;
    const expiring = async (bytes: number) => {
      if (bytes > 0) await waitUntil(async () => (await origin.cli("EXISTS", "short 0", "short 19")) === "0");
    };

    const { counts } = await restore(target, { data: saved, chunkBytes: half + 1, onChunk: expiring });

    expect((counts.restored ?? 0) + (counts.expired ?? 0)).toBe(21);
    expect(await target.cli("GET", "for ever")).toBe("1");
  });

  test.each([
    ["without expiry", []],
    ["with expiry", ["EX", "3600"]],
  ])("a key %s that is gone at the end makes the restore incomplete", async (_kind, expiry) => {
    await using origin = await startRedis();
    await origin.cli("SET", "victim", "1", ...expiry);
    await origin.cli("SET", "other", "2", ...expiry);
    const saved = await saveData(origin);
    await using target = await startRedis();
    const vanishing = async (bytes: number) => {
      if (bytes >= saved.rdb.length - 9) await waitUntil(async () => (await target.cli("DEL", "victim")) === "1");
    };
    // The end mark and the checksum come alone, so that every key is there before.
    const chunks = { data: saved, chunkBytes: saved.rdb.length - 9, onChunk: vanishing };

    const restoring = restore(target, chunks);

    await expect(restoring).rejects.toMatchObject({
      exitCode: 3,
      reason: "CountsDiffer",
      message: expect.stringContaining("instead of 2"),
    });
  });
});

describe("some databases", () => {
  test("are restored alone, without function libraries; what is in the others does not matter", async () => {
    await using target = await startRedis();
    await target.cli("SET", "mine", "1");
    const expected = (await describeData(source)).databases.get(9);

    const { counts } = await restore(target, { flags: { databases: "9" } });

    const { databases, functions } = await describeData(target);
    expect(counts.restored).toBe(expected?.size);
    expect([...databases.keys()]).toEqual([0, 9]);
    expect(databases.get(9)).toEqual(expected);
    expect(databases.get(0)?.size).toBe(1);
    expect(functions.size).toBe(0);
  });

  test("are those that the backup was told, unless the restore is told others", async () => {
    await using target = await startRedis();
    const told = { rdb: data.rdb, facts: { ...data.facts, databasesMeant: [9] } };

    const context = restoreContext(databaseConnection(target), told);
    await redisRestore.run(context);
    const first = await describeData(target);
    await restore(target, { data: told, flags: { databases: "0,15" } });
    const second = await describeData(target);

    expect([...first.databases.keys()]).toEqual([9]);
    expect(context.warnings).toEqual([{ reason: "SomeDatabasesOnly", message: expect.stringContaining("database 9,") }]);
    expect([...second.databases.keys()]).toEqual([0, 9, 15]);
  });

  test("that are not empty refuse the restore", async () => {
    await using target = await startRedis();
    await target.cli("-n", "9", "SET", "mine", "1");

    await expect(restore(target, { flags: { databases: "9" } })).rejects.toMatchObject({ reason: "TargetNotEmpty" });
    expect(await target.cli("-n", "9", "DBSIZE")).toBe("1");
  });

  test("that the snapshot does not hold fail the restore by number", async () => {
    await using target = await startRedis();

    await expect(restore(target, { flags: { databases: "9,11" } })).rejects.toMatchObject({
      exitCode: 3,
      reason: "DatabaseNotInSnapshot",
      facts: expect.objectContaining({ missingDatabases: [11] }),
    });
  });

  test("that a backup recorded in an unknown way are not taken for all", async () => {
    await using target = await startRedis();
    const told = { rdb: data.rdb, facts: { ...data.facts, databasesMeant: "9" } };

    await expect(restore(target, { data: told })).rejects.toMatchObject({ exitCode: 3 });
    expect(await target.cli("INFO", "keyspace")).toBe("# Keyspace");
  });
});
