import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { ClusterUnavailableError } from "../../../runner/errors.ts";
import { ApiClient } from "../../../runner/kubernetes/api-client.ts";
import { Patience } from "../../../runner/kubernetes/api-patience.ts";
import { apiResource } from "../../../runner/kubernetes/api-resources.ts";
import { writeStatus } from "../../../runner/kubernetes/api-status.ts";

interface Answer {
  readonly body: object;
  /** Whether the write was carried out, whatever the answer says. */
  readonly isKept?: boolean;
}

const name = { namespace: "demo", name: "nightly-1" };
const written = { phase: "Succeeded" };
const sessionWith = (metadata: object, status: object = {}) => ({ kind: "BackupSession", metadata: { ...name, ...metadata }, status });
const before = { uid: "u-1", resourceVersion: "7" };

test.each([
  ["says no more than yes", {}],
  ["has the version that was there before", sessionWith(before, written)],
  ["is another object", sessionWith({ uid: "u-2", resourceVersion: "8" }, written)],
])("an answer to a write of a status that %s is not believed", async (_, body) => {
  await using server = await startServer({ body });

  const writing = write(server, { patienceMs: 300 });

  await expect(writing).rejects.toThrow(ClusterUnavailableError);
  await expect(writing).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/^What answers for the status of BackupSession/) },
  });
  expect(server.writes).toBeGreaterThan(1);
});

test("a write that was carried out behind such an answer is not repeated", async () => {
  await using server = await startServer({ body: {}, isKept: true });

  await write(server, { patienceMs: 10_000 });

  expect(server.writes).toBe(1);
});

test("a write is believed when the object is answered with a new version", async () => {
  await using server = await startServer({ body: sessionWith({ ...before, resourceVersion: "8" }, written) });

  await write(server, { patienceMs: 10_000 });

  expect(server.writes).toBe(1);
});

function write(server: { readonly url: URL }, options: { readonly patienceMs: number }): Promise<void> {
  const client = new ApiClient({ server: server.url, credentials: async () => ({}), renew: async () => undefined });
  const change = { resource: apiResource("BackupSession"), name, change: () => written, uid: before.uid };
  return writeStatus(client, change, new Patience(options));
}

/** Holds one session, and answers each PUT as it is told. */
async function startServer({ body, isKept = false }: Answer) {
  let kept: object = sessionWith(before);
  let writes = 0;
  const server = createServer(async (request, response) => {
    const sent = await text(request);
    if (request.method === "GET") return void response.end(JSON.stringify(kept));
    writes += 1;
    if (isKept) kept = sessionWith({ ...before, resourceVersion: "8" }, JSON.parse(sent).status);
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    get writes() {
      return writes;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
