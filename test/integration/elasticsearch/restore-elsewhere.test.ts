import type { SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { RestoreScene, refusalOf, type TakenSnapshot } from "./restore-scene.ts";

const ES7 = { name: "Elasticsearch 7.17.29", use: () => useElasticsearch("7.17.29") };
const ES8 = { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") };
const ES9 = { name: "Elasticsearch 9.2.8", use: () => useElasticsearch("9.2.8") };
const OS2 = { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") };
const OS3 = { name: "OpenSearch 3.8.0", use: () => useOpenSearch("3.8.0") };

describe.each([
  { from: ES7, to: ES9 },
  { from: ES7, to: OS2 },
  { from: ES8, to: OS3 },
  { from: OS2, to: ES8 },
  { from: OS3, to: ES9 },
  { from: ES9, to: ES7 },
])("from $from.name to $to.name", ({ from, to }) => {
  let source: SearchServer;
  let target: SearchServer;
  beforeAll(async () => {
    source = await from.use();
    target = await to.use();
  });
  afterAll(async () => {
    await source[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  test("indices with what is around them arrive, and nothing is told but what differs", async () => {
    const prefix = uniqueName("x");
    await using there = await RestoreScene.open(source, prefix);
    await using here = await RestoreScene.open(target, prefix);
    await fill(there);
    const snapshot = await there.take();

    const { counted, warnings, plan } = await here.restore(snapshot);

    const copy = await here.take();
    expect(counted).toBe(3);
    expect(plan.notes).toEqual([]);
    expect(warnings).toEqual([]);
    expect(sourcesOf(copy)).toEqual(sourcesOf(snapshot));
    expect(copy.entries.map(({ aliases }) => aliases)).toEqual(snapshot.entries.map(({ aliases }) => aliases));
    expect(copy.entries[0]?.settings).toMatchObject({ "index.number_of_replicas": "1", "index.refresh_interval": "3s" });
    expect(Object.keys(copy.catalog.indexTemplates)).toEqual([`${prefix}-i`]);
  });
});

test("a field type that OpenSearch does not have is refused by name, and nothing is written", async () => {
  const prefix = uniqueName("x");
  await using source = await useElasticsearch("8.19.4");
  await using target = await useOpenSearch("2.19.1");
  await using there = await RestoreScene.open(source, prefix);
  await using here = await RestoreScene.open(target, prefix);
  await there.ask(`PUT /${prefix}-1`, { mappings: { properties: { f: { type: "flattened" } } } });
  await there.ask(`PUT /${prefix}-2`);
  const snapshot = await there.take();

  const refused = await refusalOf(here.plan(snapshot).then((plan) => here.prepare(plan)));

  expect(refused.message).toMatch(new RegExp(`index ${prefix}-1 would be refused: .*flattened`));
  expect(refused.message).not.toContain(`${prefix}-2`);
  expect((await here.take()).entries).toEqual([]);
});

test("time series and logs go into a newer server: without ids where it makes them, and vectors stay where they were", async () => {
  const prefix = uniqueName("x");
  await using source = await useElasticsearch("8.19.4");
  await using target = await useElasticsearch("9.2.8");
  await using there = await RestoreScene.open(source, prefix);
  await using here = await RestoreScene.open(target, prefix);
  const time = { "index.time_series.start_time": "2026-01-01T00:00:00Z", "index.time_series.end_time": "2026-02-01T00:00:00Z" };
  const dimension = { type: "keyword", time_series_dimension: true };
  await there.ask(`PUT /${prefix}-series`, {
    settings: { "index.mode": "time_series", "index.routing_path": ["host"], number_of_shards: 2, ...time },
    mappings: { properties: { "@timestamp": { type: "date" }, host: dimension, v: { type: "double", time_series_metric: "gauge" } } },
  });
  await there.ask(`PUT /${prefix}-logs`, {
    settings: { "index.mode": "logsdb" },
    mappings: { properties: { "@timestamp": { type: "date" } } },
  });
  await there.ask(`PUT /${prefix}-vectors`, { mappings: { properties: { v: { type: "dense_vector", dims: 2 } } } });
  const points = [1, 2, 3].map((n) => ({ source: { "@timestamp": `2026-01-0${n}T00:00:00.000Z`, host: `h${n}`, v: n } }));
  await there.write(`${prefix}-series`, points, "create");
  await there.write(`${prefix}-logs`, [{ id: "1", source: { "@timestamp": "2026-01-01", message: "m" } }]);
  await there.write(`${prefix}-vectors`, [{ id: "1", source: { v: [1, 2.5] } }]);
  const snapshot = await there.take();

  const { counted, warnings } = await here.restore(snapshot);

  const copy = await here.take();
  expect(counted).toBe(5);
  expect(warnings).toEqual([]);
  expect(sourcesOf(copy)).toEqual(sourcesOf(snapshot));
  expect(copy.entries.find(({ name }) => name.endsWith("-series"))?.settings).toMatchObject({ "index.mode": "time_series", ...time });
});

async function fill(scene: RestoreScene): Promise<void> {
  const { prefix } = scene;
  await scene.ask(`PUT /${prefix}-1`, {
    settings: { number_of_shards: 2, number_of_replicas: 1, refresh_interval: "3s", "index.search.slowlog.threshold.query.warn": "10s" },
    mappings: {
      dynamic_templates: [{ all: { match_mapping_type: "string", mapping: { type: "keyword", ignore_above: 100 } } }],
      properties: {
        t: { type: "text", fields: { k: { type: "keyword" } }, analyzer: "standard" },
        d: { type: "date", format: "strict_date_optional_time||epoch_millis" },
        g: { type: "geo_point" },
        l: { type: "long", doc_values: false, null_value: 7 },
        b: { type: "binary" },
        o: { type: "object", enabled: false },
        n: { type: "nested", properties: { x: { type: "integer" } } },
        i: { type: "ip" },
        r: { type: "integer_range" },
        a: { type: "alias", path: "l" },
        c: { type: "completion" },
      },
    },
    aliases: { [`${prefix}-a`]: { filter: { term: { l: 1 } }, is_write_index: true } },
  });
  await scene.ask(`PUT /_index_template/${prefix}-i`, {
    index_patterns: [`${prefix}-none*`],
    priority: 11,
    template: {
      settings: { number_of_shards: 1 },
      mappings: { properties: { a: { type: "keyword" } } },
      aliases: { [`${prefix}-of`]: {} },
    },
  });
  await scene.write(`${prefix}-1`, [
    { id: "1", source: { t: "Grüße", d: "2026-01-01", l: 1, n: [{ x: 1 }, { x: 2 }], free: "text" } },
    { id: "2", routing: "r", source: { g: { lat: 1.5, lon: 2 }, i: "::1", o: { any: ["thing"] } } },
    { id: "3", source: {} },
  ]);
}

function sourcesOf({ hits }: TakenSnapshot): unknown {
  return [...hits].map(([name, found]) => [name, found.map(({ _id, _routing, _source }) => ({ _id, _routing, _source })).sort(byId)]);
}

function byId(one: { _id: string }, other: { _id: string }): number {
  return one._id < other._id ? -1 : 1;
}
