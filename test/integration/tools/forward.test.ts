import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { startForward } from "../../servers/forward.ts";

// Another of this machine's addresses.
const HOST = "127.0.0.2";

test("bytes pass both ways, and the end of one direction leaves the other open", async () => {
  await using server = await listen((socket) => {
    let heard = 0;
    socket.on("data", ({ length }) => {
      heard += length;
    });
    // Only now does it answer.
    socket.on("end", () => socket.end(`heard ${heard}, `.padEnd(1_000_000, "y")));
  });
  await using forward = await startForward(HOST, server.port);

  const client = connect({ host: forward.host, port: forward.port, allowHalfOpen: true });
  client.end("x".repeat(1_000_000));
  const answer = await text(client);

  expect(answer.length).toBe(1_000_000);
  expect(answer.slice(0, 15)).toBe("heard 1000000, ");
});

test("a connection that the server resets is reset, not ended", async () => {
  await using server = await listen((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  await using forward = await startForward(HOST, server.port);

  const client = connect({ host: forward.host, port: forward.port });
  client.write("hello");

  await expect(text(client)).rejects.toMatchObject({ code: "ECONNRESET" });
});

test("a server that is not there is a reset", async () => {
  const server = await listen(() => undefined);
  await using forward = await startForward(HOST, server.port);
  await server[Symbol.asyncDispose]();

  const client = connect({ host: forward.host, port: forward.port });

  await expect(text(client)).rejects.toMatchObject({ code: "ECONNRESET" });
});

async function listen(answer: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer({ allowHalfOpen: true }, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
