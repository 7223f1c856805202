// Looks that use nothing: what `holdfast doctor` asks of a server.
import { redisBackup } from "../../../functions/redis/backup.ts";
import { redisRestore } from "../../../functions/redis/restore.ts";
import type { CheckContext, DatabaseConnection } from "../../../runner/function.ts";
import { freePort } from "../../servers/free-port.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { databaseConnection, tlsMaterial } from "./database-connection.ts";

const password = "canary-77d0";
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis({ tls: true });
  await server.cli("set", "key", "value");
});
afterAll(() => server.stop());

async function look(fn: Pick<typeof redisBackup | typeof redisRestore, "check">, database: DatabaseConnection) {
  const notes: string[] = [];
  const ignore = () => undefined;
  const context: CheckContext = {
    database,
    signal: new AbortController().signal,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    warn: (reason) => void notes.push(reason),
  };
  const outcome = await fn.check?.(context).catch((error: unknown) => error);
  return { outcome, notes };
}

/** A user with these rights and no others. */
async function userWith(...rights: string[]): Promise<DatabaseConnection> {
  const username = `user-${rights.join("")}`;
  await server.cli("acl", "setuser", username, "on", `>${password}`, "~*", "-@all", ...rights);
  return databaseConnection(server, { username, password });
}

test.each([
  ["source", redisBackup],
  ["target", redisRestore],
] as const)("a look at a %s tells which server it is, in clear and over TLS, and leaves nothing behind", async (_, fn) => {
  const before = await server.cli("debug", "digest");

  const inClear = await look(fn, databaseConnection(server));
  const overTls = await look(
    fn,
    databaseConnection(server, { scheme: "rediss", tls: await tlsMaterial(server, { clientCertificate: true }) }),
  );

  expect(inClear).toEqual({ outcome: `redis 7.0.15 at redis://127.0.0.1:${server.port} takes user "default"`, notes: [] });
  expect(overTls).toEqual({ outcome: `redis 7.0.15 at rediss://127.0.0.1:${server.tlsPort} takes user "default", over TLS`, notes: [] });
  expect(await server.cli("debug", "digest")).toBe(before);
  expect(await server.cli("info", "stats")).toContain("sync_full:0");
});

test("rights that a backup needs are named as missing, those that it only likes are noted", async () => {
  const needed = await look(redisBackup, await userWith("+replconf", "+ping", "+info", "+psync"));
  const liked = await look(redisBackup, await userWith("+sync", "+replconf"));

  expect(needed.outcome).toMatchObject({ exitCode: 21, reason: "PermissionDenied", facts: { missingRights: ["+sync"] } });
  expect(liked).toMatchObject({ outcome: expect.stringContaining("takes user"), notes: ["RightsMissing"] });
});

test("rights that a restore needs are named as missing", async () => {
  const { outcome } = await look(redisRestore, await userWith("+restore", "+info"));

  expect(outcome).toMatchObject({ exitCode: 21, reason: "PermissionDenied", facts: { missingRights: ["+select", "+dbsize"] } });
});

test.each([
  ["source", redisBackup],
  ["target", redisRestore],
] as const)(
  "a %s that is away, or does not know the password, or whose certificate is another's, is told and not waited for",
  async (_, fn) => {
    const away = databaseConnection(server, { port: await freePort() });
    const strange = databaseConnection(server, { username: "default", password: "wrong" });
    const wrongName = databaseConnection(server, {
      scheme: "rediss",
      tls: { ...(await tlsMaterial(server)), serverName: "another.example" },
    });
    await server.cli("acl", "setuser", "default", "resetpass", `>${password}`);

    const outcomes = [];
    for (const database of [away, strange, wrongName]) outcomes.push((await look(fn, database)).outcome);
    await server.cli("--user", "default", "--pass", password, "--no-auth-warning", "acl", "setuser", "default", "nopass");

    expect(outcomes).toEqual([
      expect.objectContaining({ exitCode: 20, reason: "DatabaseUnreachable" }),
      expect.objectContaining({ exitCode: 21, reason: "WrongCredentials" }),
      expect.objectContaining({ exitCode: 21, reason: "TlsVerificationFailed" }),
    ]);
  },
);

test("a server without checksums is noted: a backup of it fails unless that is allowed", async () => {
  await using unchecked = await startRedis({ arguments: ["--rdbchecksum", "no"] });

  const { notes } = await look(redisBackup, databaseConnection(unchecked));

  expect(notes).toEqual(["UncheckedSnapshot"]);
});

test("a replica is no target", async () => {
  await using replica = await startRedis({ arguments: ["--replicaof", "127.0.0.1", String(server.port)] });

  const { outcome } = await look(redisRestore, databaseConnection(replica));

  expect(outcome).toMatchObject({ exitCode: 21, reason: "TargetIsReplica" });
});
