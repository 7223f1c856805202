import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { pathOf, type SearchTransport } from "../../../functions/elasticsearch/transport.ts";
import { DatabaseRefusedError, DatabaseUnavailableError, InterruptedError } from "../../../runner/errors.ts";
import { answerJson, openTransport, startScriptedHttp } from "./scripted-http-server.ts";

const GET = { method: "GET", path: "/x" } as const;

test("a request carries prefix, path, query, credentials and an exact body, and asks for no compression", async () => {
  await using server = await startScriptedHttp((_, response) => answerJson(response, { ok: true }));
  await using transport = openTransport(server.port, { endpoint: { pathPrefix: "/search" } });
  const body = { n: JSON.parse('{"n":1}').n };

  const answer = await transport.json({ method: "POST", path: pathOf("a b", "_count"), query: { size: 0, q: "a&b" }, body });

  expect(answer).toEqual({ status: 200, json: { ok: true } });
  expect(server.requests).toMatchObject([{ method: "POST", url: "/search/a%20b/_count?size=0&q=a%26b", body: '{"n":1}' }]);
  expect(server.requests[0]?.headers).toMatchObject({
    authorization: "Basic canary-1",
    accept: "application/json",
    "content-type": "application/json",
  });
  expect(server.requests[0]?.headers).not.toHaveProperty("accept-encoding");
});

test("bytes are sent as newline-delimited JSON, and a DELETE with a body has a length", async () => {
  await using server = await startScriptedHttp((_, response) => answerJson(response, {}));
  await using transport = openTransport(server.port);

  await transport.json({ method: "POST", path: "/_bulk", body: Buffer.from('{"index":{}}\n{}\n') });
  await transport.json({ method: "DELETE", path: "/_pit", body: { id: "x" } });

  expect(server.requests[0]).toMatchObject({ body: '{"index":{}}\n{}\n', headers: { "content-type": "application/x-ndjson" } });
  expect(server.requests[1]).toMatchObject({ body: '{"id":"x"}', headers: { "content-length": "10" } });
});

test("numbers come as they were written, and an empty body is no value", async () => {
  await using server = await startScriptedHttp(({ nth }, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(nth === 1 ? '{"n":9223372036854775807}' : ""),
  );
  await using transport = openTransport(server.port);

  expect(JSON.stringify((await transport.json(GET)).json)).toBe('{"n":9223372036854775807}');
  expect(await transport.json({ ...GET, method: "HEAD" })).toEqual({ status: 200, json: undefined });
});

test("a body is handed on piece by piece", async () => {
  await using server = await startScriptedHttp((_, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write('{"a":');
    setImmediate(() => response.end("1}"));
  });
  await using transport = openTransport(server.port);
  let text = "";

  const status = await transport.bytes(GET, (chunk) => {
    text += Buffer.from(chunk).toString();
  });

  expect([status, text]).toEqual([200, '{"a":1}']);
});

test("allowed statuses are answers, others are errors that say what the server says", async () => {
  await using server = await startScriptedHttp((_, response) =>
    answerJson(response, { error: { type: "index_not_found_exception", reason: "no such index [x]" } }, 404),
  );
  await using transport = openTransport(server.port);

  expect((await transport.json({ ...GET, statuses: [404] })).status).toBe(404);
  await expect(transport.json(GET)).rejects.toThrow("answers 404 to GET /x: no such index [x]");
});

test.each<[string, (response: ServerResponse) => void]>([
  ["a length that is not reached", (response) => response.writeHead(200, { ...JSON_TYPE, "content-length": 100 }).write('{"a":1}')],
  ["chunks without the last one", (response) => response.writeHead(200, JSON_TYPE).write('{"a":1}')],
])("an answer that is cut is an error: %s", async (_, begin) => {
  await using server = await startScriptedHttp((_, response) => {
    begin(response);
    setImmediate(() => response.destroy());
  });
  await using transport = openTransport(server.port);

  await expect(transport.bytes({ ...GET, method: "POST" }, () => {})).rejects.toMatchObject({ reason: "DatabaseUnreachable" });
});

test("an answer longer than it says is an error for the next request at the latest", async () => {
  await using server = await startRaw((socket) => socket.write(`${HEAD}content-length: 2\r\n\r\n{}{"forged":true}`));
  await using transport = openTransport(server.port);

  await transport.json(GET).catch(() => {});

  await expect(transport.json({ ...GET, path: "/y" })).resolves.toEqual({ status: 200, json: {} });
});

test.each<[string, (response: ServerResponse) => void]>([
  ["never answers", () => {}],
  ["stops within its answer", (response) => response.writeHead(200, JSON_TYPE).write("{")],
])("a server that %s is given up by name", async (_, begin) => {
  await using server = await startScriptedHttp((_, response) => begin(response));
  await using transport = openTransport(server.port, { idleTimeoutMs: 200 });

  const error = await transport.json(GET).catch((e) => e);

  expect(error).toBeInstanceOf(DatabaseUnavailableError);
  expect(error).toMatchObject({ reason: "ServerSilent", hint: expect.stringContaining("--es-idle-timeout") });
});

test("a request may be given less time than others", async () => {
  await using server = await startScriptedHttp(() => {});
  await using transport = openTransport(server.port, { idleTimeoutMs: 600_000 });

  await expect(transport.json({ ...GET, idleTimeoutMs: 100 })).rejects.toMatchObject({ reason: "ServerSilent" });
});

test.each([
  ["a page in HTML", { "content-type": "text/html" }, "<html>log in</html>"],
  ["compressed bytes", { "content-type": "application/json", "content-encoding": "gzip" }, "\u001f\u008b"],
])("%s is no answer, for pieces neither", async (_, headers, body) => {
  await using server = await startScriptedHttp((_, response) => response.writeHead(200, headers).end(body));
  await using transport = openTransport(server.port);
  const chunks: unknown[] = [];

  const ofJson = await transport.json(GET).catch((e) => e);
  const ofBytes = await transport.bytes(GET, (chunk) => chunks.push(chunk)).catch((e) => e);

  expect([ofJson, ofBytes]).toMatchObject([{ reason: "UnexpectedAnswer" }, { reason: "UnexpectedAnswer" }]);
  expect(chunks).toEqual([]);
});

test("text that is no JSON is no answer, whatever it says it is", async () => {
  await using server = await startScriptedHttp((_, response) => response.writeHead(200, JSON_TYPE).end('{"a":'));
  await using transport = openTransport(server.port);

  await expect(transport.json(GET)).rejects.toMatchObject({ reason: "UnexpectedAnswer" });
});

test("an answer in JSON that is larger than is sensible is refused", async () => {
  await using server = await startScriptedHttp((_, response) => answerJson(response, "a".repeat(100_000)));
  await using transport = openTransport(server.port, { mostJsonBytes: 100_001 });
  await using larger = openTransport(server.port, { mostJsonBytes: 100_002 });

  expect(await fail(transport)).toMatchObject({ reason: "AnswerTooLarge" });
  expect((await larger.json(GET)).status).toBe(200);
});

test("a refusal of endless text is read to an end", async () => {
  await using server = await startScriptedHttp((_, response) => {
    response.writeHead(400, JSON_TYPE);
    const more = () => {
      while (response.write(Buffer.alloc(2 ** 16, "a")));
      response.once("drain", more);
    };
    more();
  });
  await using transport = openTransport(server.port);

  await expect(transport.json(GET)).rejects.toBeInstanceOf(DatabaseRefusedError);
});

test("a redirect is not followed: credentials go nowhere else", async () => {
  await using other = await startScriptedHttp((_, response) => answerJson(response, {}));
  await using server = await startScriptedHttp((_, response) =>
    response.writeHead(307, { location: `http://127.0.0.1:${other.port}/x` }).end(),
  );
  await using transport = openTransport(server.port);

  await expect(transport.json(GET)).rejects.toMatchObject({ reason: "Redirected" });
  expect(other.requests).toEqual([]);
});

test("many warnings in headers are no error", async () => {
  await using server = await startScriptedHttp((_, response) => {
    response.setHeader("warning", Array(500).fill('299 Elasticsearch-7.17.29 "this is deprecated and will be removed some day"'));
    answerJson(response, { ok: true });
  });
  await using transport = openTransport(server.port);

  expect((await transport.json(GET)).json).toEqual({ ok: true });
});

test("what the receiver of pieces throws is thrown as it is, and the next request is answered", async () => {
  await using server = await startScriptedHttp((_, response) => answerJson(response, { a: "b".repeat(100_000) }));
  await using transport = openTransport(server.port);
  const defect = new TypeError("x is not a function");
  const fail = () => {
    throw defect;
  };

  const error = await transport.bytes(GET, fail).catch((e) => e);

  expect(error).toBe(defect);
  expect((await transport.json(GET)).status).toBe(200);
});

test("connections are used again, also after refusals", async () => {
  await using server = await startScriptedHttp(({ nth }, response) => answerJson(response, { error: "no" }, nth % 2 ? 400 : 200));
  await using transport = openTransport(server.port);

  await transport.json(GET).catch(() => {});
  await transport.json(GET);
  await transport.json(GET).catch(() => {});

  expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 1]);
});

test("a connection that the server closed between requests is replaced", async () => {
  await using server = await startScriptedHttp((_, response) => answerJson(response, {}));
  await using transport = openTransport(server.port);

  await transport.json(GET);
  server.closeIdleConnections();
  await transport.json(GET);

  expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
});

test.each([
  ["a GET", { method: "GET", path: "/x" }, 2],
  ["a POST that may be repeated", { method: "POST", path: "/x", isRepeatable: true }, 2],
  ["a POST", { method: "POST", path: "/x" }, 1],
  ["a GET that may not be repeated", { method: "GET", path: "/x", isRepeatable: false }, 1],
] as const)("%s whose connection ends without an answer reaches the server as often as is right: %#", async (_, request, times) => {
  await using server = await startScriptedHttp(({ nth }, response) =>
    nth === 1 ? response.destroy() : answerJson(response, { ok: true }),
  );
  await using transport = openTransport(server.port);

  const outcome = await transport.json(request).catch((e) => e);

  expect(server.requests.length).toBe(times);
  expect(outcome).toMatchObject(times === 2 ? { status: 200 } : { reason: "DatabaseUnreachable" });
});

test("a request is repeated once only, and not when its answer had begun", async () => {
  await using away = await startScriptedHttp((_, response) => response.destroy());
  await using begun = await startScriptedHttp((_, response) => {
    response.writeHead(200, JSON_TYPE).write("{");
    setImmediate(() => response.destroy());
  });
  await using first = openTransport(away.port);
  await using second = openTransport(begun.port);

  await expect(first.json(GET)).rejects.toMatchObject({ reason: "DatabaseUnreachable" });
  await expect(second.json(GET)).rejects.toMatchObject({ reason: "DatabaseUnreachable" });
  expect([away.requests.length, begun.requests.length]).toEqual([2, 1]);
});

test.each<[string, (response: ServerResponse) => void]>([
  ["before the answer", () => {}],
  ["within the answer", (response) => response.writeHead(200, JSON_TYPE).write("{")],
  ["within a refusal", (response) => response.writeHead(500, JSON_TYPE).write("{")],
])("an abort %s is thrown with its reason", async (_, begin) => {
  const run = new AbortController();
  const arrived = Promise.withResolvers<void>();
  await using server = await startScriptedHttp((_, response) => {
    begin(response);
    arrived.resolve();
  });
  await using transport = openTransport(server.port, { signal: run.signal });
  const reason = new InterruptedError("SIGTERM");

  const failure = transport.json(GET).catch((e) => e);
  await arrived.promise;
  run.abort(reason);

  expect(await failure).toBe(reason);
  expect(await transport.json(GET).catch((e) => e)).toBe(reason);
});

test("clean-up goes on after the abort, by the same connections, and ends in its own time", async () => {
  const run = new AbortController();
  await using server = await startScriptedHttp(({ url }, response) => {
    if (url !== "/never") answerJson(response, { ok: true });
  });
  await using transport = openTransport(server.port, { signal: run.signal });
  await transport.json(GET);
  run.abort(new InterruptedError("SIGTERM"));

  const cleaning = transport.forCleanUp(10_000);
  const short = transport.forCleanUp(50);

  expect(await cleaning.json({ method: "DELETE", path: "/_pit", body: { id: "x" } })).toMatchObject({ status: 200 });
  expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1]);
  await expect(short.json({ ...GET, path: "/never" })).rejects.toMatchObject({ reason: "ServerSilent" });
});

test("disposing of the transport for clean-up leaves the connections to their owner", async () => {
  await using server = await startScriptedHttp((_, response) => answerJson(response, {}));
  await using transport = openTransport(server.port);

  await transport.forCleanUp(1_000)[Symbol.asyncDispose]();

  expect((await transport.json(GET)).status).toBe(200);
});

test("a server that is not there, and one that does not speak HTTP, are told", async () => {
  await using raw = await startRaw((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const { port } = gone.address() as { port: number };
  gone.close();
  await once(gone, "close");
  await using nowhere = openTransport(port);
  await using other = openTransport(raw.port);

  await expect(nowhere.json(GET)).rejects.toThrow(`Cannot reach http://127.0.0.1:${port}: connection refused`);
  await expect(other.json(GET)).rejects.toMatchObject({ reason: "UnexpectedAnswer" });
});

test("no error shows the credentials", async () => {
  await using server = await startScriptedHttp(({ nth }, response) => {
    if (nth === 1) answerJson(response, { error: "no" }, 401);
    else if (nth === 2) response.writeHead(200, { "content-type": "text/html" }).end("<html>");
    else response.destroy();
  });
  await using transport = openTransport(server.port);

  const errors = [await fail(transport), await fail(transport), await fail(transport)];

  expect(errors.map(({ reason }) => reason)).toEqual(["WrongCredentials", "UnexpectedAnswer", "DatabaseUnreachable"]);
  expect(inspect(errors, { depth: 12 }) + inspect(transport, { depth: 12, showHidden: true })).not.toContain("canary-1");
});

test("names become one path, each encoded", () => {
  expect(pathOf(["a b", "<logs-{now/d}>", "ü"], "_settings")).toBe("/a%20b,%3Clogs-%7Bnow%2Fd%7D%3E,%C3%BC/_settings");
});

const JSON_TYPE = { "content-type": "application/json" };
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

function fail(transport: SearchTransport): Promise<{ readonly reason: string }> {
  return transport.json(GET).then(
    () => ({ reason: "none" }),
    (error: { readonly reason: string }) => error,
  );
}

/** Writes what it likes to each connection, once something came by it. */
async function startRaw(write: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => write(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
