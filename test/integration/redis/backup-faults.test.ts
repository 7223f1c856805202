// Whatever breaks on the way, the backup fails by name, and nothing unfinished passes for a backup.
import { redisBackup } from "../../../functions/redis/backup.ts";
import { DatabaseUnavailableError, IncompleteError, StoreUnavailableError } from "../../../runner/errors.ts";
import { type Fault, startTcpProxy } from "../../fakes/tcp-proxy.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { backupContext, MemorySnapshot } from "./backup-context.ts";
import { databaseConnection, tlsMaterial } from "./database-connection.ts";
import { waitUntil } from "./wait-until.ts";

const MARK_BYTES = 40;
/** The control connection comes first, the one that carries the snapshot second. */
const SNAPSHOT_LINK = 1;

describe("a connection that is cut (D7)", () => {
  test.each(["end", "reset"] as const)("at any of 20 places (%s) is a failed backup, and only the whole stream is one", async (kind) => {
    await using server = await startRedis();
    await fillRedis(server);
    const whole = backupContext(databaseConnection(server));
    await redisBackup.run(whole);
    const size = whole.snapshot.rdb.length;
    const inside = Array.from({ length: 14 }, (_, n) => Math.floor((size * n) / 14));
    const places = [...inside, size - 1, size, size + 1, size + 20, size + MARK_BYTES - 1, 3];

    const outcomes = [];
    for (const afterBytes of places)
      outcomes.push(await backUpThrough(server, { kind, direction: "toClient", afterBytes, countedFrom: "REDIS0" }));
    const complete = await backUpThrough(server, {
      kind: "end",
      direction: "toClient",
      afterBytes: size + MARK_BYTES,
      countedFrom: "REDIS0",
    });

    expect(places).toHaveLength(20);
    for (const { error, context } of outcomes) {
      expect(error).toBeInstanceOf(DatabaseUnavailableError);
      expect(error).toHaveProperty("message", expect.stringMatching(/ended after \d+ bytes/));
      expect(context.snapshot.streams.size).toBe(0);
    }
    expect(complete.error).toBeUndefined();
    expect(complete.context.snapshot.rdb.length).toBe(size);
  });

  test("under TLS is a failed backup too", async () => {
    await using server = await startRedis({ tls: true, arguments: ["--tls-auth-clients", "no", "--rdbcompression", "no"] });
    await fillRedis(server);
    const tls = await tlsMaterial(server);
    const whole = backupContext(databaseConnection(server, { tls }));
    await redisBackup.run(whole);
    const size = whole.snapshot.rdb.length;

    for (const kind of ["end", "reset"] as const) {
      for (const afterBytes of [Math.floor(size / 3), size - 1_000]) {
        await using proxy = await startTcpProxy({ port: server.tlsPort as number }, (connection) =>
          connection === SNAPSHOT_LINK ? { kind, direction: "toClient", afterBytes } : undefined,
        );
        const context = backupContext(databaseConnection(server, { tls, port: proxy.port }));

        const error = await redisBackup.run(context).catch((e) => e);

        expect(error).toBeInstanceOf(DatabaseUnavailableError);
        expect(context.snapshot.streams.size).toBe(0);
      }
    }
    expect(size).toBeGreaterThan(10_000);
  });

  test("before the snapshot begins is a failed backup", async () => {
    await using server = await startRedis();

    const { error } = await backUpThrough(server, { kind: "end", direction: "toClient", afterBytes: 12 });

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
  });

  test("because the server was killed in the middle of its snapshot is a failed backup (D1)", async () => {
    await using server = await slowServer();
    const snapshot = new MemorySnapshot(async () => server.kill());
    const context = backupContext(databaseConnection(server), { snapshot });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.message).toMatch(/ended after \d+ bytes/);
    expect(snapshot.streams.size).toBe(0);
  });
});

describe("a flipped bit", () => {
  test.each([
    ["in the first byte", () => 0, "NotAnRdb"],
    ["in the version", () => 8, "NotAnRdb"],
    ["in the middle", (size: number) => Math.floor(size / 2), "ChecksumMismatch"],
    ["in the end-of-file opcode", (size: number) => size - 9, "Incomplete"],
    ["in the checksum", (size: number) => size - 1, "ChecksumMismatch"],
  ])("%s is a failed backup", async (_, place, reason) => {
    await using server = await startRedis();
    await fillRedis(server);
    const whole = backupContext(databaseConnection(server));
    await redisBackup.run(whole);
    const afterBytes = place(whole.snapshot.rdb.length);

    const { error, context } = await backUpThrough(server, { kind: "flip", direction: "toClient", afterBytes, countedFrom: "REDIS0" });

    expect(error).toBeInstanceOf(IncompleteError);
    expect(error).toHaveProperty("reason", reason);
    expect(context.snapshot.streams.size).toBe(0);
  });

  test("in the end mark leaves a snapshot without end, which is a failed backup", async () => {
    await using server = await startRedis();
    const whole = backupContext(databaseConnection(server));
    await redisBackup.run(whole);
    const afterBytes = whole.snapshot.rdb.length + 5;

    const { error, context } = await backUpThrough(server, { kind: "flip", direction: "toClient", afterBytes, countedFrom: "REDIS0" });

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(context.snapshot.streams.size).toBe(0);
  });
});

describe("silence", () => {
  test.each([
    ["before the snapshot", "REDIS0", 0],
    ["inside the snapshot", "REDIS0", 60],
  ])("%s ends the backup at the idle time-out", async (_, countedFrom, afterBytes) => {
    await using server = await startRedis();
    await fillRedis(server);

    const { error } = await backUpThrough(server, { kind: "stall", direction: "toClient", afterBytes, countedFrom });

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
  });

  test("of a server that was stopped in the middle ends the backup at the idle time-out", async () => {
    await using server = await slowServer();
    const snapshot = new MemorySnapshot(async () => {
      process.kill(server.pid, "SIGSTOP");
    });
    const context = backupContext(databaseConnection(server), { snapshot, flags: { "redis-idle-timeout": "1" } });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.message).toContain("went silent");
  });
});

describe("an abort", () => {
  test("in the middle of the snapshot ends the backup at once with its own reason, and the server loses its replica", async () => {
    await using server = await slowServer();
    const reason = new Error("stopped by the test");
    const snapshot = new MemorySnapshot(async () => context.abort.abort(reason));
    const context = backupContext(databaseConnection(server), { snapshot });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBe(reason);
    await waitUntil(async () => (await server.cli("INFO", "replication")).includes("connected_slaves:0"));
  });

  test("while the store stalls does not wait for the store", async () => {
    await using server = await slowServer();
    const reason = new Error("stopped by the test");
    const snapshot = new MemorySnapshot(() => {
      setImmediate(() => context.abort.abort(reason));
      return new Promise(() => {});
    });
    const context = backupContext(databaseConnection(server), { snapshot });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBe(reason);
  });

  test("while a server that refuses connections is waited for ends the waiting", async () => {
    const server = await startRedis();
    await server.stop();
    const context = backupContext(databaseConnection(server), { waitTimeoutMs: 600_000 });

    const running = redisBackup.run(context).catch((e) => e);
    await waitUntil(() => context.logged.length > 0);
    const reason = new Error("stopped by the test");
    context.abort.abort(reason);

    expect(await running).toBe(reason);
  });
});

test("the store's failure is the backup's failure", async () => {
  await using server = await startRedis();
  await fillRedis(server);
  const failure = new StoreUnavailableError("The bucket is gone");
  const snapshot = new MemorySnapshot(async () => Promise.reject(failure));

  const error = await redisBackup.run(backupContext(databaseConnection(server), { snapshot })).catch((e) => e);

  expect(error).toBe(failure);
});

test("a server that stays away is reported when the wait time-out has passed", async () => {
  const server = await startRedis();
  await server.stop();

  const error = await redisBackup.run(backupContext(databaseConnection(server), { waitTimeoutMs: 100 })).catch((e) => e);

  expect(error).toBeInstanceOf(DatabaseUnavailableError);
  expect(error.message).toContain("connection refused");
});

async function backUpThrough(server: RedisServer, fault: Fault) {
  await using proxy = await startTcpProxy(server, (connection) => (connection === SNAPSHOT_LINK ? fault : undefined));
  // Where the connection ends, a slow machine must not look like silence.
  const seconds = fault.kind === "end" || fault.kind === "reset" ? "30" : "1";
  const context = backupContext(databaseConnection(server, { port: proxy.port }), { flags: { "redis-idle-timeout": seconds } });
  const error: unknown = await redisBackup.run(context).then(
    () => undefined,
    (e) => e,
  );
  await proxy.struck;
  return { error, context };
}

/** Its snapshot takes several seconds. */
async function slowServer(): Promise<RedisServer> {
  const server = await startRedis({ arguments: ["--rdb-key-save-delay", "200"] });
  await server.cli("DEBUG", "POPULATE", "30000", "key", "200");
  return server;
}
