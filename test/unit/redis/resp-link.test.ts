import { connect, createServer, type Server, type Socket } from "node:net";
import { type KeyListener, RespLink } from "../../../functions/redis/resp-link.ts";

const NOBODY: KeyListener = { accepted: () => {}, refused: () => {} };

/** A server that does with each connection what it is told; closed at the end of the test. */
async function linkTo(serve: (socket: Socket) => void, options: { signal?: AbortSignal; silenceTimeoutMs?: number } = {}) {
  const accepted = new Set<Socket>();
  const server: Server = createServer((peer) => {
    accepted.add(peer);
    peer.on("error", () => peer.destroy());
    serve(peer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const socket = connect({ port: typeof address === "object" && address !== null ? address.port : 0, host: "127.0.0.1" });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const { signal = new AbortController().signal, ...rest } = options;
  const link = new RespLink({ socket, description: "redis://test", signal, listener: NOBODY, ...rest });
  const dispose = async () => {
    link.close();
    for (const peer of accepted) peer.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { link, [Symbol.asyncDispose]: dispose };
}

test("calls resolve with their own replies, in order", async () => {
  await using parts = await linkTo((socket) => socket.once("data", () => socket.write("+first\r\n:2\r\n")));
  const { link } = parts;

  const first = await link.send(["PING"]);
  const second = await link.send(["PING"]);
  link.flush();

  expect([String(await first.answer), await second.answer]).toEqual(["first", 2]);
});

test("a server that stays silent while a reply is owed counts as gone", async () => {
  await using parts = await linkTo(() => {}, { silenceTimeoutMs: 100 });

  const call = parts.link.call("PING");

  await expect(call).rejects.toMatchObject({ exitCode: 20, message: expect.stringContaining("no reply for") });
});

test("a server that stops reading in the middle of a command counts as gone", async () => {
  await using parts = await linkTo((socket) => socket.pause(), { silenceTimeoutMs: 100 });

  const put = parts.link.put(Buffer.alloc(64 * 1024 * 1024));

  await expect(put).rejects.toMatchObject({ exitCode: 20, message: expect.stringContaining("for") });
});

test("a server that closes fails everybody who waits", async () => {
  await using parts = await linkTo((socket) => socket.once("data", () => socket.destroy()));

  const call = parts.link.call("PING");

  await expect(call).rejects.toMatchObject({ exitCode: 20 });
  await expect(parts.link.drain()).rejects.toMatchObject({ exitCode: 20 });
  await expect(parts.link.makeRoom(1)).rejects.toMatchObject({ exitCode: 20 });
});

test("an answer that nobody asked for is a failure", async () => {
  await using parts = await linkTo((socket) => socket.once("data", () => socket.write("+one\r\n+two\r\n")));

  await parts.link.call("PING");

  await expect(parts.link.call("PING")).rejects.toMatchObject({ exitCode: 20, message: expect.stringContaining("nobody asked") });
});

test("an abort rejects with its reason at once", async () => {
  const abort = new AbortController();
  await using parts = await linkTo(() => {}, { signal: abort.signal });
  const reason = new Error("stopped");

  const call = parts.link.call("PING");
  abort.abort(reason);

  await expect(call).rejects.toMatchObject({ message: expect.stringContaining("stopped") });
});

test("more bytes than all regions hold wait for the server to read, and arrive whole", async () => {
  let received = 0;
  await using parts = await linkTo((socket) => {
    socket.on("data", (bytes) => {
      received += bytes.length;
      if (received >= 20_000_000) socket.write("+OK\r\n");
    });
  });
  const { link } = parts;

  await link.put(Buffer.alloc(20_000_000 - "*1\r\n$4\r\nPING\r\n".length));
  const reply = await link.call("PING");

  expect(String(reply)).toBe("OK");
  expect(received).toBe(20_000_000);
});
