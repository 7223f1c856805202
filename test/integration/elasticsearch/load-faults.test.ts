import { type FaultyHttpProxy, type HttpFault, onFirst, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import type { SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { diffIndices, readAll } from "../../tools/search-equality.ts";
import { contentOf, createIndex, documentsOf, type LoadTargetOptions, openLoadTarget, refresh, streamOf } from "./load-target.ts";

const BULK = /^POST .*\/_bulk/;
const QUICK: LoadTargetOptions = { requests: 3, bodyBytes: 100_000, backoffMs: () => 5 };

interface Scene extends AsyncDisposable {
  readonly server: SearchServer;
  readonly proxy: FaultyHttpProxy;
  readonly name: string;
}

async function openScene(use = () => useElasticsearch("8.19.4")): Promise<Scene> {
  const server = await use();
  const name = uniqueName("faults");
  const index = await createIndex(server, name);
  const proxy = await startFaultyHttpProxy(server.port);
  return {
    ...{ server, proxy, name },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await index[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const FAULTS: readonly (readonly [string, HttpFault])[] = [
  ["requests that are cut", { kind: "cut request", afterBytes: 40_000 }],
  ["answers that are lost", { kind: "lose answer" }],
  ["answers that are cut", { kind: "cut answer", afterBytes: 300 }],
  ["answers that stand still", { kind: "stall answer", afterBytes: 300 }],
  ["answers that never come", { kind: "hang" }],
  ["a gateway's 502", { kind: "answer", status: 502 }],
  ["a gateway's 504", { kind: "answer", status: 504 }],
  ["a storm of 429", { kind: "answer", status: 429 }],
  ["a proxy's page with status 200", { kind: "answer", status: 200 }],
];

test.each(FAULTS)("after %s, exactly the documents are there", async (_, fault) => {
  await using scene = await openScene();
  const { server, proxy, name } = scene;
  await using target = await openLoadTarget(proxy.endpoint, { ...QUICK, idleTimeoutMs: 1_000 });
  const documents = documentsOf(3000);
  let bulks = 0;
  proxy.break(({ method, url }) => {
    if (!BULK.test(`${method} ${url}`)) return undefined;
    bulks += 1;
    return bulks % 3 === 2 && bulks < 12 ? fault : undefined;
  });

  const loaded = await target.load({ index: name, streams: [streamOf(documents)] });

  await refresh(server, name);
  expect(proxy.brokenRequests).toBe(4);
  expect(loaded).toMatchObject({ documents: 3000, refused: 0, overwritten: 0, read: 3000 });
  expect(loaded.retriedItems).toBeGreaterThan(0);
  expect(diffIndices(contentOf(documents), await readAll(server, name))).toEqual([]);
});

test("with create too, lost answers leave each document once and refuse none", async () => {
  await using scene = await openScene(() => useOpenSearch("2.19.1"));
  const { server, proxy, name } = scene;
  await using target = await openLoadTarget(proxy.endpoint, QUICK);
  const documents = documentsOf(2000);
  proxy.break(onFirst({ kind: "lose answer" }, BULK, 4));

  const loaded = await target.load({ index: name, action: "create", streams: [streamOf(documents)] });

  await refresh(server, name);
  expect(proxy.brokenRequests).toBe(4);
  expect(loaded).toMatchObject({ documents: 2000, refused: 0 });
  expect(diffIndices(contentOf(documents), await readAll(server, name))).toEqual([]);
});

test("a proxy that takes no large request gets smaller ones", async () => {
  await using scene = await openScene();
  const { server, proxy, name } = scene;
  await using target = await openLoadTarget(proxy.endpoint, { ...QUICK, requests: 1, bodyBytes: 400_000 });
  const documents = documentsOf(3000);
  proxy.break(onFirst({ kind: "answer", status: 413 }, BULK, 2));

  const loaded = await target.load({ index: name, streams: [streamOf(documents)] });

  await refresh(server, name);
  expect(loaded).toMatchObject({ documents: 3000, refused: 0, overwritten: 0 });
  expect(target.gate.bodyBytes).toBeLessThanOrEqual(200_000);
  expect(diffIndices(contentOf(documents), await readAll(server, name))).toEqual([]);
});

test("a target that went away and stays away ends the load, with the connection's failure as the cause", async () => {
  await using scene = await openScene();
  const { proxy, name } = scene;
  await using target = await openLoadTarget(proxy.endpoint, { ...QUICK, stallLimitMs: 200 });
  proxy.break(({ method, url }) => (BULK.test(`${method} ${url}`) ? { kind: "lose answer" } : undefined));

  const failure = target.load({ index: name, streams: [streamOf(documentsOf(3000))] });

  await expect(failure).rejects.toMatchObject({ name: "DatabaseUnavailableError", cause: { reason: "DatabaseUnreachable" } });
});

test("documents whose ids the server does not derive are not sent twice without them", async () => {
  await using scene = await openScene();
  const { server, proxy, name } = scene;
  await using target = await openLoadTarget(proxy.endpoint, { ...QUICK, bodyBytes: 8_000_000 });
  proxy.break(onFirst({ kind: "lose answer" }, BULK));

  const failure = target.load({ index: name, omitIds: true, streams: [streamOf(documentsOf(300))] });

  await expect(failure).rejects.toMatchObject({ name: "IncompleteError", reason: "AnswerLost" });
  await refresh(server, name);
  expect((await readAll(server, name)).size).toBeLessThanOrEqual(300);
});
