import { sourceKind } from "../../../functions/elasticsearch/source-kind.ts";

test.each([
  ["stored", {}, {}],
  ["stored", {}, { _source: {} }],
  ["stored", {}, { _source: { enabled: true, includes: [], excludes: [] } }],
  ["off", {}, { _source: { enabled: false } }],
  ["off", { "index.mapping.source.mode": "disabled" }, {}],
  ["off", {}, { _source: { mode: "disabled" } }],
  ["off", { "index.mapping.source.mode": "stored" }, { _source: { enabled: false } }],
  ["filtered", {}, { _source: { excludes: ["secret"] } }],
  ["filtered", {}, { _source: { includes: ["a.*"] } }],
  ["filtered", { "index.mode": "logsdb", "index.mapping.source.mode": "stored" }, { _source: { excludes: ["secret"] } }],
  ["synthetic", { "index.mapping.source.mode": "synthetic" }, {}],
  ["synthetic", {}, { _source: { mode: "synthetic" } }],
  ["synthetic", { "index.mode": "logsdb" }, {}],
  ["synthetic", { "index.mode": "time_series" }, {}],
  ["stored", { "index.mode": "logsdb", "index.mapping.source.mode": "stored" }, {}],
  ["stored", { "index.mode": "time_series" }, { _source: { mode: "stored" } }],
  ["stored", { "index.mapping.source.mode": "stored" }, { _source: { mode: "synthetic" } }],
  ["stored", { "index.mode": "lookup" }, {}],
  ["synthetic", { "index.derived_source.enabled": "true" }, {}],
] as const)("The source is %s with %j and %j", (kind, settings, mappings) => {
  expect(sourceKind(settings, mappings)).toBe(kind);
});
