// What a backup holds, and from which servers it can be taken.

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { redisBackup } from "../../../functions/redis/backup.ts";
import { DatabaseUnavailableError } from "../../../runner/errors.ts";
import { startNewRedis } from "../../servers/new-redis.ts";
import { startOldRedis } from "../../servers/old-redis.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { startValkey } from "../../servers/valkey.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { describeData, expectSameData } from "../../tools/redis-equality.ts";
import { backupContext } from "./backup-context.ts";
import { databaseConnection, tlsMaterial } from "./database-connection.ts";
import { waitUntil } from "./wait-until.ts";

test("a server started from the backup holds the same data, and redis-check-rdb finds no fault", async () => {
  await using server = await startRedis();
  await fillRedis(server);
  const context = backupContext(databaseConnection(server));

  const result = await redisBackup.run(context);

  await using copy = await startRedis({ rdb: context.snapshot.rdb });
  expectSameData(await describeData(server), await describeData(copy));
  const file = join(server.directory, "backup.rdb");
  await writeFile(file, context.snapshot.rdb);
  const check = await execa("redis-check-rdb", [file]);
  expect(check.stdout).toContain("RDB looks OK");
  expect(context.snapshot.streams.get("dump.rdb")).toMatchObject({
    mediaType: "application/x-redis-rdb",
    digest: `crc64:${(result.facts.rdb as { crc64: string }).crc64}`,
  });
  expect(context.warnings).toEqual([]);
});

test("the result names the server, the instant, the counts and what is not carried", async () => {
  await using server = await startRedis();
  const { keys } = await fillRedis(server);
  const context = backupContext(databaseConnection(server));

  const result = await redisBackup.run(context);

  const total = [...keys.values()].reduce((sum, count) => sum + count, 0);
  expect(result.server).toEqual({ flavour: "redis", version: "7.0.15", id: expect.stringMatching(/^[0-9a-f]{40}$/) });
  expect(result.consistency).toMatchObject({ replicationId: expect.stringMatching(/^[0-9a-f]{40}$/), offset: expect.any(Number) });
  expect(Date.parse(String(result.consistency.takenAt))).toBeGreaterThan(Date.now() - 60_000);
  expect(result.counts).toEqual({ bytes: context.snapshot.rdb.length, keysAtStart: total });
  expect(result.facts).toMatchObject({
    rdb: { header: "REDIS0010", version: 10, bytes: context.snapshot.rdb.length, isChecked: true, crc64: lastBytes(context.snapshot.rdb) },
    role: "primary",
    databases: 16,
    functionLibrariesAtStart: 1,
  });
  const keyspace = result.facts.keyspaceAtStart as Record<string, { keys: number }>;
  expect(Object.entries(keyspace).map(([name, { keys: count }]) => [name, count])).toEqual(
    [...keys].map(([database, count]) => [`db${database}`, count]),
  );
  expect(result.notCarried.map(({ name }) => name)).toEqual(["ACL users", "configuration"]);
});

test("nothing of ours stays in the database, and no client stays connected (D6)", async () => {
  await using server = await startRedis();
  await server.cli("SET", "only", "1");

  await redisBackup.run(backupContext(databaseConnection(server)));

  expect(await server.cli("INFO", "keyspace")).toMatch(/^# Keyspace\s+db0:keys=1,/);
  await waitUntil(async () => (await server.cli("CLIENT", "LIST")).split("\n").length === 1);
});

test("the snapshot is of one instant although writes go on (D15)", async () => {
  await using server = await startRedis({ arguments: ["--rdb-key-save-delay", "200"] });
  await server.cli("DEBUG", "POPULATE", "5000");
  await server.cli("MSET", "left", "0", "right", "0");
  const script = "for i = 1, 50 do redis.call('INCR', 'left') redis.call('INCR', 'right') end return redis.call('GET', 'left')";
  let isRunning = true;
  const writing = (async () => {
    let last = 0;
    while (isRunning) last = Number(await server.cli("EVAL", script, "0"));
    return last;
  })();
  const context = backupContext(databaseConnection(server));

  await redisBackup.run(context);
  isRunning = false;
  const last = await writing;

  await using copy = await startRedis({ rdb: context.snapshot.rdb });
  const [left, right] = (await copy.cli("MGET", "left", "right")).split("\n").map(Number);
  expect(left).toBe(right);
  expect(left).toBeLessThan(last);
});

describe("framing", () => {
  test.each([
    ["over the wire (diskless)", "yes", "mark"],
    ["by the server's disk", "no", "length"],
  ])("a server that sends its snapshot %s is backed up", async (_, diskless, framing) => {
    await using server = await startRedis({ arguments: ["--repl-diskless-sync", diskless] });
    await fillRedis(server);
    const context = backupContext(databaseConnection(server));

    await redisBackup.run(context);

    await using copy = await startRedis({ rdb: context.snapshot.rdb });
    expect(await copy.cli("DEBUG", "DIGEST")).toBe(await server.cli("DEBUG", "DIGEST"));
    expect(context.logged).toContainEqual({ message: "The snapshot begins", fields: expect.objectContaining({ framing }) });
  });

  test("while the server writes its snapshot to its disk, its newlines count as life", async () => {
    await using server = await startRedis({ arguments: ["--repl-diskless-sync", "no", "--rdb-key-save-delay", "300"] });
    await server.cli("DEBUG", "POPULATE", "10000");
    const context = backupContext(databaseConnection(server), { flags: { "redis-idle-timeout": "2" } });

    await redisBackup.run(context);

    expect(context.snapshot.rdb.length).toBeGreaterThan(100_000);
    expect(context.logged.map(({ message }) => message)).toContain("The server is preparing its snapshot");
  });

  test("a server that cannot write its snapshot is a failed backup that is not tried again", async () => {
    await using server = await startRedis({ arguments: ["--repl-diskless-sync", "no"] });
    await server.cli("SET", "a", "1");
    await rm(server.directory, { recursive: true });
    const context = backupContext(databaseConnection(server), { waitTimeoutMs: 600_000 });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.reason).toBe("SnapshotNotSent");
    expect(await server.cli("INFO", "stats")).toContain("sync_full:1");
  });

  test("an empty server is backed up", async () => {
    await using server = await startRedis();
    const context = backupContext(databaseConnection(server));

    const result = await redisBackup.run(context);

    await using copy = await startRedis({ rdb: context.snapshot.rdb });
    expect(await copy.cli("DBSIZE")).toBe("0");
    expect(result.counts.keysAtStart).toBe(0);
  });
});

describe("sources", () => {
  test("a server with TLS that demands client certificates and a password is backed up (S4)", async () => {
    await using server = await startRedis({ tls: true, password: "secret-1", arguments: ["--tls-auth-clients", "yes"] });
    await server.cli("SET", "a", "1");
    const tls = await tlsMaterial(server, { clientCertificate: true });
    const context = backupContext(databaseConnection(server, { tls, password: "secret-1" }));

    await redisBackup.run(context);

    expect(context.snapshot.rdb.subarray(0, 9).toString()).toBe("REDIS0010");
  });

  test("a replica in sync is backed up, and the result says that it was one", async () => {
    await using primary = await startRedis();
    await fillRedis(primary);
    await using replica = await startRedis({ arguments: ["--replicaof", "127.0.0.1", String(primary.port)] });
    await waitUntil(async () => (await replica.cli("INFO", "replication")).includes("master_link_status:up"));
    const context = backupContext(databaseConnection(replica));

    const result = await redisBackup.run(context);

    await using copy = await startRedis({ rdb: context.snapshot.rdb });
    expect(await copy.cli("DEBUG", "DIGEST")).toBe(await primary.cli("DEBUG", "DIGEST"));
    expect(result.facts.role).toBe("replica");
  });

  test("a server that is loading its data is waited for", async () => {
    await using server = await slowlyLoadingServer();
    const context = backupContext(databaseConnection(server), { waitTimeoutMs: 30_000 });

    const result = await redisBackup.run(context);

    expect(result.counts.keysAtStart).toBe(20_000);
    expect(context.logged.map(({ message }) => message)).toContain("Waiting for the database");
  });

  test.each([
    ["over the wire", "yes"],
    ["by its disk", "no"],
  ])("Redis 6.2, which knows no RDB-only replicas and sends its snapshot %s, is backed up while writes go on", async (_, diskless) => {
    await using server = await startOldRedis({ arguments: ["--repl-diskless-sync", diskless] });
    await fillRedis(server);
    const before = await describeData(server);
    let isRunning = true;
    const writing = (async () => {
      while (isRunning) await server.cli("-n", "1", "PUBLISH", "nobody", "listens");
    })();
    const context = backupContext(databaseConnection(server));

    const result = await redisBackup.run(context);
    isRunning = false;
    await writing;

    await using copy = await startOldRedis({ rdb: context.snapshot.rdb });
    expectSameData(before, await describeData(copy));
    expect(result.facts.rdb).toMatchObject({ header: "REDIS0009", version: 9 });
  });

  test("Redis 8.0, with hash fields that expire, is backed up", async () => {
    await using server = await startNewRedis();
    await fillRedis(server);
    const before = await describeData(server);
    const context = backupContext(databaseConnection(server));

    const result = await redisBackup.run(context);

    await using copy = await startNewRedis({ rdb: context.snapshot.rdb });
    expectSameData(before, await describeData(copy));
    expect(result.facts.rdb).toMatchObject({ header: "REDIS0012", version: 12 });
  });

  test("Valkey is backed up", async () => {
    await using server = await startValkey();
    await server.cli("MSET", "a", "1", "b", "2");
    const context = backupContext(databaseConnection(server));

    const result = await redisBackup.run(context);

    await using copy = await startValkey({ rdb: context.snapshot.rdb });
    expect(await copy.cli("DEBUG", "DIGEST")).toBe(await server.cli("DEBUG", "DIGEST"));
    expect(result.server).toMatchObject({ flavour: "valkey", version: "9.1.2" });
  });

  test("Valkey sends the expiry times of hash fields, because its own version is announced", async () => {
    await using server = await startValkey();
    await fillRedis(server);
    await server.cli("HSETEX", "hash", "PX", "3600000", "FIELDS", "1", "field", "value");
    const context = backupContext(databaseConnection(server));

    const result = await redisBackup.run(context);

    await using copy = await startValkey({ rdb: context.snapshot.rdb });
    expectSameData(await describeData(server), await describeData(copy));
    expect(await copy.cli("HPEXPIRETIME", "hash", "FIELDS", "1", "field")).toBe(
      await server.cli("HPEXPIRETIME", "hash", "FIELDS", "1", "field"),
    );
    expect(result.facts.rdb).toMatchObject({ header: "VALKEY080", version: 80 });
  });
});

describe("faults of the tool that this one replaces cannot happen", () => {
  test("streams and HyperLogLogs, and the keys around them, are all there (D2)", async () => {
    await using server = await startRedis();
    await server.cli("DEBUG", "POPULATE", "1000");
    for (let n = 0; n < 20; n += 1) await server.cli("XADD", `stream:${n}`, "*", "field", "value");
    await server.cli("XGROUP", "CREATE", "stream:1", "group", "0");
    const context = backupContext(databaseConnection(server));

    await redisBackup.run(context);

    await using copy = await startRedis({ rdb: context.snapshot.rdb });
    expectSameData(await describeData(server), await describeData(copy));
    expect(await copy.cli("DBSIZE")).toBe("1020");
  });

  test("lists are not doubled while other keys expire during the backup (D3)", async () => {
    await using server = await startRedis({ arguments: ["--rdb-key-save-delay", "100"] });
    const fill = `for i = 1, 2000 do redis.call('RPUSH', 'list:'..i, 1, 2, 3, 4)
      redis.call('SET', 'brief:'..i, 1, 'PX', 1 + i % 400) end return 1`;
    await server.cli("EVAL", fill, "0");
    const context = backupContext(databaseConnection(server));

    await redisBackup.run(context);

    await using copy = await startRedis({ rdb: context.snapshot.rdb });
    const count = "local n = 0 for i = 1, 2000 do if redis.call('LLEN', 'list:'..i) == 4 then n = n + 1 end end return n";
    expect(await copy.cli("EVAL", count, "0")).toBe("2000");
  });

  test("keys keep the millisecond of their end, and none of those with less than a second to live becomes eternal (D4)", async () => {
    await using server = await startRedis();
    const end = Date.now() + 3_600_123;
    await server.cli("SET", "long", "1", "PXAT", String(end));
    await server.cli("EVAL", "for i = 1, 500 do redis.call('SET', 'brief:'..i, 1, 'PX', 100 + i) end return 1", "0");
    const context = backupContext(databaseConnection(server));

    await redisBackup.run(context);

    await using copy = await startRedis({ rdb: context.snapshot.rdb });
    expect(await copy.cli("PEXPIRETIME", "long")).toBe(String(end));
    const eternal = "local n = 0 for i = 1, 500 do if redis.call('PTTL', 'brief:'..i) == -1 then n = n + 1 end end return n";
    expect(await copy.cli("EVAL", eternal, "0")).toBe("0");
  });
});

async function slowlyLoadingServer(): Promise<RedisServer> {
  await using source = await startRedis();
  await source.cli("DEBUG", "POPULATE", "20000");
  const context = backupContext(databaseConnection(source));
  await redisBackup.run(context);
  const slow = ["--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"];
  return startRedis({ rdb: context.snapshot.rdb, arguments: slow, whileLoading: true });
}

/** The checksum as it stands at the end of an RDB. */
function lastBytes(rdb: Buffer): string {
  return rdb
    .readBigUInt64LE(rdb.length - 8)
    .toString(16)
    .padStart(16, "0");
}
