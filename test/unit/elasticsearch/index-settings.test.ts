import { isDroppable, isServerMade, sortSettings } from "../../../functions/elasticsearch/index-settings.ts";

const ES = { flavour: "elasticsearch", version: "8.19.4" } as const;
const OS = { flavour: "opensearch", version: "2.19.1" } as const;
const rename = { rename: (name: string) => name };

const KEPT = {
  "index.number_of_shards": "3",
  "index.number_of_routing_shards": "30",
  "index.routing_partition_size": "2",
  "index.routing_path": ["host"],
  "index.analysis.analyzer.x.type": "standard",
  "index.sort.field": ["a"],
  "index.mode": "time_series",
  "index.time_series.start_time": "2026-01-01T00:00:00Z",
  "index.hidden": "true",
  "index.mapping.total_fields.limit": "2000",
  "index.mapping.source.mode": "synthetic",
  "index.similarity.default.type": "BM25",
  "index.codec": "best_compression",
  "index.max_result_window": "500",
};

const STRIPPED = [
  "index.uuid",
  "index.creation_date",
  "index.provided_name",
  "index.history.uuid",
  "index.version.created",
  "index.version.upgraded",
  "index.resize.source.uuid",
  "index.shrink.source.name",
  "index.merge.enabled",
  "index.routing.allocation.initial_recovery._id",
  "index.routing.allocation.include._tier_preference",
  "index.verified_before_close",
  "index.verified_read_only",
  "index.downsample.source.name",
  "index.rollup.source.name",
  "index.frozen",
  "index.search.throttled",
  "index.recovery.type",
  "index.store.snapshot.repository_name",
  "index.xpack.ccr.following_index",
  "index.plugins.replication.follower.leader_index",
  "index.remote_store.enabled",
  "index.blocks.read_only_allow_delete",
];

const HELD = {
  "index.number_of_replicas": "2",
  "index.auto_expand_replicas": "0-1",
  "index.refresh_interval": "30s",
  "index.translog.durability": "async",
  "index.default_pipeline": "p",
  "index.final_pipeline": "q",
  "index.search.default_pipeline": "s",
  "index.lifecycle.name": "ilm",
  "index.lifecycle.rollover_alias": "w",
  "index.plugins.index_state_management.rollover_alias": "w",
};

test("what makes an index what it is, it is created with", () => {
  const { creation, held, left } = sortSettings(KEPT, ES, rename);

  expect(creation).toMatchObject(KEPT);
  expect(Object.values(held)).toEqual(Object.keys(held).map(() => null));
  expect(left).toEqual([]);
});

test("what the server makes itself or refuses is nowhere", () => {
  const settings = Object.fromEntries(STRIPPED.map((name) => [name, "1"]));

  const { creation, held, blocks, left } = sortSettings(settings, ES, rename);

  for (const name of STRIPPED) {
    expect(creation).not.toHaveProperty([name]);
    expect(held).not.toHaveProperty([name]);
    expect(isServerMade(name)).toBe(true);
  }
  expect({ blocks, left }).toEqual({ blocks: {}, left: [] });
});

test("what would hinder or change documents while they are loaded is held back, and loading has its own", () => {
  const { creation, held } = sortSettings({ ...HELD, "index.creation_date": "1700000000000" }, ES, rename);

  expect(creation).toEqual({
    "index.number_of_replicas": "0",
    "index.auto_expand_replicas": "false",
    "index.refresh_interval": "-1",
    "index.translog.durability": "async",
    "index.default_pipeline": "_none",
    "index.final_pipeline": "_none",
    "index.lifecycle.name": null,
  });
  expect(held).toEqual({ ...HELD, "index.lifecycle.origination_date": "1700000000000" });
});

test("an origination date of the source's own stays, and without a lifecycle there is none", () => {
  const own = { "index.lifecycle.name": "ilm", "index.lifecycle.origination_date": "5", "index.creation_date": "9" };

  expect(sortSettings(own, ES, rename).held["index.lifecycle.origination_date"]).toBe("5");
  expect(sortSettings({ "index.creation_date": "9" }, ES, rename).held).not.toHaveProperty(["index.lifecycle.origination_date"]);
});

test("what loading needed and the source did not set is reset afterwards", () => {
  const { held } = sortSettings({ "index.number_of_replicas": "1" }, OS, rename);

  expect(held).toEqual({
    "index.number_of_replicas": "1",
    "index.auto_expand_replicas": null,
    "index.refresh_interval": null,
    "index.translog.durability": null,
    "index.default_pipeline": null,
    "index.final_pipeline": null,
    "index.search.default_pipeline": null,
  });
});

test("blocks come last, and where shards may lie is told and left to the target", () => {
  const settings = {
    "index.blocks.write": "true",
    "index.routing.allocation.require.box": "hot",
    "index.routing.rebalance.enable": "none",
  };

  const { creation, blocks, left } = sortSettings(settings, ES, rename);

  expect(blocks).toEqual({ "index.blocks.write": "true" });
  expect(left.map(({ name }) => name)).toEqual(["index.routing.allocation.require.box", "index.routing.rebalance.enable"]);
  expect(Object.keys(creation).some((name) => /blocks|allocation|rebalance/.test(name))).toBe(false);
});

test("a searchable snapshot becomes an ordinary index, another store type stays", () => {
  expect(sortSettings({ "index.store.type": "snapshot" }, ES, rename).creation).not.toHaveProperty(["index.store.type"]);
  expect(sortSettings({ "index.store.type": "niofs" }, ES, rename).creation).toMatchObject({ "index.store.type": "niofs" });
});

test("the way of replication goes to OpenSearch alone", () => {
  const settings = { "index.replication.type": "SEGMENT" };

  expect(sortSettings(settings, OS, rename).creation).toMatchObject(settings);
  expect(sortSettings(settings, ES, rename).creation).not.toHaveProperty(["index.replication.type"]);
});

test.each([
  ["index.knn", true],
  ["index.knn.algo_param.ef_search", true],
  ["index.opendistro.x", true],
  ["index.soft_deletes.enabled", true],
  ["index.mapper.dynamic", true],
  ["index.translog.retention.size", true],
  ["index.lifecycle.name", true],
  ["index.codec", true],
  ["index.search.default_pipeline", true],
  ["index.number_of_shards", false],
  ["index.mode", false],
  ["index.mapping.source.mode", false],
  ["index.routing_path", false],
  ["index.sort.field", false],
  ["index.analysis.analyzer.x.type", false],
  ["index.number_of_replicas", false],
])("an index can do without %s: %s", (name, expected) => {
  expect(isDroppable(name)).toBe(expected);
});
