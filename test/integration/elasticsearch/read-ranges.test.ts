import fc from "fast-check";
import { HitPage } from "../../../functions/elasticsearch/hit-page.ts";
import { PageSize } from "../../../functions/elasticsearch/page-size.ts";
import { ReadLimit } from "../../../functions/elasticsearch/read-limit.ts";
import { readRange } from "../../../functions/elasticsearch/read-range.ts";
import { askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { diffIndices, readAll } from "../../tools/search-equality.ts";
import { collect, fill, makeIndex, openReader } from "./reading.ts";

const SERVERS = [
  { name: "Elasticsearch 7.17.29", use: () => useElasticsearch("7.17.29") },
  { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") },
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
  { name: "OpenSearch 3.8.0", use: () => useOpenSearch("3.8.0") },
];

describe.each(SERVERS)("$name", ({ use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("wherever a shard is cut, its ranges hold every document once, beside deletes, nested documents and a merge", async () => {
    const name = uniqueName("cuts");
    await using _ = await makeIndex(server, name, { number_of_shards: 2 });
    await askServerOk(server, `PUT /${name}/_mapping`, JSON.stringify({ properties: { nested: { type: "nested" } } }));
    await fill(server, name, 400);
    const lines = Array.from({ length: 300 }, (__, n) =>
      n % 3 === 0 ? `{"delete":{"_id":"d${n}"}}\n` : `{"index":{"_id":"d${n + 300}"}}\n{"nested":[{"a":1},{"a":2}]}\n`,
    );
    await askServerOk(server, `POST /${name}/_bulk?refresh=true`, lines.join(""));
    const before = await readAll(server, name);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);
    await askServerOk(server, `POST /${name}/_bulk?refresh=true`, `{"delete":{"_id":"d1"}}\n{"delete":{"_id":"d2"}}\n`);
    await askServerOk(server, `POST /${name}/_forcemerge?max_num_segments=1`);
    const pages = [new HitPage(), new HitPage()] as const;
    const limit = new ReadLimit(1);
    const countBetween = async (shard: number, after: number | undefined, end: number | undefined) => {
      const cursor = await cursors.cursorOn(name, shard);
      const size = new PageSize({ storedBytes: 100_000, mostHits: 40 });
      const source = cursor.pagesOf({ part: 1, after, end }, { size, limit, signal: reader.abort.signal });
      const sink = { write: async () => undefined, finish: async () => undefined };
      return readRange(source, { index: name, pages, openTarget: () => sink });
    };
    const first = await countBetween(0, undefined, undefined);
    const second = await countBetween(1, undefined, undefined);

    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1 }),
        fc.uniqueArray(fc.integer({ min: 2, max: 900 }), { maxLength: 5 }),
        async (shard, cuts) => {
          const borders = [undefined, ...cuts.toSorted((left, right) => left - right), undefined];
          let [documents, digest] = [0, 0n];
          for (let at = 0; at < borders.length - 1; at += 1) {
            const from = borders[at];
            const range = await countBetween(shard, from === undefined ? undefined : from - 1, borders[at + 1]);
            documents += range.documents;
            digest = BigInt.asUintN(64, digest + range.digest);
          }

          const whole = shard === 0 ? first : second;
          expect({ documents, digest }).toEqual({ documents: whole.documents, digest: whole.digest });
        },
      ),
      { numRuns: 15 },
    );

    expect(first.documents + second.documents).toBe(before.size);
    expect((await readAll(server, name)).size).toBe(before.size - 2);
  });

  test("one large shard is read in parts at the same time, exactly, under a writer", async () => {
    const name = uniqueName("large");
    await using _ = await makeIndex(server, name, { number_of_shards: 1 });
    await fill(server, name, 20_000, { bytes: 2_000 });
    await askServerOk(
      server,
      `POST /${name}/_bulk?refresh=true`,
      Array.from({ length: 2_000 }, (__, n) => `{"delete":{"_id":"d${n * 7}"}}\n`).join(""),
    );
    const before = await readAll(server, name);
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);
    let isReading = true;
    const write = async () => {
      for (let round = 0; isReading; round += 1) {
        const lines = Array.from({ length: 200 }, (__, n) => `{"index":{"_id":"d${(round * 200 + n) % 30_000}"}}\n{"changed":1}\n`);
        await askServerOk(server, `POST /${name}/_bulk?refresh=true`, lines.join(""));
      }
    };
    const writing = write();

    const { content, targets, reading } = await collect(server, { cursors, name }, { limit: new ReadLimit(4) });

    isReading = false;
    await writing;
    expect(diffIndices(before, content)).toEqual([]);
    expect(reading.shards).toEqual([{ shard: 0, documents: before.size, parts: targets.length }]);
    expect(targets.length).toBeGreaterThan(1);
    expect(targets.map(({ part }) => part).toSorted()).toEqual(targets.map((__, at) => at + 1));
    for (const { documents, keys } of targets) expect(documents).toBe(keys.length);
  });

  test("documents of ten megabytes are read one by one, beside tiny ones", async () => {
    const name = uniqueName("huge");
    await using _ = await makeIndex(server, name, { number_of_shards: 1, refresh_interval: "-1" });
    await fill(server, name, 300, { bytes: 10 });
    for (let n = 0; n < 6; n += 1)
      await askServerOk(server, `PUT /${name}/_doc/huge${n}`, JSON.stringify({ text: "long ".repeat(2_000_000) }));
    await fill(server, name, 300, { from: 300, bytes: 10 });
    await using reader = await openReader(server.url);
    await using cursors = await reader.open([name]);

    const { content } = await collect(server, { cursors, name });

    expect(content.size).toBe(606);
    expect([0, 1, 2, 3, 4, 5].map((n) => content.get(`["huge${n}"]`)?.length)).toEqual(Array(6).fill(10_000_011));
  });
});
