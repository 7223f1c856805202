import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describeError } from "../../../runner/errors.ts";
import { ApiClient } from "../../../runner/kubernetes/api-client.ts";
import { Patience } from "../../../runner/kubernetes/api-patience.ts";

const TOKEN = "canary-token-5f2c";
const action = { verb: "get", group: "", resource: "secrets", namespace: "demo", name: "login", label: 'Secret "demo/login"' };

test.each([400, 403, 422])("a server that answers %d and quotes our token does not bring it into the error", async (status) => {
  await using server = await startServer((request, response) => {
    const message = `refused: ${request.headers.authorization}`;
    response.writeHead(status).end(JSON.stringify({ kind: "Status", reason: "Invalid", message }));
  });

  const error = await ask(server).catch((failure: unknown) => failure);

  expect(describeError(error)).toContain("refused: Bearer [redacted]");
  expect(JSON.stringify([error, describeError(error), (error as Error).stack])).not.toContain(TOKEN);
});

test("a warning that quotes our token does not bring it into the log, and the object arrives as it is", async () => {
  const object = { kind: "Secret", data: { token: TOKEN } };
  await using server = await startServer((request, response) => {
    response.writeHead(200, { warning: `299 - "old, ${request.headers.authorization}"` }).end(JSON.stringify(object));
  });
  const warnings: string[] = [];

  const answered = await ask(server, (message) => warnings.push(message));

  expect(answered).toEqual(object);
  expect(warnings).toEqual([expect.stringContaining("old, Bearer [redacted]")]);
});

function ask(server: { url: URL }, warn?: (message: string) => void) {
  const credentials = async () => ({ headers: { Authorization: `Bearer ${TOKEN}` } });
  const client = new ApiClient({ server: server.url, credentials, renew: async () => undefined }, { warn });
  return client.ask({ method: "GET", path: "/" }, action, new Patience({ patienceMs: 10 }));
}

async function startServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
