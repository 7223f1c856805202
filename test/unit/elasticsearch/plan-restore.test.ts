import { planRestore } from "../../../functions/elasticsearch/plan-restore.ts";
import type { RestorePlan } from "../../../functions/elasticsearch/restore-plan.ts";
import { IncompleteError, ParameterError } from "../../../runner/errors.ts";
import { entryOf, PARAMETERS, snapshotOf, streamOf, targetOf } from "./restorable-scene.ts";

const names = ({ indices }: RestorePlan) => indices.map(({ target, action }) => `${action} ${target}`);
const faults = ({ faults: all }: RestorePlan) => all.map(({ kind, what, why }) => `${kind}: ${what} ${why}`);
const reasons = ({ notes }: RestorePlan) => notes.map(({ reason }) => reason);

describe("what is chosen", () => {
  const { entries, catalog } = streamOf("logs", 2);
  const snapshot = snapshotOf([entryOf("a-1", { aliases: { all: {} } }), entryOf("a-2"), ...entries], catalog);

  test("everything, numbered by its line", () => {
    const plan = planRestore(snapshot, targetOf(), PARAMETERS);

    expect(plan.indices.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(names(plan)).toEqual(["create a-1", "create a-2", "create .ds-logs-2026.01.01-000001", "create .ds-logs-2026.01.02-000002"]);
  });

  test.each([
    { match: "a-*,-a-2", chosen: [1] },
    { match: "all", chosen: [1] },
    { match: "logs", chosen: [3, 4] },
    { match: ".ds-logs-2026.01.02-000002", chosen: [3, 4] },
    { matchRegex: "^A-", chosen: [1, 2] },
    { match: "a-*", matchRegex: "2$", chosen: [2] },
  ])("--match $match --match-regex $matchRegex, by name, alias or data stream: $chosen", ({ match, matchRegex, chosen }) => {
    const plan = planRestore(snapshot, targetOf(), { ...PARAMETERS, match, matchRegex });

    expect(plan.indices.map(({ number }) => number)).toEqual(chosen);
  });

  test("nothing is a mistake of the parameters, told with what there is", () => {
    expect(() => planRestore(snapshot, targetOf(), { ...PARAMETERS, match: "b*" })).toThrow(
      new ParameterError("No index of the snapshot is chosen by --match and --match-regex"),
    );
  });

  test("an index whose documents the manifest does not tell is no index to restore", () => {
    const facts = { ...snapshot.facts, indices: snapshot.facts.indices.slice(1) };

    expect(() => planRestore({ ...snapshot, facts }, targetOf(), PARAMETERS)).toThrow(IncompleteError);
  });
});

describe("what exists", () => {
  const snapshot = snapshotOf([entryOf("a"), entryOf("b"), entryOf("c"), entryOf("d")]);
  const existing = targetOf({ indices: ["a", "x"], aliases: { b: { x: {} } }, streams: { c: [".ds-c-000001"], s: ["d"] } });

  test("fails, all of it", () => {
    const plan = planRestore(snapshot, existing, PARAMETERS);

    expect(faults(plan)).toEqual([
      "exists: index a exists",
      "unrestorable: index b is an alias in the target",
      "unrestorable: index c is a data stream in the target",
      "unrestorable: index d belongs to the data stream s of the target",
    ]);
  });

  test("is left with skip, and named", () => {
    const plan = planRestore(snapshot, existing, { ...PARAMETERS, policy: "skip" });

    expect(faults(plan)).toEqual([]);
    expect(names(plan)).toEqual(["skip a", "skip b", "skip c", "skip d"]);
    expect(plan.notes).toEqual([{ reason: "IndicesSkipped", message: "Skipped, for they exist: a, b, c, d" }]);
  });

  test("is replaced when it is an index; an alias or data stream of that name is never deleted", () => {
    const plan = planRestore(snapshot, existing, { ...PARAMETERS, policy: "replace" });

    expect(names(plan)[0]).toBe("replace a");
    expect(faults(plan)).toHaveLength(3);
    expect(faults(plan).every((fault) => fault.startsWith("unrestorable"))).toBe(true);
  });
});

test("an index whose name a template of the target gives to data streams alone is refused before it could be deleted", () => {
  const templates = {
    streams: { index_patterns: ["logs-*-*"], priority: 100, data_stream: {} },
    all: { index_patterns: ["*"], priority: 50, data_stream: {} },
    plain: { index_patterns: ["logs-a-*", "b*"], priority: 200 },
  };
  const existing = targetOf({ indices: ["logs-x-y"], objects: { indexTemplates: templates } });
  const entries = [entryOf("logs-x-y"), entryOf("logs-a-y"), entryOf("b"), entryOf(".hidden", { isHidden: true })];

  const plan = planRestore(snapshotOf(entries), existing, { ...PARAMETERS, policy: "replace" });

  expect(faults(plan)).toEqual([
    'unrestorable: index logs-x-y can only be a data stream there, by the index template "streams": rename it, or change the template',
  ]);
});

describe("other names", () => {
  test("are for indices, aliases, data streams with their indices, and the alias of a lifecycle", () => {
    const { entries, catalog } = streamOf("logs", 1);
    const rollover = { "index.lifecycle.rollover_alias": "w", "index.lifecycle.name": "p", "index.creation_date": "17" };
    const snapshot = snapshotOf([entryOf("a", { aliases: { w: { is_write_index: true } }, settings: rollover }), ...entries], {
      ...catalog,
      dataStreamAliases: { of: { logs: {} } },
    });

    const plan = planRestore(
      snapshot,
      targetOf({ objects: { indexTemplates: { t: { index_patterns: ["new-logs*"], data_stream: {} } } } }),
      {
        ...PARAMETERS,
        rename: "(.+)=new-$1",
      },
    );

    expect(faults(plan)).toEqual([]);
    expect(plan.indices.map(({ target }) => target)).toEqual(["new-a", ".ds-new-logs-2026.01.01-000001"]);
    expect(plan.dataStreams).toMatchObject([{ source: "logs", target: "new-logs" }]);
    expect(plan.aliases.map(({ alias, target }) => `${alias} ${target}`)).toEqual(["new-w new-a", "new-of new-logs"]);
    expect(plan.indices[0]?.held).toMatchObject({ "index.lifecycle.rollover_alias": "new-w", "index.lifecycle.origination_date": "17" });
  });

  test.each([
    { rename: ".+=x", entries: [entryOf("a"), entryOf("b")], says: 'Cannot rename: "a" and "b" both get the name "x"' },
    { rename: "^a=B", entries: [entryOf("a")], says: 'Cannot rename "a" to "B": the name holds capital letters' },
    { rename: "^a=-$&", entries: [entryOf("a")], says: 'Cannot rename "a" to "-a": the name begins with "-", "_" or "+"' },
    { rename: "^a$=b c", entries: [entryOf("a")], says: 'Cannot rename "a" to "b c"' },
    {
      rename: "x.=x",
      entries: [entryOf("a", { aliases: { x1: {}, x2: {} } })],
      says: 'Cannot rename: the aliases "x1" and "x2" both get the name "x"',
    },
    { rename: "^x=a", entries: [entryOf("a", { aliases: { x: {} } })], says: 'the alias "x" gets the name "a" of an index' },
  ])("$rename is refused: $says", ({ rename, entries, says }) => {
    expect(() => planRestore(snapshotOf(entries), targetOf(), { ...PARAMETERS, rename })).toThrow(says);
  });
});

describe("aliases", () => {
  const snapshot = snapshotOf([entryOf("a", { aliases: { w: { is_write_index: true, filter: { term: { n: 1 } } } } })]);
  const existing = targetOf({ indices: ["old"], aliases: { w: { old: { is_write_index: true } } } });

  test("that stand on other indices fail, are left, or are joined without taking over what is written to", () => {
    const failing = planRestore(snapshot, existing, PARAMETERS);
    const skipping = planRestore(snapshot, existing, { ...PARAMETERS, policy: "skip" });
    const replacing = planRestore(snapshot, existing, { ...PARAMETERS, policy: "replace" });

    expect(faults(failing)).toEqual(["exists: alias w exists on old"]);
    expect(skipping.aliases).toEqual([]);
    expect(reasons(skipping)).toEqual(["AliasSkipped"]);
    expect(replacing.aliases).toEqual([{ alias: "w", target: "a", attributes: { is_write_index: false, filter: { term: { n: 1 } } } }]);
    expect(reasons(replacing)).toEqual(["AliasJoined", "WriteIndexKept"]);
  });

  test("of an index that is replaced are no obstacle, those of a skipped one are left", () => {
    const there = targetOf({ indices: ["a"], aliases: { w: { a: { is_write_index: true } } } });

    const replacing = planRestore(snapshot, there, { ...PARAMETERS, policy: "replace" });
    const skipping = planRestore(snapshot, there, { ...PARAMETERS, policy: "skip" });

    expect(faults(replacing)).toEqual([]);
    expect(replacing.aliases).toMatchObject([{ alias: "w", target: "a", attributes: { is_write_index: true } }]);
    expect(skipping.aliases).toEqual([]);
  });

  test("with the name of an index in the target are never made", () => {
    const there = targetOf({ indices: ["w"] });

    for (const policy of ["fail", "replace"] as const)
      expect(faults(planRestore(snapshot, there, { ...PARAMETERS, policy }))).toEqual([
        "unrestorable: alias w is the name of an index in the target",
      ]);
    expect(planRestore(snapshot, there, { ...PARAMETERS, policy: "skip" }).aliases).toEqual([]);
  });
});

describe("indices", () => {
  test("whose ids the server derives are sent without", () => {
    const settings = { "index.mode": "time_series", "index.time_series.start_time": "2026-01-01T00:00:00Z" };

    const [index] = planRestore(snapshotOf([entryOf("a", { settings })]), targetOf(), PARAMETERS).indices;

    expect(index?.omitIds).toBe(true);
    expect(index?.creation.settings).toMatchObject(settings);
  });

  test("of old servers lose their mapping type, new ones nothing", () => {
    const old = { "index.version.created": "6082399" };
    const typed = entryOf("a", { settings: old, mappings: { tweet: { properties: { n: { type: "long" } } } } });
    const oldPlain = entryOf("b", { settings: old, mappings: { properties: { n: { type: "long" } } } });
    const doc = entryOf("c", { mappings: { _doc: { dynamic: "strict" } } });
    const plain = entryOf("d", { mappings: { properties: { n: { type: "long" } }, _meta: { a: 1 } } });

    const plan = planRestore(snapshotOf([typed, oldPlain, doc, plain]), targetOf(), PARAMETERS);

    expect(plan.indices.map(({ creation }) => creation.mappings)).toEqual([
      { properties: { n: { type: "long" } } },
      { properties: { n: { type: "long" } } },
      { dynamic: "strict" },
      plain.mappings,
    ]);
  });

  test("whose pipeline is neither in the target nor restored are told", () => {
    const settings = { "index.default_pipeline": "p", "index.final_pipeline": "_none" };
    const having = (pipelines: Record<string, Record<string, unknown>>) =>
      snapshotOf([entryOf("a", { settings })], { ingestPipelines: pipelines });
    const there = targetOf({ objects: { ingestPipelines: { p: {} } } });

    const missing = planRestore(having({}), targetOf(), PARAMETERS);

    expect(missing.notes).toEqual([{ reason: "PipelineMissing", message: expect.stringContaining('"p" is not in the target') }]);
    expect(planRestore(having({ p: {} }), targetOf(), PARAMETERS).notes).toEqual([]);
    expect(planRestore(having({}), there, PARAMETERS).notes).toEqual([]);
  });

  test("whose search pipeline is missing are told where there are search pipelines", () => {
    const snapshot = snapshotOf([entryOf("a", { settings: { "index.search.default_pipeline": "p" } })]);
    const notesOn = (version: string, flavour: "elasticsearch" | "opensearch" = "opensearch", pipelines = {}) =>
      planRestore(snapshot, targetOf({ server: { flavour, version }, objects: { searchPipelines: pipelines } }), PARAMETERS).notes;

    const missing = notesOn("2.19.1");

    expect(missing).toEqual([{ reason: "PipelineMissing", message: expect.stringContaining("no search of a succeeds") }]);
    expect(notesOn("2.19.1", "opensearch", { p: {} })).toEqual([]);
    expect(notesOn("8.19.4", "elasticsearch")).toEqual([]);
  });

  test("with vectors keep them in the source, where a new server would take them out of an old index", () => {
    const mappings = { properties: { o: { properties: { v: { type: "dense_vector" } } } } };
    const created = (id: string) => entryOf("a", { mappings, settings: { "index.version.created": id } });
    const settingFor = (entry: ReturnType<typeof entryOf>, version: string) =>
      planRestore(snapshotOf([entry]), targetOf({ server: { flavour: "elasticsearch", version } }), PARAMETERS).indices[0]?.creation
        .settings["index.mapping.exclude_source_vectors"];

    expect(settingFor(created("8536000"), "9.2.8")).toBe("false");
    expect(settingFor(created("137297827"), "9.2.8")).toBe("false");
    expect(settingFor(created("9039003"), "9.2.8")).toBeUndefined();
    expect(settingFor(created("8536000"), "9.1.0")).toBeUndefined();
    expect(settingFor(entryOf("a", { settings: { "index.version.created": "8536000" } }), "9.2.8")).toBeUndefined();
  });
});
