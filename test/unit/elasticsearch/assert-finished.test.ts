import { assertFinished } from "../../../functions/elasticsearch/assert-finished.ts";
import { planRestore } from "../../../functions/elasticsearch/plan-restore.ts";
import type { PreparedTarget } from "../../../functions/elasticsearch/prepare-target.ts";
import { IncompleteError } from "../../../runner/errors.ts";
import { entryOf, PARAMETERS, snapshotOf, streamOf, targetOf } from "./restorable-scene.ts";
import { type Answers, startScriptedCluster } from "./scripted-cluster.ts";

const SERVER = { flavour: "elasticsearch", version: "8.19.4", id: "uuid", clusterName: "demo", dataNodes: 1 } as const;
const { entries, catalog } = streamOf("logs", 2);
const backing = entries.map(({ name }) => name);
const filter = { term: { n: 1 } };
const snapshot = snapshotOf([entryOf("a", { aliases: { w: { is_write_index: true, filter } } }), ...entries], {
  ...catalog,
  ingestPipelines: { p: { processors: [{ set: { field: "a" } }] } },
});
const plan = planRestore(snapshot, targetOf(), PARAMETERS);
const prepared = { loaded: ({ target }: { target: string }) => ({ index: target }) } as unknown as PreparedTarget;
const settings = new Map([["a", { "index.number_of_replicas": "1", "index.refresh_interval": null }]]);

const stateOf = (names: readonly string[]) => ({
  body: {
    cluster_uuid: "uuid",
    metadata: {
      indices: { a: {}, ...Object.fromEntries(backing.map((name) => [name, {}])) },
      data_stream: { data_stream: { logs: { indices: names.map((index_name) => ({ index_name })) } } },
    },
  },
});

const GOOD: Answers = {
  "/_cluster/state/metadata": stateOf(backing),
  "/_alias": { body: { a: { aliases: { w: { is_write_index: true, filter } } } } },
  "/_ingest/pipeline": { body: { p: { processors: [{ set: { field: "a" } }] } } },
  "/_index_template": {
    body: { index_templates: [{ name: "logs-t", index_template: { index_patterns: ["logs*"], data_stream: { hidden: false } } }] },
  },
  "/_component_template": { body: { component_templates: [] } },
  "/_template": { body: {} },
  "/_ilm/policy": { body: {} },
  "/_enrich/policy": { body: { policies: [] } },
  "/a/_settings": { body: { a: { settings: { "index.number_of_replicas": "1" } } } },
};

test("what is as it was to be passes, with what servers add by themselves", async () => {
  await using cluster = await startScriptedCluster(GOOD);

  await assertFinished(cluster.transport, SERVER, { plan, prepared, settings });

  expect(cluster.requests.every(({ method }) => method === "GET")).toBe(true);
});

test.each<{ what: string; answers: Answers }>([
  {
    what: "setting index.number_of_replicas",
    answers: { "/a/_settings": { body: { a: { settings: { "index.number_of_replicas": "0" } } } } },
  },
  {
    what: 'setting index.refresh_interval of index "a"',
    answers: { "/a/_settings": { body: { a: { settings: { "index.number_of_replicas": "1", "index.refresh_interval": "-1" } } } } },
  },
  { what: 'ingest pipeline "p" is not there', answers: { "/_ingest/pipeline": { body: {} } } },
  { what: 'processors of ingest pipeline "p"', answers: { "/_ingest/pipeline": { body: { p: { processors: [] } } } } },
  { what: 'alias "w" of "a" is not there', answers: { "/_alias": { body: { a: { aliases: {} } } } } },
  { what: 'filter of alias "w" of "a"', answers: { "/_alias": { body: { a: { aliases: { w: { is_write_index: true } } } } } } },
  { what: 'is_write_index of alias "w" of "a"', answers: { "/_alias": { body: { a: { aliases: { w: { filter } } } } } } },
  { what: 'data stream "logs" has the indices', answers: { "/_cluster/state/metadata": stateOf(backing.toReversed()) } },
  { what: 'data stream "logs" has the indices', answers: { "/_cluster/state/metadata": stateOf(backing.slice(1)) } },
])("a difference is no success: $what", async ({ what, answers }) => {
  await using cluster = await startScriptedCluster({ ...GOOD, ...answers });

  const asserting = assertFinished(cluster.transport, SERVER, { plan, prepared, settings });

  await expect(asserting).rejects.toThrow(IncompleteError);
  await expect(asserting).rejects.toThrow(what);
});
