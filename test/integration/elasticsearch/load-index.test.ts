import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onFirst, startFaultyHttpProxy } from "../../fakes/faulty-http-proxy.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { diffIndices, readAll } from "../../tools/search-equality.ts";
import { NASTY_INDEX, nastyDocuments, restoredContent } from "../../tools/search-nasty-documents.ts";
import { contentOf, createIndex, documentsOf, openLoadTarget, refresh, streamOf } from "./load-target.ts";

const SERVERS = [
  { name: "Elasticsearch 7.17.29", use: () => useElasticsearch("7.17.29") },
  { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") },
  { name: "Elasticsearch 9.2.8", use: () => useElasticsearch("9.2.8") },
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
];

describe.each(SERVERS)("$name", ({ use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("R15: several streams become exactly the documents that they hold, many bodies at once", async () => {
    const name = uniqueName("load");
    await using _ = await createIndex(server, name);
    await using target = await openLoadTarget(server.url, { requests: 4, bodyBytes: 200_000 });
    const parts = ["a", "b", "c", "d"].map((prefix) => documentsOf(1500, prefix));

    const loaded = await target.load({ index: name, streams: parts.map((part, n) => streamOf(part, { name: `shard-${n}.ndjson` })) });

    await refresh(server, name);
    expect(loaded).toMatchObject({ documents: 6000, read: 6000, refused: 0, overwritten: 0 });
    expect(diffIndices(contentOf(parts.flat()), await readAll(server, name))).toEqual([]);
  });

  test("nasty documents arrive byte by byte, with their ids and routing", async () => {
    const name = uniqueName("nasty");
    await using _ = await createIndex(server, name, NASTY_INDEX);
    await using target = await openLoadTarget(server.url);
    const documents = nastyDocuments();

    const lines = documents.map(({ id, routing, restored }) => ({ id, ...(routing === undefined ? {} : { routing }), source: restored }));
    const loaded = await target.load({ index: name, streams: [streamOf(lines, { chunkBytes: 1009 })] });

    await refresh(server, name);
    expect(loaded).toMatchObject({ documents: documents.length, refused: 0, overwritten: 0 });
    expect(diffIndices(restoredContent(documents), await readAll(server, name))).toEqual([]);
  });

  test("D10: documents that a mapping refuses are named and lie in the file of dead letters, and all others are written", async () => {
    const name = uniqueName("strict");
    const folder = await mkdtemp(join(tmpdir(), "holdfast-dead-"));
    const deadLetters = join(folder, "letters.ndjson");
    const mappings = {
      dynamic: "strict",
      properties: { n: { type: "long" }, long: { type: "long" }, float: { type: "float" }, text: { type: "text" } },
    };
    await using _ = await createIndex(server, name, { mappings });
    await using target = await openLoadTarget(server.url, { deadLetters });
    const good = documentsOf(500);
    const unparsable = { id: "bad-number", source: Buffer.from('{"n":"geheim"}') };
    const unknown = { id: "bad-field", routing: "r", source: Buffer.from('{"n":1, "more":1.0}') };

    const loaded = await target.load({
      index: name,
      streams: [streamOf([...good.slice(0, 200), unparsable, unknown, ...good.slice(200)])],
    });
    await target.refusals.close();

    await refresh(server, name);
    const letters = (await readFile(deadLetters, "utf8")).trimEnd().split("\n");
    await rm(folder, { recursive: true });
    expect(loaded).toMatchObject({ documents: 500, refused: 2, read: 502 });
    expect(diffIndices(contentOf(good), await readAll(server, name))).toEqual([]);
    expect(target.refusals.first).toMatchObject([
      { index: name, id: "bad-number", status: 400, reason: expect.stringContaining("failed to parse field [n]") },
      { index: name, id: "bad-field", status: 400, type: "strict_dynamic_mapping_exception" },
    ]);
    expect(letters[0]).toContain('For input string: \\"geheim\\"');
    expect(letters[0]).toMatch(/"action":\{"index":\{"_id":"bad-number"\}\},"source":\{"n":"geheim"\}\}$/);
    expect(letters[1]).toMatch(/"action":\{"index":\{"_id":"bad-field","routing":"r"\}\},"source":\{"n":1, "more":1\.0\}\}$/);
    expect(JSON.stringify([target.refusals.facts(), target.logged])).not.toContain("geheim");
    expect(() => target.refusals.assertNone(server.url)).toThrow(expect.objectContaining({ reason: "DocumentsRefused", exitCode: 21 }));
  });

  test("create takes no other document's place", async () => {
    const name = uniqueName("create");
    await using _ = await createIndex(server, name);
    await using target = await openLoadTarget(server.url);
    await askServerOk(server, `PUT /${name}/_doc/d3`, '{"there":true}');

    const loaded = await target.load({ index: name, action: "create", streams: [streamOf(documentsOf(10))] });

    const kept = await askServerOk(server, `GET /${name}/_source/d3`);
    expect(loaded).toMatchObject({ documents: 9, refused: 1 });
    expect(target.refusals.first).toMatchObject([{ id: "d3", status: 409 }]);
    expect(kept.toString()).toBe('{"there":true}');
  });

  test("documents go past the pipeline of their index", async () => {
    const name = uniqueName("piped");
    await using _ = await createIndex(server, name);
    await using target = await openLoadTarget(server.url);
    await askServerOk(server, `PUT /${name}/_settings`, '{"index.default_pipeline":"there-is-none"}');

    const loaded = await target.load({ index: name, streams: [streamOf(documentsOf(10))] });

    expect(loaded).toMatchObject({ documents: 10, refused: 0 });
  });

  test.each([
    ["TargetBlocked", "write"],
    ["TargetDiskFull", "read_only_allow_delete"],
  ])("an index that is blocked ends the load as %s, and nothing of it is written", async (reason, block) => {
    const name = uniqueName("blocked");
    await using _ = await createIndex(server, name);
    await using target = await openLoadTarget(server.url, { diskPatienceMs: 300, backoffMs: () => 50 });
    await askServerOk(server, `PUT /${name}/_settings`, `{"index.blocks.${block}":true}`);

    const failure = target.load({ index: name, streams: [streamOf(documentsOf(10))] });

    await expect(failure).rejects.toMatchObject({ name: "DatabaseRefusedError", reason });
    await askServerOk(server, `PUT /${name}/_settings`, `{"index.blocks.${block}":null}`);
    expect(JSON.parse((await askServerOk(server, `GET /${name}/_count`)).toString())).toMatchObject({ count: 0 });
  });

  test("a block for a full disk that is lifted in time is only a delay", async () => {
    const name = uniqueName("full");
    await using _ = await createIndex(server, name);
    let repetitions = 0;
    await using target = await openLoadTarget(server.url, {
      backoffMs: (n) => {
        repetitions += 1;
        if (n === 3) askServerOk(server, `PUT /${name}/_settings`, '{"index.blocks.read_only_allow_delete":null}').catch(() => undefined);
        return 20;
      },
    });
    await askServerOk(server, `PUT /${name}/_settings`, '{"index.blocks.read_only_allow_delete":true}');

    const loaded = await target.load({ index: name, streams: [streamOf(documentsOf(10))] });

    expect(repetitions).toBeGreaterThanOrEqual(3);
    expect(loaded).toMatchObject({ documents: 10, refused: 0, overwritten: 0 });
  });

  test("an index that was closed meanwhile ends the load by name", async () => {
    const name = uniqueName("closed");
    await using _ = await createIndex(server, name);
    await using target = await openLoadTarget(server.url);
    await askServerOk(server, `POST /${name}/_close`);

    await expect(target.load({ index: name, streams: [streamOf(documentsOf(10))] })).rejects.toMatchObject({ reason: "TargetIndexClosed" });
  });
});

test("D10: time series go without ids and routing, which the server makes anew", async () => {
  await using server = await useElasticsearch("8.19.4");
  const name = uniqueName("metrics");
  await using _ = await createIndex(server, name, {
    settings: {
      mode: "time_series",
      routing_path: ["host"],
      "time_series.start_time": "2026-01-01T00:00:00Z",
      "time_series.end_time": "2026-12-01T00:00:00Z",
    },
    mappings: {
      properties: {
        "@timestamp": { type: "date" },
        host: { type: "keyword", time_series_dimension: true },
        load: { type: "double", time_series_metric: "gauge" },
      },
    },
  });
  await using target = await openLoadTarget(server.url);
  const documents = Array.from({ length: 600 }, (_, n) => ({
    id: `made-by-the-source-${n}`,
    source: Buffer.from(
      `{"@timestamp":"2026-02-01T00:${String(Math.floor(n / 10)).padStart(2, "0")}:00Z","host":"h${n % 10}","load":${n}.5}`,
    ),
  }));

  const first = await target.load({ index: name, omitIds: true, streams: [streamOf(documents)] });
  const again = await target.load({ index: name, omitIds: true, streams: [streamOf(documents)] });

  await refresh(server, name);
  const { count } = JSON.parse((await askServer(server, `GET /${name}/_count`)).body.toString()) as { count: number };
  expect(first).toMatchObject({ documents: 600, refused: 0, overwritten: 0 });
  expect(again).toMatchObject({ documents: 600, overwritten: 600 });
  expect(count).toBe(600);
});

test("a data stream takes documents by create, and each once although answers were lost", async () => {
  await using server = await useOpenSearch("2.19.1");
  const name = uniqueName("events");
  const template = {
    index_patterns: [name],
    data_stream: {},
    template: { settings: { number_of_replicas: 0 }, mappings: { dynamic: false } },
  };
  await askServerOk(server, `PUT /_index_template/${name}`, JSON.stringify(template));
  await askServerOk(server, `PUT /_data_stream/${name}`);
  await using proxy = await startFaultyHttpProxy(server.port);
  proxy.break(onFirst({ kind: "lose answer" }, /\/_bulk/, 2));
  await using target = await openLoadTarget(proxy.endpoint, { bodyBytes: 20_000, backoffMs: () => 5 });
  const generations = ["a", "b"].map((prefix) =>
    Array.from({ length: 400 }, (_, n) => ({ id: `${prefix}${n}`, source: Buffer.from(`{"@timestamp":"2026-01-01T00:00:00Z","n":${n}}`) })),
  );

  const streams = generations.map((documents, n) => streamOf(documents, { name: `indices/000${n + 1}/shard-0.ndjson` }));
  const loaded = await target.load({ index: name, action: "create", streams, ordered: true });

  await refresh(server, name);
  const differences = diffIndices(contentOf(generations.flat()), await readAll(server, name));
  await askServerOk(server, `DELETE /_data_stream/${name}`);
  await askServerOk(server, `DELETE /_index_template/${name}`);
  expect(proxy.brokenRequests).toBe(2);
  expect(loaded).toMatchObject({ documents: 800, refused: 0 });
  expect(differences).toEqual([]);
});
