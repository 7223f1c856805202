import { createServer, type Socket } from "node:net";
import { openControl, openLink } from "../../../functions/redis/connection.ts";
import { redisEndpoint } from "../../../functions/redis/endpoint.ts";
import { askForLine } from "../../../functions/redis/reply-line.ts";
import { DatabaseRefusedError, DatabaseUnavailableError } from "../../../runner/errors.ts";
import { freePort } from "../../servers/free-port.ts";
import { startRedis } from "../../servers/redis-server.ts";
import { databaseConnection, tlsMaterial } from "./database-connection.ts";

const signal = new AbortController().signal;
const secret = "canary-7f1c";

test("a control connection and a link in clear reach a server that demands a password", async () => {
  await using server = await startRedis({ password: secret });
  const endpoint = redisEndpoint(databaseConnection(server, { password: secret }));

  await using control = await openControl(endpoint, { signal });
  const link = await openLink(endpoint, { signal });

  expect(await control.call("SET", "a", "1")).toBe("OK");
  expect(await askForLine(link, ["PING"], 30_000)).toBe("PONG");
  link.destroy();
});

test("an ACL user's name is sent with the password (S7)", async () => {
  await using server = await startRedis({ password: secret });
  await server.cli("ACL", "SETUSER", "ops", "on", `>${secret}2`, "+ping", "+acl|whoami");

  await using control = await openControl(redisEndpoint(databaseConnection(server, { username: "ops", password: `${secret}2` })), {
    signal,
  });

  expect(await control.call("ACL", "WHOAMI")).toBe("ops");
});

test("a wrong password is refused at once, and stands in no message (R7)", async () => {
  await using server = await startRedis({ password: secret });

  const error = await openLink(redisEndpoint(databaseConnection(server, { password: `${secret}-wrong` })), { signal }).catch((e) => e);

  expect(error).toBeInstanceOf(DatabaseRefusedError);
  expect(error.reason).toBe("WrongCredentials");
  expect(inspectAll(error)).not.toContain(secret);
});

test("a server that echoes the arguments of an unknown AUTH does not bring the password into a message", async () => {
  await using server = await startRedis({ arguments: ["--rename-command", "AUTH", "hidden"] });

  const error = await openLink(redisEndpoint(databaseConnection(server, { password: secret })), { signal }).catch((e) => e);

  expect(error).toBeInstanceOf(DatabaseRefusedError);
  expect(error.message).toContain("unknown command");
  expect(inspectAll(error)).not.toContain(secret);
});

test("a missing password shows as what the server demands when the first command runs", async () => {
  await using server = await startRedis({ password: secret });
  await using control = await openControl(redisEndpoint(databaseConnection(server)), { signal });

  const error = await control.call("INFO").catch((e) => e);

  expect(error).toBeInstanceOf(DatabaseRefusedError);
  expect(error).toHaveProperty("reason", "AuthenticationRequired");
});

test("a password that the server does not demand is told in the log and does no harm", async () => {
  await using server = await startRedis();
  const warnings: string[] = [];
  const log = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message), error() {} };

  await using control = await openControl(redisEndpoint(databaseConnection(server, { password: secret })), { signal, log });

  expect(await control.call("PING")).toBe("PONG");
  expect(warnings).toEqual(["The server demands no password although one is given"]);
});

describe("TLS", () => {
  test("a CA turns TLS on, and a client certificate is presented to a server that demands one", async () => {
    await using server = await startRedis({ tls: true, arguments: ["--tls-auth-clients", "yes"] });
    const endpoint = redisEndpoint(databaseConnection(server, { tls: await tlsMaterial(server, { clientCertificate: true }) }));

    await using control = await openControl(endpoint, { signal });

    expect(await control.call("PING")).toBe("PONG");
  });

  test("a server that demands a client certificate refuses a connection without one", async () => {
    await using server = await startRedis({ tls: true, arguments: ["--tls-auth-clients", "yes"] });
    const endpoint = redisEndpoint(databaseConnection(server, { tls: await tlsMaterial(server) }));
    const ping = async () => {
      await using control = await openControl(endpoint, { signal });
      return control.call("PING");
    };

    const error = await ping().catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseRefusedError);
    expect(error).toHaveProperty("reason", "TlsRefused");
  });

  test("an unknown CA is refused, and the reason names the certificate (S3)", async () => {
    await using server = await startRedis({ tls: true, arguments: ["--tls-auth-clients", "no"] });
    await using other = await startRedis({ tls: true });
    const endpoint = redisEndpoint(databaseConnection(server, { tls: await tlsMaterial(other) }));

    const error = await openLink(endpoint, { signal }).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseRefusedError);
    expect(error.reason).toBe("TlsVerificationFailed");
  });

  test("a certificate for another name is refused, the system's roots do not know ours, and both pass when verification is off", async () => {
    await using server = await startRedis({ tls: true, arguments: ["--tls-auth-clients", "no"] });
    const material = await tlsMaterial(server);
    const open = (tls: object) => openLink(redisEndpoint(databaseConnection(server, { scheme: "rediss", tls })), { signal });

    const wrongName = await open({ ...material, serverName: "redis.example" }).catch((e) => e);
    const noCa = await open({}).catch((e) => e);
    const rightName = await open({ ...material, serverName: "localhost" });
    const unverified = await open({ verify: false });

    expect(wrongName.reason).toBe("TlsVerificationFailed");
    expect(noCa.reason).toBe("TlsVerificationFailed");
    expect(await askForLine(rightName, ["PING"], 30_000)).toBe("PONG");
    expect(await askForLine(unverified, ["PING"], 30_000)).toBe("PONG");
    rightName.destroy();
    unverified.destroy();
  });

  test("TLS spoken to a plain port fails by name", async () => {
    await using server = await startRedis();
    const endpoint = redisEndpoint(databaseConnection(server, { scheme: "rediss" }));

    const error = await openLink(endpoint, { signal, timeoutMs: 1_000 }).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.message).toContain("does this port speak TLS?");
  });
});

describe("nothing hangs", () => {
  test("a closed port is an unavailable database", async () => {
    const endpoint = redisEndpoint(databaseConnection({ port: await freePort(), tlsPort: undefined }));

    const error = await openControl(endpoint, { signal }).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.reason).toBe("DatabaseUnreachable");
  });

  test.each(["in clear", "with TLS"])("a port that accepts and says nothing ends at the time-out, %s", async (kind) => {
    await using silent = await silentServer();
    const endpoint = redisEndpoint(databaseConnection(silent, { password: secret, scheme: kind === "with TLS" ? "rediss" : "redis" }));

    const error = await openLink(endpoint, { signal, timeoutMs: 100 }).catch((e) => e);

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(error.message).toMatch(/no (answer|connection) within 100 ms/);
  });

  test("an abort ends the attempt with its own reason", async () => {
    await using silent = await silentServer();
    const abort = new AbortController();
    const reason = new Error("stopped");
    const endpoint = redisEndpoint(databaseConnection(silent, { password: secret }));

    const opening = openLink(endpoint, { signal: abort.signal }).catch((e) => e);
    await silent.connected;
    abort.abort(reason);

    expect(await opening).toBe(reason);
  });

  test("a command on a control connection whose server dies fails and is not repeated", async () => {
    await using server = await startRedis();
    await using control = await openControl(redisEndpoint(databaseConnection(server)), { signal });

    const waiting = control.call("DEBUG", "SLEEP", "30").catch((e) => e);
    await server.kill();
    const error = await waiting;

    expect(error).toBeInstanceOf(DatabaseUnavailableError);
    expect(await control.call("PING").catch((e) => e)).toBeInstanceOf(DatabaseUnavailableError);
  });
});

async function silentServer() {
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    resolve();
  });
  const port = await freePort();
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  return {
    port,
    tlsPort: undefined,
    connected,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** An error and its causes, with everything that they carry. */
function inspectAll(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error; current instanceof Error; current = current.cause)
    parts.push(current.message, String(current.stack), JSON.stringify(current));
  return parts.join("\n");
}
