import { planRestore } from "../../../functions/elasticsearch/plan-restore.ts";
import { entryOf, PARAMETERS, snapshotOf, streamOf, targetOf } from "./restorable-scene.ts";

const pipeline = { description: "mine", processors: [{ set: { field: "a", value: 1 } }] };

test("what is there identically is not written, whatever the order of its keys and the way of its numbers", () => {
  const snapshot = snapshotOf([], { indexTemplates: { t: { priority: 1, template: { settings: { index: { number_of_shards: "2" } } } } } });
  const existing = targetOf({
    objects: { indexTemplates: { t: { template: { settings: { index: { number_of_shards: 2 } } }, priority: "1" } } },
  });

  const plan = planRestore(snapshot, existing, PARAMETERS);

  expect(plan).toMatchObject({ objects: [], faults: [], notes: [] });
});

test("what is there with another content fails, is left, or is replaced, and what the server manages is never touched", () => {
  const snapshot = snapshotOf([], { ingestPipelines: { p: pipeline, managed: pipeline } });
  const existing = targetOf({ objects: { ingestPipelines: { p: { processors: [] }, managed: { processors: [], isManaged: true } } } });
  const plan = (policy: "fail" | "skip" | "replace") => planRestore(snapshot, existing, { ...PARAMETERS, policy });

  expect(plan("fail").faults).toEqual([{ kind: "exists", what: "ingest pipeline p", why: "exists with another content" }]);
  expect(plan("skip").objects).toEqual([]);
  expect(plan("skip").notes.map(({ message }) => message)).toEqual([
    expect.stringContaining('"p" of the target differs from the snapshot\'s and stays as it is: --policy is skip'),
    expect.stringContaining('"managed" of the target differs from the snapshot\'s and stays as it is: the server manages it'),
  ]);
  expect(plan("replace").objects).toMatchObject([{ kind: "ingestPipelines", name: "p", action: "replace", body: pipeline }]);
});

test("with other names for indices no template is replaced", () => {
  const snapshot = snapshotOf([entryOf("a")], { indexTemplates: { t: { priority: 1 }, new: { priority: 2 } } });
  const existing = targetOf({ objects: { indexTemplates: { t: { priority: 5 } } } });

  const plan = planRestore(snapshot, existing, { ...PARAMETERS, policy: "replace", rename: "(.+)=new-$1" });

  expect(plan.objects).toMatchObject([{ name: "new", action: "create" }]);
  expect(plan.notes).toMatchObject([{ reason: "ObjectKept" }]);
});

test("what names others is written after them, what acts on documents after those", () => {
  const enriching = {
    processors: [{ foreach: { field: "a", processor: { enrich: { policy_name: "e", field: "a", target_field: "b" } } } }],
  };
  const snapshot = snapshotOf([], {
    indexTemplates: { it: {} },
    componentTemplates: { ct: {} },
    legacyTemplates: { lt: {} },
    ingestPipelines: { plain: pipeline, enriching },
    enrichPolicies: { e: { match: { indices: "a" } } },
    ilmPolicies: { ilm: { policy: {} } },
    storedScripts: { s: { script: {} } },
  });

  const plan = planRestore(snapshot, targetOf(), PARAMETERS);

  expect(plan.objects.map(({ name, phase }) => `${phase} ${name}`)).toEqual([
    "before-indices s",
    "before-indices ilm",
    "before-indices plain",
    "after-data lt",
    "after-data ct",
    "after-data it",
    "last e",
    "last enriching",
  ]);
});

test("kinds that the target's flavour does not have are left out and told by name; those that may not be read there are refused", () => {
  const snapshot = snapshotOf([], { ismPolicies: { hot: { policy: {} } }, ilmPolicies: { warm: { policy: {} } } });

  const foreign = planRestore(snapshot, targetOf(), PARAMETERS);
  const unreadable = planRestore(snapshot, targetOf({ unreadable: new Set(["ilmPolicies"]) }), PARAMETERS);

  expect(foreign.notes).toEqual([
    {
      reason: "ObjectsNotRestored",
      message: "1 index state policy not restored (hot): http://target:9200 has none of this kind",
    },
  ]);
  expect(unreadable.faults).toMatchObject([{ kind: "unrestorable", what: "1 lifecycle policy" }]);
});

test("with chosen indices only what they need is restored: what their settings and their streams' templates name", () => {
  const { entries, catalog } = streamOf("logs", 1);
  const template = {
    ...catalog.indexTemplates?.["logs-t"],
    composed_of: ["c"],
    template: { settings: { index: { default_pipeline: "of-template" } } },
  };
  const named = { "index.default_pipeline": "outer", "index.lifecycle.name": "ilm" };
  const snapshot = snapshotOf([entryOf("a", { settings: named }), entryOf("other"), ...entries], {
    ...catalog,
    indexTemplates: { "logs-t": template, unrelated: {} },
    componentTemplates: { c: {}, d: {} },
    ingestPipelines: {
      outer: { processors: [{ pipeline: { name: "inner" } }] },
      inner: pipeline,
      "of-template": pipeline,
      unrelated: pipeline,
    },
    ilmPolicies: { ilm: { policy: {} }, unrelated: { policy: {} } },
    storedScripts: { s: { script: {} } },
  });

  const plan = planRestore(snapshot, targetOf(), { ...PARAMETERS, match: "a,logs" });
  const none = planRestore(snapshot, targetOf(), { ...PARAMETERS, match: "other", indicesOnly: true });

  expect(plan.objects.map(({ name }) => name).toSorted()).toEqual(["c", "ilm", "inner", "logs-t", "of-template", "outer"]);
  expect(plan.notes.map(({ message }) => message)).toContain(
    "1 ingest pipeline of the snapshot left out: the chosen indices do not need them",
  );
  expect(none.objects).toEqual([]);
  expect(none.notes.map(({ message }) => message)).toContain("1 script of the snapshot left out: --indices-only");
});

test("templates for data streams lose what the other flavour says of them, unless it matters", () => {
  const fromOpenSearch = { index_patterns: ["l*"], data_stream: { timestamp_field: { name: "@timestamp" } } };
  const fromElasticsearch = { index_patterns: ["l*"], data_stream: { hidden: false, allow_custom_routing: true } };
  const bodyFor = (template: Record<string, unknown>, flavour: "elasticsearch" | "opensearch") =>
    planRestore(snapshotOf([], { indexTemplates: { t: template } }), targetOf({ server: { flavour, version: "9.0.0" } }), PARAMETERS)
      .objects[0]?.body.data_stream;

  expect(bodyFor(fromOpenSearch, "elasticsearch")).toEqual({});
  expect(bodyFor(fromOpenSearch, "opensearch")).toEqual(fromOpenSearch.data_stream);
  expect(bodyFor(fromElasticsearch, "elasticsearch")).toEqual(fromElasticsearch.data_stream);
  expect(bodyFor(fromElasticsearch, "opensearch")).toEqual({ allow_custom_routing: true });
});
