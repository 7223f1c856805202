import { connect, createServer, type Socket } from "node:net";
import { type ReceiveOptions, receiveSnapshot } from "../../../functions/redis/receive-snapshot.ts";
import type { AnnouncedSnapshot } from "../../../functions/redis/request-snapshot.ts";
import { DatabaseUnavailableError, IncompleteError, StoreUnavailableError } from "../../../runner/errors.ts";

const MARK = Buffer.from("0123456789".repeat(4));
const BY_MARK: AnnouncedSnapshot = { framing: { kind: "mark", mark: MARK }, rdbOnly: true };

test("the data arrive in order, whole, and the link stays with the caller", async () => {
  await using pair = await socketPair();
  const data = Buffer.alloc(3_000_000, "some data ");
  pair.server.write(data);
  pair.server.write(MARK);

  const { error, written } = await receive(pair.client, BY_MARK);

  expect(error).toBeUndefined();
  expect(written.equals(data)).toBe(true);
  expect(pair.client.destroyed).toBe(false);
});

test.each([
  ["newlines behind the mark", BY_MARK, `data${MARK}\n\n\n`],
  ["commands behind a length from a server without RDB-only replicas", lengthOf(4, false), "data*1\r\n$4\r\nPING\r\n"],
])("%s are no part of the data and no fault", async (_, snapshot, sent) => {
  await using pair = await socketPair();
  pair.server.write(sent);

  const { error, written } = await receive(pair.client, snapshot);

  expect(error).toBeUndefined();
  expect(written.toString()).toBe("data");
});

test.each([
  ["other bytes behind the mark", BY_MARK, `data${MARK}\nx`],
  ["commands behind a length although the RDB alone was asked for", lengthOf(4, true), "data*1\r\n$4\r\nPING\r\n"],
  ["other bytes behind a length", lengthOf(4, false), "datamore"],
])("%s are a fault", async (_, snapshot, sent) => {
  await using pair = await socketPair();
  pair.server.write(sent);

  const { error } = await receive(pair.client, snapshot);

  expect(error).toBeInstanceOf(IncompleteError);
});

test("an end before the mark names the bytes that came", async () => {
  await using pair = await socketPair();
  pair.server.end("1234567");

  const { error } = await receive(pair.client, BY_MARK);

  expect(error).toBeInstanceOf(DatabaseUnavailableError);
  expect(error).toHaveProperty("message", expect.stringContaining("after 7 bytes"));
});

test("a link that was already lost fails at once", async () => {
  await using pair = await socketPair();
  pair.client.destroy();

  const { error } = await receive(pair.client, BY_MARK);

  expect(error).toBeInstanceOf(DatabaseUnavailableError);
});

test("silence of the server fails at the idle time-out, but not while we are the ones who do not read", async () => {
  await using silent = await socketPair();
  await using paused = await socketPair();
  paused.server.write(Buffer.alloc(1_000_000));
  const store = Promise.withResolvers<void>();

  const quiet = await receive(silent.client, BY_MARK, { idleTimeoutMs: 50 });
  const stalled = receive(paused.client, BY_MARK, { idleTimeoutMs: 50, comfortBytes: 1_000, write: () => store.promise });
  const first = await Promise.race([stalled, new Promise((resolve) => setTimeout(resolve, 300, "still waiting"))]);
  paused.server.write(MARK);
  store.resolve();

  expect(quiet.error).toBeInstanceOf(DatabaseUnavailableError);
  expect(first).toBe("still waiting");
  expect((await stalled).error).toBeUndefined();
});

test("a stalled store is read for in small amounts, and called too slow when no more fits", async () => {
  await using pair = await socketPair();
  pair.server.write(Buffer.alloc(8_000_000));
  let received = 0;

  const { error } = await receive(pair.client, BY_MARK, {
    replTimeoutMs: 50,
    comfortBytes: 100_000,
    dripBytes: 100_000,
    capacityBytes: 1_000_000,
    write: () => new Promise(() => {}),
    onPiece: (piece) => {
      received += piece.length;
    },
  });

  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error).toHaveProperty("reason", "StoreTooSlow");
  expect(received).toBeGreaterThanOrEqual(900_000);
  expect(received).toBeLessThan(1_100_000);
});

test("the failure of a write is the failure of the transfer", async () => {
  await using pair = await socketPair();
  pair.server.write("data");
  const failure = new StoreUnavailableError("gone");

  const { error } = await receive(pair.client, BY_MARK, { write: async () => Promise.reject(failure) });

  expect(error).toBe(failure);
});

test("an abort ends the transfer also when all has come and only the store is waited for", async () => {
  await using pair = await socketPair();
  const abort = new AbortController();
  const reason = new Error("stopped");
  pair.server.write(`data${MARK}`);

  const { error } = await receive(pair.client, BY_MARK, {
    signal: abort.signal,
    write: () => {
      setTimeout(() => abort.abort(reason), 20);
      return new Promise(() => {});
    },
  });

  expect(error).toBe(reason);
});

function lengthOf(length: number, rdbOnly: boolean): AnnouncedSnapshot {
  return { framing: { kind: "length", length }, rdbOnly };
}

async function receive(link: Socket, snapshot: AnnouncedSnapshot, options: Partial<ReceiveOptions> = {}) {
  const parts: Buffer[] = [];
  const error: unknown = await receiveSnapshot(link, snapshot, {
    description: "redis://test",
    signal: new AbortController().signal,
    idleTimeoutMs: 5_000,
    replTimeoutMs: 60_000,
    write: async (piece) => void parts.push(Buffer.from(piece)),
    onPiece: () => {},
    ...options,
  }).then(
    () => undefined,
    (e) => e,
  );
  return { error, written: Buffer.concat(parts) };
}

async function socketPair() {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const accepted = new Promise<Socket>((resolve) => listener.once("connection", resolve));
  const client = connect(address.port, "127.0.0.1");
  const server = await accepted;
  for (const socket of [client, server]) socket.on("error", () => {});
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
