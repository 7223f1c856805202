import { cursorDialect } from "../../../functions/elasticsearch/cursor-dialect.ts";

test.each([
  ["elasticsearch", "6.8.23", { hasPointsInTime: false, vectors: false }],
  ["elasticsearch", "7.11.2", { hasPointsInTime: false, vectors: false }],
  ["elasticsearch", "7.12.0", { hasPointsInTime: true, vectors: false }],
  ["elasticsearch", "7.17.29", { hasPointsInTime: true, vectors: false }],
  ["elasticsearch", "8.18.9", { hasPointsInTime: true, vectors: false }],
  ["elasticsearch", "8.19.0", { hasPointsInTime: true, vectors: true }],
  ["elasticsearch", "9.0.8", { hasPointsInTime: true, vectors: false }],
  ["elasticsearch", "9.1.0", { hasPointsInTime: true, vectors: true }],
  ["elasticsearch", "9.2.8", { hasPointsInTime: true, vectors: true }],
  ["opensearch", "1.3.20", { hasPointsInTime: false, vectors: false }],
  ["opensearch", "2.3.0", { hasPointsInTime: false, vectors: false }],
  ["opensearch", "2.4.0", { hasPointsInTime: true, vectors: false }],
  ["opensearch", "3.8.0", { hasPointsInTime: true, vectors: false }],
] as const)("%s %s", (flavour, version, { hasPointsInTime, vectors }) => {
  const dialect = cursorDialect({ flavour, version });

  expect(dialect.hasPointsInTime).toBe(hasPointsInTime);
  expect(dialect.source).toEqual(vectors ? { exclude_vectors: false } : true);
  expect(dialect.sort).toBe(flavour === "opensearch" ? "_doc" : "_shard_doc");
});

test("a point in time is opened on one shard alone, and its index's name is encoded", () => {
  const elasticsearch = cursorDialect({ flavour: "elasticsearch", version: "8.19.4" }).open("löss", 3, "5m");
  const openSearch = cursorDialect({ flavour: "opensearch", version: "2.19.1" }).open("löss", 3, "5m");

  expect(elasticsearch).toMatchObject({ method: "POST", path: "/l%C3%B6ss/_pit", query: { preference: "_shards:3", keep_alive: "5m" } });
  expect(openSearch).toMatchObject({ path: "/l%C3%B6ss/_search/point_in_time", query: { preference: "_shards:3|_primary" } });
});

test.each([
  ["elasticsearch", "9.2.8", undefined],
  ["opensearch", "2.7.0", undefined],
  ["opensearch", "2.8.0", "_none"],
  ["opensearch", "3.8.0", "_none"],
] as const)("%s %s searches in full, and around the index's search pipeline where there are any", (flavour, version, pipeline) => {
  const { query } = cursorDialect({ flavour, version });

  expect(query.allow_partial_search_results).toBe(false);
  expect(query.search_pipeline).toBe(pipeline);
});
