import { once } from "node:events";
import { createServer, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";

/** Ends no connection by itself. */
async function startPatientServer(): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

test.each([
  ["before the server answers", false],
  ["in the middle of the answer", true],
])("a client that goes away %s leaves no connection to the server behind", async (_, isAnswered) => {
  const server = await startPatientServer();
  await using proxy = await startFaultyHttpProxy((server.address() as AddressInfo).port);
  const client = request(proxy.endpoint, { method: "POST" }).on("error", () => undefined);
  client.end("body");
  const [asked, response] = (await once(server, "request")) as [NodeJS.ReadableStream, ServerResponse];
  asked.resume();
  const closed = once(response.socket as object as NodeJS.EventEmitter, "close");
  if (isAnswered) {
    response.writeHead(200, { "content-length": 1_000 }).write("half");
    await once(client, "response");
  }

  client.destroy();

  await expect(closed).resolves.toHaveLength(1);
  await new Promise((resolve) => server.close(resolve));
});
