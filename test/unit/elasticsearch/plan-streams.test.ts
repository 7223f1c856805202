import { planRestore } from "../../../functions/elasticsearch/plan-restore.ts";
import { entryOf, PARAMETERS, snapshotOf, streamOf, targetOf } from "./restorable-scene.ts";

const { entries, catalog } = streamOf("logs", 3);
const snapshot = snapshotOf(entries, catalog);

test.each([
  { flavour: "elasticsearch", version: "8.19.4", method: "migrate", through: "index" },
  { flavour: "elasticsearch", version: "7.11.0", method: "migrate", through: "index" },
  { flavour: "elasticsearch", version: "7.10.2", method: "replay", through: "stream" },
  { flavour: "opensearch", version: "2.19.1", method: "replay", through: "stream" },
  { flavour: "opensearch", version: "3.8.0", method: "modify", through: "index" },
] as const)("$flavour $version gets a data stream by $method", ({ flavour, version, method, through }) => {
  const plan = planRestore(snapshot, targetOf({ server: { flavour, version } }), PARAMETERS);

  expect(plan.faults).toEqual([]);
  expect(plan.dataStreams).toMatchObject([{ target: "logs", action: "create", method, numbers: [1, 2, 3] }]);
  expect(plan.indices.map(({ loadThrough, stream }) => `${loadThrough} ${stream}`)).toEqual(Array(3).fill(`${through} logs`));
  expect(plan.objects).toMatchObject([{ kind: "indexTemplates", phase: method === "replay" ? "before-data" : "after-data" }]);
});

test("Elasticsearch 7.8 has no data streams: refused by name", () => {
  const plan = planRestore(snapshot, targetOf({ server: { flavour: "elasticsearch", version: "7.8.1" } }), PARAMETERS);

  expect(plan.faults).toContainEqual({ kind: "unrestorable", what: "data stream logs", why: "is nothing that 7.8.1 knows" });
});

test("indices with the names that OpenSearch gives itself get others, in their order; all others keep theirs", () => {
  const stream = { ...catalog.dataStreams!.logs!, indices: [".ds-logs-restored-000001", ".ds-logs-000001", ".ds-logs-000002"] };
  const own = snapshotOf(
    // Not in the stream's order.
    stream.indices.toReversed().map((name) => entryOf(name, { dataStream: "logs" })),
    { ...catalog, dataStreams: { logs: stream } },
  );
  const server = { flavour: "opensearch", version: "3.8.0" } as const;

  const renamed = planRestore(own, targetOf({ server }), PARAMETERS);
  const kept = planRestore(snapshot, targetOf({ server }), PARAMETERS);

  expect(renamed.dataStreams[0]?.numbers).toEqual([3, 2, 1]);
  expect(renamed.indices.map(({ target }) => target)).toEqual([
    ".ds-logs-restored-000003",
    ".ds-logs-restored-000002",
    ".ds-logs-restored-000001",
  ]);
  expect(kept.indices.map(({ target }) => target)).toEqual(entries.map(({ name }) => name));
});

describe("a data stream that exists", () => {
  const existing = targetOf({ streams: { logs: [".ds-logs-2026.01.01-000001"] } });

  test("fails, is left whole, or is replaced with all its indices", () => {
    const failing = planRestore(snapshot, existing, PARAMETERS);
    const skipping = planRestore(snapshot, existing, { ...PARAMETERS, policy: "skip" });
    const replacing = planRestore(snapshot, existing, { ...PARAMETERS, policy: "replace" });

    expect(failing.faults).toContainEqual({ kind: "exists", what: "data stream logs", why: "exists" });
    expect(skipping.dataStreams[0]?.action).toBe("skip");
    expect(skipping.indices.map(({ action }) => action)).toEqual(["skip", "skip", "skip"]);
    expect(replacing.faults).toEqual([]);
    expect(replacing.dataStreams[0]?.action).toBe("replace");
    // They go with their stream.
    expect(replacing.indices.map(({ action }) => action)).toEqual(["create", "create", "create"]);
  });

  test("an index of its name, or an index of its own in another data stream, is never deleted for it", () => {
    const asIndex = planRestore(snapshot, targetOf({ indices: ["logs"] }), { ...PARAMETERS, policy: "replace" });
    const inOther = planRestore(snapshot, targetOf({ streams: { other: [entries[1]!.name] } }), { ...PARAMETERS, policy: "replace" });

    expect(asIndex.faults).toContainEqual({ kind: "unrestorable", what: "data stream logs", why: "is an index in the target" });
    expect(inOther.faults).toMatchObject([{ kind: "unrestorable", why: "belongs to the data stream other of the target" }]);
  });

  test("indices that a broken restore left behind are replaced one by one", () => {
    const plan = planRestore(snapshot, targetOf({ indices: [entries[1]!.name] }), { ...PARAMETERS, policy: "replace" });

    expect(plan.faults).toEqual([]);
    expect(plan.indices.map(({ action }) => action)).toEqual(["create", "replace", "create"]);
  });
});

test("the alias that a restore left on indices of the stream when it broke off is no obstacle, any other alias is", () => {
  const left = entries.map(({ name }) => name);
  const aliasOn = (...names: string[]) => ({ logs: Object.fromEntries(names.map((name) => [name, {}])) });
  const plan = (names: string[]) =>
    planRestore(snapshot, targetOf({ indices: [...left, "other"], aliases: aliasOn(...names) }), { ...PARAMETERS, policy: "replace" });

  expect(plan(left).faults).toEqual([]);
  expect(plan(left).indices.map(({ action }) => action)).toEqual(["replace", "replace", "replace"]);
  expect(plan([...left, "other"]).faults).toEqual([{ kind: "unrestorable", what: "data stream logs", why: "is an alias in the target" }]);
});

test("without a template that makes data streams of its name, nothing begins", () => {
  const without = planRestore(snapshot, targetOf(), { ...PARAMETERS, indicesOnly: true });
  const hidden = planRestore(
    snapshot,
    targetOf({ objects: { indexTemplates: { all: { index_patterns: ["*"], priority: 999 } } } }),
    PARAMETERS,
  );

  expect(without.faults).toMatchObject([{ kind: "unrestorable", what: "data stream logs" }]);
  expect(hidden.faults).toMatchObject([{ kind: "unrestorable", what: "data stream logs" }]);
});

test("its own lifecycle is put back where the target knows one, and told where it does not", () => {
  const lifecycle = {
    enabled: true,
    data_retention: "7d",
    effective_retention: "7d",
    retention_determined_by: "data_stream_configuration",
  };
  const stream = { ...catalog.dataStreams!.logs!, other: { lifecycle } };
  const having = snapshotOf(entries, { ...catalog, dataStreams: { logs: stream } });

  const known = planRestore(having, targetOf(), PARAMETERS);
  const unknown = planRestore(having, targetOf({ server: { flavour: "opensearch", version: "3.8.0" } }), PARAMETERS);

  expect(known.dataStreams[0]?.lifecycle).toEqual({ enabled: true, data_retention: "7d" });
  expect(unknown.dataStreams[0]?.lifecycle).toBeUndefined();
  expect(unknown.notes.map(({ reason }) => reason)).toContain("LifecycleNotRestored");
});

test("indices of it that the snapshot lacks are told", () => {
  const plan = planRestore(snapshotOf(entries.slice(1), catalog), targetOf(), PARAMETERS);

  expect(plan.notes).toContainEqual({
    reason: "StreamNotWhole",
    message: `Data stream "logs" lacks what the snapshot does not hold: ${entries[0]!.name}`,
  });
});
