import { redisRestore } from "../../../functions/redis/restore.ts";
import { InterruptedError } from "../../../runner/errors.ts";
import type { DatabaseConnection } from "../../../runner/function.ts";
import { startTcpProxy } from "../../fakes/tcp-proxy.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { databaseConnection } from "./database-connection.ts";
import { type RestoreChoices, restoreContext, type SavedData, saveData } from "./restore-context.ts";
import { waitUntil } from "./wait-until.ts";

const KEYS = 200_000;
let small: SavedData;
let many: SavedData;
beforeAll(async () => {
  await using source = await startRedis();
  await source.cli("SET", "one", "1");
  small = await saveData(source);
  await source.cli("DEL", "one");
  await source.cli("DEBUG", "POPULATE", String(KEYS), "key", "40");
  many = await saveData(source);
});

function restore(target: RedisServer | DatabaseConnection, data: SavedData, choices: RestoreChoices = {}) {
  const connection = "pid" in target ? databaseConnection(target) : target;
  return redisRestore.run(restoreContext(connection, data, choices));
}

describe("refused before anything is written", () => {
  test("a replica", async () => {
    await using primary = await startRedis();
    await using target = await startRedis({ arguments: ["--replicaof", "127.0.0.1", String(primary.port)] });

    const restoring = restore(target, small);

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "TargetIsReplica" });
  });

  test("a node of a cluster (D5, S5: what cannot be routed is refused, not half done)", async () => {
    await using target = await startRedis({ arguments: ["--cluster-enabled", "yes"] });

    const restoring = restore(target, small);

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "ClusterNotSupported" });
  });

  test("a server with too few databases", async () => {
    await using target = await startRedis({ arguments: ["--databases", "4"] });
    const facts = { keyspaceAtStart: { db9: { keys: 1, expires: 0 } } };

    const restoring = restore(target, { rdb: small.rdb, facts });

    await expect(restoring).rejects.toMatchObject({
      exitCode: 21,
      reason: "TooFewDatabases",
      message: expect.stringContaining("database 9"),
    });
    expect(await target.cli("DBSIZE")).toBe("0");
  });

  test("a server whose memory clearly does not suffice", async () => {
    await using target = await startRedis({ arguments: ["--maxmemory", "10mb"] });
    const facts = { ...many.facts, rdb: { usedMemoryBytes: 50_000_000 } };

    const restoring = restore(target, { rdb: many.rdb, facts });

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "TargetTooSmall" });
    expect(await target.cli("DBSIZE")).toBe("0");
  });

  test("a server that takes no writes for want of replicas", async () => {
    await using target = await startRedis({ arguments: ["--min-replicas-to-write", "1"] });

    const restoring = restore(target, small);

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "NotEnoughReplicas" });
  });

  test("a server without the modules of the source", async () => {
    await using target = await startRedis();
    const facts = { ...small.facts, modules: [{ name: "ReJSON", version: 20_809 }] };

    const restoring = restore(target, { rdb: small.rdb, facts });

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "ModulesMissing", facts: { missingModules: ["ReJSON"] } });
    expect(await target.cli("DBSIZE")).toBe("0");
  });

  test("a wrong password", async () => {
    await using target = await startRedis({ password: "right" });

    const restoring = restore(databaseConnection(target, { password: "wrong" }), small);

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, reason: "WrongCredentials" });
  });

  test("a user without the rights, who is told all of them", async () => {
    await using target = await startRedis();
    await target.cli("ACL", "SETUSER", "bob", "on", ">secret", "~*", "+info", "+config|get", "+time");

    const restoring = restore(databaseConnection(target, { username: "bob", password: "secret" }), small);

    await expect(restoring).rejects.toMatchObject({
      exitCode: 21,
      reason: "PermissionDenied",
      hint: "ACL SETUSER bob +restore +select +dbsize",
    });
  });

  test("a user who may not load the functions that the file has", async () => {
    await using target = await startRedis();
    await target.cli("ACL", "SETUSER", "bob", "on", ">secret", "~*", "+info", "+time", "+restore", "+select", "+dbsize");
    const library = Buffer.concat([Buffer.of(245), Buffer.from("\x0f#!lua name=lib\n", "latin1")]);
    const rdb = Buffer.concat([Buffer.from("REDIS0010"), library, Buffer.from("\xff12345678", "latin1")]);

    const restoring = restore(databaseConnection(target, { username: "bob", password: "secret" }), { rdb, facts: {} });

    await expect(restoring).rejects.toMatchObject({ exitCode: 21, hint: "ACL SETUSER bob +function|restore +function|list" });
  });

  test("without CONFIG, the highest database is tried", async () => {
    await using target = await startRedis({ arguments: ["--databases", "4"] });
    await target.cli("ACL", "SETUSER", "bob", "on", ">secret", "~*", "+info", "+time", "+restore", "+select", "+dbsize");
    const facts = { keyspaceAtStart: { db9: { keys: 1, expires: 0 } } };

    const restoring = restore(databaseConnection(target, { username: "bob", password: "secret" }), { rdb: small.rdb, facts });

    await expect(restoring).rejects.toMatchObject({
      exitCode: 21,
      reason: "TooFewDatabases",
      message: expect.stringContaining("database 9"),
    });
  });

  test("a file of a version that nobody knows yet", async () => {
    await using target = await startRedis();
    const rdb = Buffer.from(small.rdb);
    rdb.write("REDIS0099", "latin1");

    const restoring = restore(target, { ...small, rdb });

    await expect(restoring).rejects.toMatchObject({
      exitCode: 3,
      reason: "UnsupportedRdbVersion",
      message: expect.stringContaining("REDIS0099"),
    });
    expect(await target.cli("DBSIZE")).toBe("0");
  });

  test("a file that is no RDB", async () => {
    await using target = await startRedis();

    const restoring = restore(target, { rdb: Buffer.from("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"), facts: {} });

    await expect(restoring).rejects.toMatchObject({ exitCode: 3, reason: "NotAnRdbFile" });
  });
});

test("the least rights suffice", async () => {
  await using target = await startRedis();
  const rights = ["+restore", "+select", "+dbsize", "+info", "+time"];
  await target.cli("ACL", "SETUSER", "bob", "on", ">secret", "~*", ...rights);

  const { counts } = await restore(databaseConnection(target, { username: "bob", password: "secret" }), many);

  expect(counts.restored).toBe(KEYS);
});

test("without INFO and TIME the restore says so and still counts", async () => {
  await using target = await startRedis();
  await target.cli("ACL", "SETUSER", "bob", "on", ">secret", "~*", "+restore", "+select", "+dbsize");
  const context = restoreContext(databaseConnection(target, { username: "bob", password: "secret" }), small);

  const { counts } = await redisRestore.run(context);

  expect(counts.restored).toBe(1);
  expect(context.warnings.map(({ reason }) => reason)).toContain("TimeNotAllowed");
});

test("modules that no key needs may be missing when the user says so", async () => {
  await using target = await startRedis();
  const data = { rdb: small.rdb, facts: { ...small.facts, modules: [{ name: "ReJSON", version: 20_809 }] } };
  const context = restoreContext(databaseConnection(target), data, { flags: { "allow-missing-modules": "true" } });

  const { counts } = await redisRestore.run(context);

  expect(counts.restored).toBe(1);
  expect(context.warnings.map(({ reason }) => reason)).toContain("ModulesMissing");
});

test("an empty file restores nothing, completely", async () => {
  await using source = await startRedis();
  const empty = await saveData(source);
  await using target = await startRedis();

  const { counts } = await restore(target, empty);

  expect(counts).toMatchObject({ keys: 0, restored: 0 });
});

describe("half done", () => {
  test("a target that runs out of memory stops the restore, which says how far it came", async () => {
    await using target = await startRedis({ arguments: ["--maxmemory", "12mb", "--maxmemory-policy", "noeviction"] });
    const { keyspaceAtStart } = many.facts;

    const failure = await restore(target, { rdb: withoutUsedMemory(many.rdb), facts: { keyspaceAtStart } }).catch((error) => error);

    expect(failure).toMatchObject({ exitCode: 21, reason: "TargetOutOfMemory" });
    expect(failure.facts.restored).toBe(Number(await target.cli("DBSIZE")));
    expect(failure.hint).toMatch(/now has \d+ keys/);
  });

  test("a target that evicts keys is warned of, and missing keys make the restore incomplete", async () => {
    await using target = await startRedis({ arguments: ["--maxmemory", "12mb", "--maxmemory-policy", "allkeys-random"] });
    const context = restoreContext(databaseConnection(target), many);

    const failure = await redisRestore.run(context).catch((error) => error);

    expect(failure).toMatchObject({ exitCode: 3, reason: "CountsDiffer", hint: expect.stringContaining("evicted") });
    expect(context.warnings.map(({ reason }) => reason)).toContain("EvictionPossible");
  });

  test("a target that dies is unavailable, with what was done before", async () => {
    await using target = await startRedis();
    const dying = async (bytes: number) => {
      if (bytes >= 2_000_000) await target.kill();
    };

    const failure = await restore(target, many, { chunkBytes: 1_000_000, onChunk: dying }).catch((error) => error);

    expect(failure).toMatchObject({ exitCode: 20 });
    expect(failure.facts.restored).toBeGreaterThan(0);
    expect(failure.facts.restored).toBeLessThan(KEYS);
  });

  test.each(["reset", "end"] as const)(
    "a connection that is cut (%s) is unavailable, and --policy skip goes on from there",
    async (kind) => {
      await using target = await startRedis();
      await using proxy = await startTcpProxy(target, (connection) =>
        connection === 1 ? { kind, direction: "toServer", afterBytes: 3_000_000 } : undefined,
      );
      const connection = databaseConnection(target, { port: proxy.port });

      const failure = await restore(connection, many).catch((error) => error);
      const { counts } = await restore(connection, many, { flags: { policy: "skip" } });

      expect(failure).toMatchObject({ exitCode: 20 });
      expect(failure.facts.restored + failure.facts.unanswered).toBeGreaterThanOrEqual(counts.skipped as number);
      expect((counts.restored ?? 0) + (counts.skipped ?? 0)).toBe(KEYS);
      expect(await target.cli("DBSIZE")).toBe(String(KEYS));
    },
  );

  test("an abort ends the restore at once, with what was done before", async () => {
    await using target = await startRedis();
    const abort = async (bytes: number) => {
      if (bytes < 2_000_000) return;
      await waitUntil(async () => Number(await target.cli("DBSIZE")) > 0);
      context.abort.abort(new InterruptedError("SIGTERM"));
    };
    const context = restoreContext(databaseConnection(target), many, { chunkBytes: 1_000_000, onChunk: abort });

    const failure = await redisRestore.run(context).catch((error) => error);

    expect(failure).toMatchObject({ exitCode: 143, reason: "Interrupted" });
    expect(failure.facts.restored).toBeGreaterThan(0);
    expect(Number(await target.cli("DBSIZE"))).toBeLessThan(KEYS);
  });

  test("a file that is cut short is a failure, however many keys came before", async () => {
    await using target = await startRedis();

    const failure = await restore(target, { ...many, rdb: many.rdb.subarray(0, many.rdb.length - 5) }).catch((error) => error);

    expect(failure).toMatchObject({
      exitCode: 3,
      reason: "TruncatedRdb",
      facts: expect.objectContaining({ restored: expect.any(Number) }),
    });
  });

  test("bytes behind the end are a failure", async () => {
    await using target = await startRedis();

    const failure = await restore(target, { ...small, rdb: Buffer.concat([small.rdb, Buffer.from("x")]) }).catch((error) => error);

    expect(failure).toMatchObject({ exitCode: 3, reason: "CorruptRdb" });
  });

  test("a value that the target refuses fails the restore by its key, after all others were restored (D5: no error is dropped)", async () => {
    await using target = await startRedis();
    await using source = await startRedis();
    await source.cli("RPUSH", "damaged", "a", "b");
    await source.cli("SET", "good", "1");
    const data = await saveData(source);
    // The header of the list's listpack no longer tells its length.
    const at = data.rdb.indexOf("damaged") + "damaged".length + 3;
    data.rdb[at] = 0x7f;

    const failure = await restore(target, data).catch((error) => error);

    expect(failure).toMatchObject({
      exitCode: 21,
      reason: "KeysRefused",
      message: expect.stringContaining('key "damaged" of database 0'),
      facts: expect.objectContaining({ restored: 1, refused: 1 }),
    });
    expect(await target.cli("GET", "good")).toBe("1");
  });
});

/** Renames the field that tells how much memory the source used, so that nothing foresees what will happen. */
function withoutUsedMemory(rdb: Buffer): Buffer {
  const changed = Buffer.from(rdb);
  changed.write("used-xyz", changed.indexOf("used-mem"));
  return changed;
}
