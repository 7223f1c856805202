import { chooseIndices, type IndexSelection } from "../../../functions/elasticsearch/choose-indices.ts";
import type { ListedIndex } from "../../../functions/elasticsearch/list-indices.ts";

function index(name: string, rest: Partial<ListedIndex> = {}): ListedIndex {
  return { name, uuid: `uuid-${name}`, isClosed: false, isHidden: false, isSystem: false, aliases: [], ...rest };
}

function choose(listed: readonly ListedIndex[], selection: Partial<IndexSelection> = {}) {
  const { chosen, notCarried } = chooseIndices(listed, { skipHidden: false, openClosed: false, ...selection });
  return { names: chosen.map(({ name }) => name), left: Object.fromEntries(notCarried.map(({ name, reason }) => [name, reason])) };
}

test("Hidden indices belong to the backup, features' own do not and are named", () => {
  const listed = [index("a"), index(".mine", { isHidden: true }), index(".tasks", { isSystem: true }), index(".odd", { isSystem: true })];

  const { names, left } = choose(listed);

  expect(names).toEqual(["a", ".mine"]);
  expect(left).toEqual({
    "index:.tasks": "It belongs to the server's own work in progress and caches",
    "index:.odd": "It belongs to a feature of the server, which says so",
  });
});

test.each([
  ".security-7",
  ".security",
  ".opendistro_security",
  "searchguard",
  ".kibana_1",
  ".kibana_task_manager_8.19.4_001",
  ".kibana",
  ".async-search",
  ".watches",
  ".triggered_watches-6",
  ".watcher-history-16-000001",
  ".ml-anomalies-shared",
  ".transform-internal-007",
  ".fleet-agents-7",
  ".monitoring-es-7-2026.01.01",
  ".opendistro-ism-config",
  ".opensearch-observability",
  ".plugins-ml-model",
  ".geospatial-ip2geo-data.x",
  ".enrich-users-1700000000",
  ".ltrstore",
])("Where no server says so, %s is known by its name", (name) => {
  expect(choose([index(name, { isHidden: true })]).names).toEqual([]);
});

test.each([
  ".securityaudit",
  ".kibanana",
  ".watchestore",
  ".mlops",
  ".tasksheet",
  "kibana",
  "security-auditlog-2026",
  "searchguard-logs",
  "ilm-history-5",
  ".internal.alerts-security.alerts-default-000001",
])("A name that only resembles a feature's stays: %s", (name) => {
  expect(choose([index(name)]).names).toEqual([name]);
});

test("A backing index is judged by its data stream's name", () => {
  const listed = [
    index(".ds-ilm-history-7-2026.01.01-000001", { dataStream: "ilm-history-7", isHidden: true }),
    index(".ds-.logs-deprecation.elasticsearch-default-2026.01.01-000001", { dataStream: ".logs-deprecation.elasticsearch-default" }),
    index(".ds-.kibana-event-log-ds-2026.01.01-000001", { dataStream: ".kibana-event-log-ds" }),
    index(".ds-logs-web-2026.01.01-000001", { dataStream: "logs-web" }),
  ];

  const { names, left } = choose(listed);

  expect(names).toEqual([".ds-logs-web-2026.01.01-000001"]);
  expect(Object.keys(left)).toHaveLength(3);
});

test("Closed indices are left out by name, unless they are to be opened", () => {
  const listed = [index("a"), index("old", { isClosed: true })];

  expect(choose(listed)).toEqual({
    names: ["a"],
    left: { "index:old": "It is closed; --open-closed opens it for as long as it is read" },
  });
  expect(choose(listed, { openClosed: true })).toEqual({ names: ["a", "old"], left: {} });
});

test("A selection is tested against names, aliases and data streams, and what it takes out is counted once", () => {
  const listed = [
    index("app-1", { aliases: ["app"] }),
    index("logs-1"),
    index("other"),
    index(".ds-logs-web-000001", { dataStream: "logs-web", isHidden: true }),
    index(".tasks", { isSystem: true }),
  ];

  const byWildcard = choose(listed, { match: "app, logs-*" });
  const byExclusion = choose(listed, { match: "-logs-*" });
  const byRegex = choose(listed, { matchRegex: "^LOGS-" });
  const byBoth = choose(listed, { match: "logs-*", matchRegex: "web$" });

  expect(byWildcard.names).toEqual(["app-1", "logs-1", ".ds-logs-web-000001"]);
  expect(byWildcard.left).toEqual({ "indices:not-selected": "2 indices are not chosen by --match or --match-regex" });
  expect(byExclusion.names).toEqual(["app-1", "other"]);
  expect(Object.keys(byExclusion.left)).toEqual(["index:.tasks", "indices:not-selected"]);
  expect(byRegex.names).toEqual(["logs-1", ".ds-logs-web-000001"]);
  expect(byBoth.names).toEqual([".ds-logs-web-000001"]);
});

test("Without hidden indices, the backing indices of a data stream that is not hidden stay", () => {
  const listed = [index(".mine", { isHidden: true, isClosed: true }), index(".ds-logs-000001", { dataStream: "logs" }), index("a")];

  const { names, left } = choose(listed, { skipHidden: true });

  expect(names).toEqual([".ds-logs-000001", "a"]);
  expect(left).toEqual({ "indices:hidden": "1 hidden index is left out by --skip-hidden" });
});

test("Failure stores are left out by name", () => {
  const { names, left } = choose([index(".fs-logs-000002", { failureStoreOf: "logs", isHidden: true })]);

  expect(names).toEqual([]);
  expect(left["index:.fs-logs-000002"]).toMatch(/data stream "logs" refused/);
});

test.each(["mounted", "follower", "downsampled", "rollup"] as const)(
  "An index that is %s is carried, and what becomes of it is said",
  (nature) => {
    const { names, left } = choose([index("special", { nature })]);

    expect(names).toEqual(["special"]);
    expect(left["index:special"]).toMatch(/^Its documents are carried as those of an ordinary index/);
  },
);
