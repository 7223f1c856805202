import { ReadLimit } from "../../../functions/elasticsearch/read-limit.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { diffIndices, readAll } from "../../tools/search-equality.ts";
import { NASTY_INDEX, nastyDocuments, putDocuments, restoredContent } from "../../tools/search-nasty-documents.ts";
import { collect, fill, makeIndex, openReader } from "./reading.ts";

const SERVERS = [
  { name: "Elasticsearch 7.17.29", use: () => useElasticsearch("7.17.29") },
  { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") },
  { name: "Elasticsearch 9.2.8", use: () => useElasticsearch("9.2.8") },
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
  { name: "OpenSearch 3.8.0", use: () => useOpenSearch("3.8.0") },
];

describe.each(SERVERS)("$name", ({ use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(["pit", "scroll"] as const)("nasty documents are read byte by byte, with their ids and routing, by %s", async (method) => {
    const name = uniqueName("nasty");
    await using _ = await makeIndex(server, name);
    await askServerOk(server, `DELETE /${name}`);
    await askServerOk(server, `PUT /${name}`, JSON.stringify(NASTY_INDEX));
    const documents = nastyDocuments();
    await putDocuments(server, name, documents);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name], { method });

    const { content, reading } = await collect(server, { cursors, name });

    expect(diffIndices(restoredContent(documents), content)).toEqual([]);
    expect(reading.documents).toBe(documents.length);
    expect(reading.rewrittenPages).toBeGreaterThan(0);
  });

  test("each target holds exactly the documents of its shard", async () => {
    const name = uniqueName("shards");
    await using _ = await makeIndex(server, name, { number_of_shards: 5 });
    await fill(server, name, 2_000);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);

    const { targets, reading } = await collect(server, { cursors, name });

    expect(cursors.method).toBe("point-in-time");
    expect(targets).toHaveLength(5);
    for (const { shard, keys, documents } of targets) {
      const answer = await askServerOk(server, `GET /${name}/_search?preference=_shards:${shard}&size=2000&_source=false`);
      const { hits } = JSON.parse(answer.toString()) as { hits: { hits: { _id: string }[] } };
      const expected = hits.hits.map(({ _id }) => JSON.stringify([_id]));
      expect(keys.toSorted()).toEqual(expected.toSorted());
      expect(documents).toBe(keys.length);
    }
    expect(reading).toMatchObject({ documents: 2_000, rewrittenPages: 0 });
    expect(reading.shards.map(({ shard, parts }) => [shard, parts])).toEqual([0, 1, 2, 3, 4].map((shard) => [shard, 1]));
  });

  test("an index without documents, and shards without, are read as nothing", async () => {
    const [empty, sparse] = [uniqueName("empty"), uniqueName("sparse")];
    await using _ = await makeIndex(server, empty);
    await using __ = await makeIndex(server, sparse, { number_of_shards: 7 });
    await fill(server, sparse, 2);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([empty, sparse]);

    const nothing = await collect(server, { cursors, name: empty });
    const little = await collect(server, { cursors, name: sparse });

    expect(nothing.reading).toMatchObject({ documents: 0, digest: 0n });
    expect(nothing.targets).toEqual([]);
    expect(little.reading.shards).toHaveLength(7);
    expect(little.targets.length).toBeLessThanOrEqual(2);
    expect(little.content.size).toBe(2);
  });

  test("what is written, changed, deleted and merged after the cursors were opened is not in what they read", async () => {
    const name = uniqueName("moving");
    await using _ = await makeIndex(server, name);
    await fill(server, name, 12_000);
    const before = await readAll(server, name);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);
    let isReading = true;
    let written = 0;
    const write = async () => {
      while (isReading) {
        const lines = Array.from({ length: 500 }, (__, n) =>
          n % 5 === 0
            ? `{"delete":{"_id":"d${(written + n * 7) % 12_000}"}}\n`
            : `{"index":{"_id":"d${(written + n * 7) % 15_000}"}}\n{"changed":${written}}\n`,
        );
        await askServerOk(server, `POST /${name}/_bulk?refresh=true`, lines.join(""));
        written += 500;
        if (written === 3_000) await askServerOk(server, `POST /${name}/_forcemerge?max_num_segments=1`);
      }
    };
    const writing = write();

    const { content, pages } = await collect(server, { cursors, name }, { onWrite: () => until(() => written > 6_000) });

    isReading = false;
    await writing;
    expect(diffIndices(before, content)).toEqual([]);
    expect(pages).toBeGreaterThan(4);
    expect((await readAll(server, name)).size).not.toBe(before.size);
  });

  test("pages stay within the index's own result window, however small", async () => {
    const name = uniqueName("window");
    await using _ = await makeIndex(server, name, { "index.max_result_window": 7, number_of_shards: 1 });
    await fill(server, name, 100);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);

    const { content, pages } = await collect(server, { cursors, name });

    expect(content.size).toBe(100);
    expect(pages).toBe(15);
  });

  test("an index that is missing or closed has no cursor, and all others do", async () => {
    const [closed, there] = [uniqueName("closed"), uniqueName("there")];
    await using _ = await makeIndex(server, closed);
    await using __ = await makeIndex(server, there);
    await askServerOk(server, `POST /${closed}/_close`);
    await using reader = await openReader(server.url);

    await using cursors = await reader.open([uniqueName("nobody"), closed, there]);

    expect([closed, there].map((name) => cursors.has(name))).toEqual([false, true]);
  });

  test("an index that was made anew under its name is refused", async () => {
    const name = uniqueName("anew");
    await using _ = await makeIndex(server, name);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);
    await askServer(server, `DELETE /${name}`);
    await using __ = await makeIndex(server, name);

    const reading = collect(server, { cursors, name });

    await expect(reading).rejects.toMatchObject({ name: "IncompleteError", reason: "IndexDeleted" });
  });

  test("many indices are read at once, by a few readers", async () => {
    const names = Array.from({ length: 60 }, () => uniqueName("many"));
    await Promise.all(names.map((name, n) => makeIndex(server, name, { number_of_shards: 1 + (n % 2) })));
    const lines = names.flatMap((name, n) =>
      Array.from({ length: 20 + n }, (_, id) => `{"index":{"_index":"${name}","_id":"${id}"}}\n{}\n`),
    );
    await askServerOk(server, "POST /_bulk?refresh=true", lines.join(""));
    await using reader = await openReader(server.url);
    await using cursors = await reader.open(names);
    const limit = new ReadLimit(3);

    const all = await Promise.all(names.map((name) => collect(server, { cursors, name }, { limit })));

    for (const some of [names.slice(0, 30), names.slice(30)]) await askServerOk(server, `DELETE /${some.join(",")}`);
    expect(all.map(({ content }) => content.size)).toEqual(names.map((_, n) => 20 + n));
  });
});

test("vectors that a server leaves out of the source are read all the same, and the rest of the document byte by byte", async () => {
  await using server = await useElasticsearch("9.2.8");
  const [name, plain] = [uniqueName("vectors"), uniqueName("plain")];
  await using _ = await makeIndex(server, name);
  await using __ = await makeIndex(server, plain);
  await askServerOk(server, `PUT /${name}/_mapping`, JSON.stringify({ properties: { v: { type: "dense_vector", dims: 3 } } }));
  await askServerOk(server, `PUT /${name}/_doc/1?refresh=true`, '{"t":"a","v":[1,2,3.5],"n":9223372036854775807}');
  await askServerOk(server, `PUT /${plain}/_doc/1?refresh=true`, '{"t" : 1.0, "n":1E3}');
  await using reader = await openReader(server.url);
  await using cursors = await reader.open([name, plain]);

  const withVectors = await collect(server, { cursors, name });
  const without = await collect(server, { cursors, name: plain });

  const source = withVectors.content.get('["1"]')?.toString() ?? "";
  expect(JSON.parse(source)).toMatchObject({ t: "a", v: [1, 2, 3.5] });
  expect(source).toContain("9223372036854775807");
  expect(without.content.get('["1"]')?.toString()).toBe('{"t" : 1.0, "n":1E3}');
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
