/** @jest-environment ./test/tools/one-realm-environment.cjs */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type PushOptions, type PushResult, pushMetrics } from "../../../runner/metrics/push-metrics.ts";
import { startTcpProxy } from "../../fakes/tcp-proxy.ts";
import { freePort } from "../../servers/free-port.ts";
import { startPushgateway } from "../../servers/pushgateway.ts";

const SAMPLE = { name: "holdfast_build_info", help: "The program that ran last", labels: { version: "1.2.3" }, value: 1 };

function push(url: string, options: Partial<PushOptions> = {}): Promise<PushResult> {
  return pushMetrics([SAMPLE], {
    url,
    job: "backupconfiguration-demo-x",
    group: { holdfast_target: "demo.x" },
    timeoutMs: 3000,
    ...options,
  });
}

/** An HTTP server that answers as it is told, to show what a real gateway never does. */
async function startAnswering(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: { readonly authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    requests.push({ authorization: request.headers.authorization });
    request.resume().on("end", () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    host: `127.0.0.1:${address.port}`,
    url: `http://127.0.0.1:${address.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function failure(message: RegExp) {
  return { isPushed: false, reason: "FailedToPushMetrics", message: expect.stringMatching(message), hint: expect.any(String) };
}

test("a gateway that is not there is named, after one more try; nothing is thrown (R1)", async () => {
  const url = `http://127.0.0.1:${await freePort()}`;

  const result = await push(url);

  expect(result).toEqual(failure(/^Cannot push metrics to http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/));
});

test("a host that does not exist is named (R1)", async () => {
  // How long it takes is up to the resolver of this machine.
  const result = await push("http://pushgateway.invalid:9091", { timeoutMs: 80_000 });

  expect(result).toEqual(failure(/^Cannot push metrics to http:\/\/pushgateway\.invalid:9091: .*(ENOTFOUND|EAI_AGAIN)/));
});

test("a gateway that takes the connection and then hangs costs no more than the limit (R1)", async () => {
  await using gateway = await startPushgateway();
  await using proxy = await startTcpProxy(gateway, () => ({ kind: "stall", direction: "toServer", afterBytes: 0 }));
  const started = performance.now();

  const result = await push(`http://127.0.0.1:${proxy.port}`, { timeoutMs: 1000 });

  expect(result).toEqual(failure(/it took longer than 1 s/));
  expect(performance.now() - started).toBeLessThan(3000);
  expect(proxy.connections).toBe(2);
});

test("without another limit a gateway that hangs costs ten seconds (R1)", async () => {
  await using gateway = await startPushgateway();
  await using proxy = await startTcpProxy(gateway, () => ({ kind: "stall", direction: "toClient", afterBytes: 0 }));
  const started = performance.now();

  const result = await pushMetrics([SAMPLE], { url: `http://127.0.0.1:${proxy.port}`, job: "x", group: {} });

  expect(result).toEqual(failure(/it took longer than 10 s/));
  expect(performance.now() - started).toBeLessThan(13_000);
});

test("a gateway that drips its answer for ever costs no more than the limit (R1)", async () => {
  const drips: NodeJS.Timeout[] = [];
  await using server = await startAnswering((_, response) => {
    response.writeHead(200);
    drips.push(setInterval(() => response.write(" "), 20));
  });
  const started = performance.now();

  const result = await push(server.url, { timeoutMs: 600 });

  for (const drip of drips) clearInterval(drip);
  expect(result).toEqual(failure(/it took longer than 0\.6 s/));
  expect(performance.now() - started).toBeLessThan(3000);
});

test("an answer that is cut is no success", async () => {
  await using server = await startAnswering((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("a", () => response.socket?.destroy());
  });

  const result = await push(server.url);

  expect(result.isPushed).toBe(false);
  expect(server.requests).toHaveLength(2);
});

test("a connection that breaks once is tried again, and then the samples are there", async () => {
  await using gateway = await startPushgateway();
  await using proxy = await startTcpProxy(gateway, (connection) =>
    connection === 0 ? { kind: "reset", direction: "toServer", afterBytes: 50 } : undefined,
  );

  const result = await push(`http://127.0.0.1:${proxy.port}`, { timeoutMs: 10_000 });

  expect(result).toEqual({ isPushed: true });
  expect((await gateway.series()).map(({ name }) => name)).toContain("holdfast_build_info");
});

test.each([
  [500, 2],
  [503, 2],
  [429, 2],
  [400, 1],
  [403, 1],
  [404, 1],
])("a gateway that answers %i is named with its word, after %i tries", async (status, tries) => {
  await using server = await startAnswering((_, response) => response.writeHead(status).end("pushed metrics are\ninvalid"));

  const result = await push(server.url);

  expect(result).toEqual(failure(new RegExp(`it answered ${status} .*: pushed metrics are invalid$`)));
  expect(server.requests).toHaveLength(tries);
});

test("a gateway that fails once and then takes the samples is good", async () => {
  let answers = 0;
  await using server = await startAnswering((_, response) => response.writeHead(answers++ === 0 ? 500 : 200).end());

  const result = await push(server.url);

  expect(result).toEqual({ isPushed: true });
});

test.each([301, 302, 307, 308])("a redirect (%i) is not taken for a success, nor followed", async (status) => {
  await using server = await startAnswering((_, response) => response.writeHead(status, { location: "http://127.0.0.1:1/" }).end());

  const result = await push(server.url);

  expect(result).toEqual(failure(new RegExp(`it answered ${status} and points elsewhere`)));
});

test("a page that somebody else answers with 200 is not taken for a success", async () => {
  await using server = await startAnswering((_, response) => response.writeHead(200).end("<html><h1>Please log in</h1>"));

  const result = await push(server.url);

  expect(result).toEqual(failure(/it answered with a text, as no Pushgateway does: <html><h1>Please log in/));
});

test("an endless answer is not read to its end", async () => {
  await using server = await startAnswering((_, response) => {
    response.writeHead(200);
    const write = () => {
      while (response.write("x".repeat(65_536))) if (response.destroyed) return;
    };
    response.on("drain", write);
    write();
  });

  const result = await push(server.url, { timeoutMs: 10_000 });

  expect(result).toEqual(failure(/it answered with a text/));
  expect(server.requests).toHaveLength(1);
});

test("user and password of the URL are sent to the gateway, and stand in no message", async () => {
  const answers = [(header: string) => `wrong: ${header}`, () => "wrong: hunter2-päss%41", () => "wrong: hunter2-p%C3%A4ss%2541"];
  for (const word of answers) {
    await using server = await startAnswering((request, response) =>
      response.writeHead(401, { "content-type": "text/plain; charset=utf-8" }).end(word(request.headers.authorization ?? "")),
    );

    const result = await push(`http://us%65r:hunter2-p%C3%A4ss%2541@${server.host}/gateway`);

    expect(server.requests).toEqual([{ authorization: `Basic ${Buffer.from("user:hunter2-päss%41").toString("base64")}` }]);
    expect(result).toEqual(failure(/^Cannot push metrics to http:\/\/127\.0\.0\.1:\d+\/gateway: it answered 401 .*wrong: .*\[redacted\]$/));
    expect(JSON.stringify(result)).not.toContain("hunter2");
  }
});

test.each(["user:hunter22", "hunter22"])(
  "the secret of %s that an answer quotes where it is cut is not told by half",
  async (credentials) => {
    await using server = await startAnswering((_, response) =>
      response.writeHead(400).end(`${"x".repeat(296)}hunter22 ${"y".repeat(100)}`),
    );

    const result = await push(`http://${credentials}@${server.host}`);

    expect(result).toEqual(failure(/it answered 400 /));
    expect(JSON.stringify(result)).not.toContain("hunt");
  },
);

test("a run that is stopped stops its push at once, and does not try again", async () => {
  await using gateway = await startPushgateway();
  await using proxy = await startTcpProxy(gateway, () => ({ kind: "stall", direction: "toServer", afterBytes: 0 }));
  const run = new AbortController();
  const pushing = push(`http://127.0.0.1:${proxy.port}`, { timeoutMs: 60_000, signal: run.signal });
  await proxy.struck;

  run.abort(new Error("Stopped by SIGTERM"));

  expect(await pushing).toEqual(failure(/Stopped by SIGTERM$/));
  expect(proxy.connections).toBe(1);
});
