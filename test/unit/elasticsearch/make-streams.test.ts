import { makeStreams } from "../../../functions/elasticsearch/make-streams.ts";
import { planRestore } from "../../../functions/elasticsearch/plan-restore.ts";
import { PARAMETERS, snapshotOf, streamOf, targetOf } from "./restorable-scene.ts";
import { startScriptedCluster } from "./scripted-cluster.ts";

const silent = () => {};
const OPTIONS = { log: { debug: silent, info: silent, warn: silent, error: silent }, signal: new AbortController().signal };
const OK = { body: { acknowledged: true } };
const { entries, catalog } = streamOf("logs", 3);
const [first, second, third] = entries.map(({ name }) => name);
const streamAnswer = (...names: (string | undefined)[]) => ({
  body: { data_streams: [{ name: "logs", indices: names.map((index_name) => ({ index_name })) }] },
});

const planFor = (flavour: "elasticsearch" | "opensearch", version: string, other = {}) => {
  const having = { ...catalog, dataStreams: { logs: { ...catalog.dataStreams!.logs!, other } } };
  return planRestore(snapshotOf(entries, having), targetOf({ server: { flavour, version } }), PARAMETERS);
};

test("on Elasticsearch an alias over the indices, the last of them the one to write into, becomes the data stream", async () => {
  await using cluster = await startScriptedCluster({
    "/_data_stream/logs": { status: 404, body: {} },
    "/_aliases": OK,
    "/_data_stream/_migrate/logs": OK,
    "/_data_stream/logs/_lifecycle": OK,
  });

  const made = await makeStreams(cluster.transport, planFor("elasticsearch", "8.19.4", { lifecycle: { enabled: true } }), OPTIONS);

  expect(made).toBe(1);
  expect(cluster.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "GET /_data_stream/logs",
    "POST /_aliases",
    "POST /_data_stream/_migrate/logs",
    "PUT /_data_stream/logs/_lifecycle",
  ]);
  expect(JSON.parse(cluster.requests[1]?.body ?? "")).toEqual({
    actions: [
      { add: { index: first, alias: "logs", is_write_index: false } },
      { add: { index: second, alias: "logs", is_write_index: false } },
      { add: { index: third, alias: "logs", is_write_index: true } },
    ],
  });
});

test("a migration whose answer was lost is looked at, and not done twice", async () => {
  await using cluster = await startScriptedCluster({
    "/_data_stream/logs": [{ status: 404, body: {} }, streamAnswer(first, second, third)],
    "/_aliases": OK,
    "/_data_stream/_migrate/logs": { status: 503, body: {} },
  });

  await makeStreams(cluster.transport, planFor("elasticsearch", "8.19.4"), OPTIONS);

  expect(cluster.requests.filter(({ url }) => url.endsWith("_migrate/logs"))).toHaveLength(1);
});

test("on OpenSearch the indices that a new stream lacks are added, oldest first", async () => {
  await using cluster = await startScriptedCluster({
    "/_data_stream/logs": [{ status: 404, body: {} }, OK, streamAnswer(first, ".ds-logs-000001")],
    "/_data_stream/_modify": OK,
  });

  await makeStreams(cluster.transport, planFor("opensearch", "3.8.0"), OPTIONS);

  expect(cluster.requests.map(({ method }) => method)).toEqual(["GET", "PUT", "GET", "POST"]);
  expect(JSON.parse(cluster.requests.at(-1)?.body ?? "")).toEqual({
    actions: [{ add_backing_index: { data_stream: "logs", index: second } }, { add_backing_index: { data_stream: "logs", index: third } }],
  });
});

test("a data stream that is skipped, or was written through, needs nothing", async () => {
  await using cluster = await startScriptedCluster({});
  const existing = targetOf({ streams: { logs: [] } });
  const skipped = planRestore(snapshotOf(entries, catalog), existing, { ...PARAMETERS, policy: "skip" });

  const made = [
    await makeStreams(cluster.transport, skipped, OPTIONS),
    await makeStreams(cluster.transport, planFor("opensearch", "2.19.1"), OPTIONS),
  ];

  expect(made).toEqual([0, 1]);
  expect(cluster.requests).toEqual([]);
});
