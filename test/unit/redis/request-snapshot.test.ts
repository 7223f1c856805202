import { openLink } from "../../../functions/redis/connection.ts";
import { redisEndpoint } from "../../../functions/redis/endpoint.ts";
import { requestSnapshot } from "../../../functions/redis/request-snapshot.ts";
import { DatabaseRefusedError, DatabaseUnavailableError, IncompleteError } from "../../../runner/errors.ts";
import { type Answer, startScriptedRedis } from "../../fakes/scripted-redis.ts";

const MARK = "m".repeat(40);

test("the handshake says one thing at a time, announces no port of its own, and asks for the RDB alone", async () => {
  const { outcome, commands } = await request({ SYNC: `$EOF:${MARK}\r\n` });

  expect(commands).toEqual(["PING", "REPLCONF listening-port 99999", "REPLCONF capa eof", "REPLCONF rdb-only 1", "SYNC"]);
  expect(outcome).toEqual({ framing: { kind: "mark", mark: Buffer.from(MARK) }, rdbOnly: true });
});

test("Valkey is told its own version", async () => {
  const { commands } = await request({ SYNC: "$100\r\n" }, { flavour: "valkey", version: "9.1.2" });

  expect(commands).toContain("REPLCONF version 9.1.2");
});

test("options that a server does not know are done without", async () => {
  const { outcome, warnings } = await request({ REPLCONF: "-ERR Unrecognized REPLCONF option: rdb-only\r\n", SYNC: "$123\r\n" });

  expect(outcome).toEqual({ framing: { kind: "length", length: 123 }, rdbOnly: false });
  expect(warnings).toEqual(["ListeningPortRefused"]);
});

test("newlines before the snapshot are signs of life", async () => {
  const { outcome, keepAlives } = await request({ SYNC: ["\n", "\n\n", "$", "12", "3\r\n"] });

  expect(keepAlives).toBe(3);
  expect(outcome).toMatchObject({ framing: { length: 123 } });
});

test.each([
  ["-NOMASTERLINK Can't SYNC while not connected with my master", DatabaseUnavailableError, "PrimaryLinkDown"],
  ["-LOADING Redis is loading the dataset in memory", DatabaseUnavailableError, "DatabaseLoading"],
  ["-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", DatabaseUnavailableError, "PrimaryLinkDown"],
  ["-BUSY Redis is busy running a script.", DatabaseUnavailableError, "DatabaseBusy"],
  ["-NOPERM User x has no permissions to run the 'sync' command", DatabaseRefusedError, "PermissionDenied"],
  ["-NOAUTH Authentication required.", DatabaseRefusedError, "AuthenticationRequired"],
  ["-ERR BGSAVE failed, replication can't continue", DatabaseRefusedError, "ForkFailed"],
  ["-ERR unknown command 'SYNC', with args beginning with: ", DatabaseRefusedError, "CommandUnavailable"],
  ["-ERR Command disallowed", DatabaseRefusedError, "CommandUnavailable"],
  ["-ERR something new", DatabaseRefusedError, "DatabaseRefused"],
  ["+FULLRESYNC 1 2", IncompleteError, "NotAnRdb"],
  ["$EOF:short", IncompleteError, "NotAnRdb"],
  ["$-1", IncompleteError, "NotAnRdb"],
])("the answer %s to SYNC fails by name", async (answer, type, reason) => {
  const { outcome } = await request({ SYNC: `${answer}\r\n` });

  expect(outcome).toBeInstanceOf(type);
  expect(outcome).toHaveProperty("reason", reason);
});

test("a missing right to REPLCONF is no unknown option", async () => {
  const { outcome, commands } = await request({ REPLCONF: "-NOPERM this user has no permissions to run the 'replconf' command\r\n" });

  expect(outcome).toHaveProperty("reason", "PermissionDenied");
  expect(commands).not.toContain("SYNC");
});

test("a missing right to PING is done without", async () => {
  const { outcome } = await request({ PING: "-NOPERM this user has no permissions to run the 'ping' command\r\n", SYNC: "$123\r\n" });

  expect(outcome).toMatchObject({ rdbOnly: true });
});

test.each([
  ["the connection ends", ["\n", "close"]],
  ["nothing more comes", ["\n"]],
])("when %s after SYNC, the snapshot was not sent, which is not tried again at once", async (_, answer) => {
  const { outcome } = await request({ SYNC: answer });

  expect(outcome).toBeInstanceOf(DatabaseUnavailableError);
  expect(outcome).toHaveProperty("reason", "SnapshotNotSent");
});

test("something that does not speak Redis fails at once", async () => {
  const { outcome } = await request({ PING: "HTTP/1.1 400 Bad Request\r\n" });

  expect(outcome).toHaveProperty("message", expect.stringContaining("is this a Redis or Valkey port?"));
});

async function request(answers: Readonly<Record<string, Answer>>, server = { flavour: "redis", version: "7.0.15" }) {
  await using scripted = await startScriptedRedis((command) => answers[command.split(" ")[0] as string] ?? "+OK\r\n");
  const database = { description: "redis://test", scheme: "redis", host: "127.0.0.1", port: scripted.port, path: "" };
  const endpoint = redisEndpoint({ ...database, tls: { verify: true }, credentials: new Map() });
  const link = await openLink(endpoint, { signal: new AbortController().signal });
  const warnings: string[] = [];
  let keepAlives = 0;
  const outcome: unknown = await requestSnapshot(link, {
    description: "redis://test",
    server,
    replyTimeoutMs: 200,
    idleTimeoutMs: 200,
    warn: (reason) => warnings.push(reason),
    onKeepAlive: (count) => {
      keepAlives = count;
    },
  }).catch((error) => error);
  link.destroy();
  return { outcome, commands: scripted.commands, warnings, keepAlives };
}
