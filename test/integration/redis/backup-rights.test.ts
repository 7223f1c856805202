// What a user may lack, and what a server may refuse.
import { redisBackup } from "../../../functions/redis/backup.ts";
import { DatabaseRefusedError, DatabaseUnavailableError, IncompleteError } from "../../../runner/errors.ts";
import { freePort } from "../../servers/free-port.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { backupContext } from "./backup-context.ts";
import { databaseConnection } from "./database-connection.ts";

const password = "canary-5be2";

describe("rights", () => {
  test("SYNC and REPLCONF are enough, and what INFO would have told is said to be unknown", async () => {
    await using server = await serverWithUser("+sync", "+replconf");
    const context = backupContext(databaseConnection(server, { username: "backup", password }));

    const result = await redisBackup.run(context);

    expect(context.snapshot.rdb.length).toBeGreaterThan(100);
    expect(context.warnings.map(({ reason }) => reason)).toEqual(["InfoNotAllowed"]);
    expect(context.warnings[0]?.message).toContain("+info");
    expect(result.server).toEqual({ flavour: "redis", version: "7.0.15", id: "" });
    expect(result.counts).toEqual({ bytes: context.snapshot.rdb.length });
  });

  test("the rights that the documentation names leave nothing unknown", async () => {
    await using server = await serverWithUser("+sync", "+replconf", "+psync", "+ping", "+info");
    const context = backupContext(databaseConnection(server, { username: "backup", password }));

    const result = await redisBackup.run(context);

    expect(context.warnings).toEqual([]);
    expect(result.counts.keysAtStart).toBe(1);
  });

  test.each([
    ["+sync", ["+replconf", "+ping", "+info", "+psync"], ["+sync"]],
    ["+replconf", ["+sync", "+ping", "+info", "+psync"], ["+replconf"]],
    ["everything", [], ["+sync", "+replconf", "+psync", "+ping", "+info"]],
  ])("a user without %s is refused, and the message names exactly what is missing", async (_, granted, missing) => {
    await using server = await serverWithUser(...granted);
    const context = backupContext(databaseConnection(server, { username: "backup", password }), { waitTimeoutMs: 600_000 });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseRefusedError);
    expect(error.reason).toBe("PermissionDenied");
    expect(error.facts).toEqual({ missingRights: missing });
    expect(error.message).toMatch(new RegExp(`lacks ${missing.map((right) => `\\${right}`).join(" ")}$`));
    expect(error.hint).toBe(`ACL SETUSER backup ${missing.join(" ")}`);
    expect(await server.cli("INFO", "stats")).toContain("sync_full:0");
  });

  test.each([
    ["a wrong password", { username: "backup", password: "wrong" }, "WrongCredentials"],
    ["an unknown user", { username: "nobody", password }, "WrongCredentials"],
  ])("%s is not waited for", async (_, credentials, reason) => {
    await using server = await serverWithUser("+sync", "+replconf");
    const context = backupContext(databaseConnection(server, credentials), { waitTimeoutMs: 600_000 });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseRefusedError);
    expect(error.reason).toBe(reason);
    expect(JSON.stringify([error.message, error.hint, error.facts, context.logged, context.warnings])).not.toContain(password);
  });

  test("a missing password is told as what the server demands, not as a missing right", async () => {
    await using server = await startRedis({ password });
    const context = backupContext(databaseConnection(server), { waitTimeoutMs: 600_000 });

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseRefusedError);
    expect(error.reason).toBe("AuthenticationRequired");
  });
});

describe("servers that cannot be backed up", () => {
  test("a node of a cluster is refused, because it holds only its shard", async () => {
    await using server = await startRedis({ arguments: ["--cluster-enabled", "yes"] });

    const error = await redisBackup.run(backupContext(databaseConnection(server))).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseRefusedError);
    expect(error.reason).toBe("ClusterNotSupported");
  });

  test("a node of a cluster is refused also when the user may not run INFO", async () => {
    await using server = await serverWithUser("+sync", "+replconf", { arguments: ["--cluster-enabled", "yes"] });
    const context = backupContext(databaseConnection(server, { username: "backup", password }));

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toHaveProperty("reason", "ClusterNotSupported");
  });

  test("a replica without its primary is unavailable, and nothing is taken from it", async () => {
    await using server = await startRedis({ arguments: ["--replicaof", "127.0.0.1", String(await freePort())] });
    const context = backupContext(databaseConnection(server));

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.reason).toBe("PrimaryLinkDown");
    expect(context.snapshot.streams.size).toBe(0);
  });

  test("a replica without its primary says so itself when the user may not run INFO", async () => {
    await using server = await serverWithUser("+sync", "+replconf");
    await server.cli("REPLICAOF", "127.0.0.1", String(await freePort()));
    const context = backupContext(databaseConnection(server, { username: "backup", password }));

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.reason).toBe("PrimaryLinkDown");
  });

  test("a server whose SYNC was renamed away is refused by the command's name", async () => {
    await using server = await startRedis({ arguments: ["--rename-command", "SYNC", ""] });

    const error = await redisBackup.run(backupContext(databaseConnection(server))).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseRefusedError);
    expect(error.reason).toBe("CommandUnavailable");
    expect(error.message).toContain("SYNC");
  });
});

describe("a server without checksums (rdbchecksum no)", () => {
  test.each([
    ["when its configuration can be read, before anything is sent", { username: undefined, password: undefined }],
    ["at the end of the stream, when its configuration cannot be read", { username: "backup", password }],
  ])("is an incomplete backup %s", async (_, user) => {
    await using server = await serverWithUser("+sync", "+replconf", { arguments: ["--rdbchecksum", "no"] });
    const credentials = user.username === undefined ? {} : { username: user.username, password: user.password };
    const context = backupContext(databaseConnection(server, credentials));

    const error = await redisBackup.run(context).catch((e) => e);

    expect(error).toBeInstanceOf(IncompleteError);
    expect(error.reason).toBe("UncheckedSnapshot");
    expect(context.snapshot.streams.size).toBe(0);
  });

  test("is backed up with --allow-unchecked, and the facts say so", async () => {
    await using server = await startRedis({ arguments: ["--rdbchecksum", "no"] });
    const context = backupContext(databaseConnection(server), { flags: { "allow-unchecked": "true" } });

    const result = await redisBackup.run(context);

    expect(result.facts.rdb).toMatchObject({ isChecked: false, crc64: null });
    expect(context.warnings.map(({ reason }) => reason)).toEqual(["UncheckedSnapshot"]);
    expect(context.snapshot.streams.get("dump.rdb")?.digest).toBeUndefined();
  });

  test("does not weaken the proof of a server with checksums", async () => {
    await using server = await startRedis();
    const context = backupContext(databaseConnection(server), { flags: { "allow-unchecked": "true" } });

    const result = await redisBackup.run(context);

    expect(result.facts.rdb).toMatchObject({ isChecked: true });
  });
});

async function serverWithUser(...rights: (string | { arguments: readonly string[] })[]): Promise<RedisServer> {
  const options = rights.find((right) => typeof right === "object") ?? {};
  const server = await startRedis(options);
  await server.cli("SET", "a", "1").catch(() => "a cluster without slots takes no key");
  await server.cli("ACL", "SETUSER", "backup", "on", `>${password}`, ...rights.filter((right) => typeof right === "string"));
  return server;
}
