import type { SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { RestoreScene, refusalOf } from "./restore-scene.ts";

const SERVERS = [
  { name: "Elasticsearch 7.17.29", use: () => useElasticsearch("7.17.29") },
  { name: "Elasticsearch 8.19.4", use: () => useElasticsearch("8.19.4") },
  { name: "Elasticsearch 9.2.8", use: () => useElasticsearch("9.2.8") },
  { name: "OpenSearch 2.19.1", use: () => useOpenSearch("2.19.1") },
  { name: "OpenSearch 3.8.0", use: () => useOpenSearch("3.8.0") },
];

describe.each(SERVERS)("$name", ({ use }) => {
  let server: SearchServer;
  beforeAll(async () => {
    server = await use();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("an index gets back settings, mappings, aliases, blocks and its closed state", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("m"));
    const [one, two, three] = ["one", "two", "three"].map((name) => `${scene.prefix}-${name}`) as [string, string, string];
    await scene.ask(`PUT /${one}`, {
      settings: {
        number_of_shards: 2,
        number_of_replicas: 1,
        refresh_interval: "7s",
        "translog.durability": "async",
        "mapping.total_fields.limit": 1234,
        "analysis.normalizer.low": { type: "custom", filter: ["lowercase"] },
      },
      mappings: {
        dynamic: "strict",
        _routing: { required: true },
        _meta: { version: 1.5 },
        properties: {
          n: { type: "long" },
          k: { type: "keyword", normalizer: "low", fields: { raw: { type: "keyword", ignore_above: 20 } } },
          o: { type: "nested", properties: { d: { type: "date", format: "yyyy||epoch_millis" } } },
        },
      },
      aliases: {
        [`${scene.prefix}-a`]: { filter: { range: { n: { gte: 5 } } }, index_routing: "r", search_routing: "r,s", is_write_index: true },
      },
    });
    await scene.ask(`PUT /${two}`, {
      aliases: { [`${scene.prefix}-a`]: { is_write_index: false } },
      settings: { "index.hidden": true, "sort.field": ["k", "n"], "sort.order": ["desc", "asc"] },
      mappings: { properties: { k: { type: "keyword" }, n: { type: "long" } } },
    });
    await scene.ask(`PUT /${three}`);
    await scene.write(
      one,
      Array.from({ length: 9 }, (_, n) => ({ id: `${n}`, routing: "x", source: { n, o: [{ d: "2020" }, { d: "2021" }] } })),
    );
    await scene.write(three, [{ id: "only", source: { free: "text" } }]);
    await scene.ask(`PUT /${one}/_settings`, { "index.default_pipeline": "none_such", "index.final_pipeline": "none_such" });
    await scene.ask(`PUT /${two}/_settings`, { "index.blocks.write": true, "index.blocks.metadata": false });
    await scene.ask(`POST /${three}/_close`);
    const taken = await scene.take();
    const snapshot = { ...taken, entries: taken.entries.map((entry) => ({ ...entry, isClosed: entry.name === three })) };

    const { counted, report, warnings } = await scene.restore(snapshot, { rename: `^(${scene.prefix})=copy-$1` });

    const copies = await scene.take(`copy-${scene.prefix}`);
    expect(warnings).toEqual([]);
    expect(counted).toBe(10);
    expect(report.counts).toMatchObject({ aliases: 1 });
    expect(copies.entries.map(stripped)).toEqual(snapshot.entries.map((entry) => stripped(renamed(entry, scene.prefix))));
    expect(copies.hits.get(`copy-${one}`)).toHaveLength(9);
    expect(await stateOf(scene, `copy-${three}`)).toBe("close");
  });

  test("what exists is refused by name before anything is written, left, or replaced, as the policy says", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("p"));
    const [one, two, alias] = [`${scene.prefix}-1`, `${scene.prefix}-2`, `${scene.prefix}-a`];
    await scene.write(one, [{ id: "1", source: { a: 1 } }]);
    await scene.write(two, [{ id: "2", source: { a: 2 } }]);
    await scene.ask("POST /_aliases", { actions: [{ add: { index: two, alias } }] });
    const snapshot = await scene.take();
    await scene.ask(`DELETE /${two}`);
    await scene.write(one, [{ id: "new", source: { a: 3 } }]);
    await scene.ask(`PUT /${alias}`);

    const refused = await refusalOf(scene.plan(snapshot).then((plan) => scene.prepare(plan)));
    const existing = await scene.take();
    const skipped = await scene.restore(snapshot, { policy: "skip" });
    const afterSkip = await scene.take();
    await scene.ask(`DELETE /${alias}`);
    await scene.restore(snapshot, { policy: "replace" });
    const afterReplace = await scene.take();

    expect(refused.message).toContain(`these exist: index ${one}`);
    expect(refused.message).toContain(`alias ${alias} is the name of an index in the target`);
    expect(refused.facts).toMatchObject({ existing: [`index ${one}`] });
    expect([...existing.hits.keys()]).toEqual([one, alias]);
    expect(skipped.plan.indices.map(({ target, action }) => `${action} ${target}`)).toEqual([`skip ${one}`, `create ${two}`]);
    expect(afterSkip.hits.get(one)).toHaveLength(2);
    expect(afterSkip.hits.get(two)).toHaveLength(1);
    expect(afterReplace.hits.get(one)).toMatchObject([{ _id: "1" }]);
    expect(Object.keys(afterReplace.entries.find(({ name }) => name === two)?.aliases ?? {})).toEqual([alias]);
  });

  test("an index that the target cannot hold is refused with the target's reason, and none is created or deleted", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("r"));
    const [one, two] = [`${scene.prefix}-1`, `${scene.prefix}-2`];
    await scene.write(one, [{ id: "1", source: { a: 1 } }]);
    await scene.write(two, [{ id: "2", source: { a: 2 } }]);
    const snapshot = await scene.take();
    const [first, second] = snapshot.entries as [(typeof snapshot.entries)[0], (typeof snapshot.entries)[0]];
    const broken = {
      ...snapshot,
      entries: [
        { ...first, mappings: { properties: { a: { type: "no_such_type" } } } },
        { ...second, settings: { ...second.settings, "index.analysis.analyzer.x.tokenizer": "no_such_tokenizer" } },
      ],
    };

    const refused = await refusalOf(scene.plan(broken, { policy: "replace" }).then((plan) => scene.prepare(plan)));

    expect(refused.message).toContain(`index ${one} would be refused`);
    expect(refused.message).toContain("no_such_type");
    expect(refused.message).toContain("no_such_tokenizer");
    expect([...(await scene.take()).hits.values()].map((hits) => hits.length)).toEqual([1, 1]);
  });

  test("settings of another flavour's plugins are left out and told; others that the target does not know refuse the index", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("f"));
    await scene.write(`${scene.prefix}-1`, [{ id: "1", source: { a: 1 } }]);
    const snapshot = await scene.take();
    const having = (settings: Record<string, unknown>) => ({
      ...snapshot,
      entries: snapshot.entries.map((entry) => ({ ...entry, settings: { ...entry.settings, ...settings } })),
    });
    const rename = "(.+)=copy-$1";

    const foreign = { "index.knn": "true", "index.plugins.index_state_management.rollover_alias": "x", "index.xpack.unheard.of": "1" };
    const { warnings } = await scene.restore(having(foreign), { rename });
    const refused = await refusalOf(
      scene.plan(having({ "index.nobody.knows": "1" }), { rename: "(.+)=again-$1" }).then((plan) => scene.prepare(plan)),
    );

    expect(warnings.toSorted()).toEqual(
      ["index.knn", "index.plugins.index_state_management.rollover_alias", "index.xpack.unheard.of"].map((name) =>
        expect.stringContaining(`SettingDropped: The target does not know the setting "${name}"`),
      ),
    );
    expect(refused.message).toContain("unknown setting [index.nobody.knows]");
  });

  test("a template of the target that adds to an index is told, one that brings a pipeline or an alias does not touch the documents", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("t"));
    const index = `${scene.prefix}-1`;
    await scene.write(index, [{ id: "1", source: { a: 1 } }]);
    const snapshot = await scene.take();
    await scene.ask(`DELETE /${index}`);
    await scene.ask(`PUT /_index_template/${scene.prefix}-other`, {
      index_patterns: [`${scene.prefix}*`],
      priority: 900,
      template: {
        settings: { "index.default_pipeline": "none_such", "index.final_pipeline": "none_such", "index.max_docvalue_fields_search": 77 },
        mappings: { properties: { extra: { type: "keyword" } } },
      },
    });

    const { warnings } = await scene.restore(snapshot);

    const [entry] = (await scene.take()).entries;
    expect(warnings).toEqual([
      expect.stringMatching(/^IndexHasMore: .*setting index\.max_docvalue_fields_search, mapping properties\.extra/),
    ]);
    expect(entry?.settings["index.default_pipeline"]).toBeUndefined();
    expect(entry?.settings["index.final_pipeline"]).toBeUndefined();
  });

  test("templates, pipelines and scripts come back as they were; a second restore changes nothing", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("o"));
    const { prefix } = scene;
    await scene.ask(`PUT /_component_template/${prefix}-c`, { template: { settings: { number_of_shards: 2 } }, _meta: { by: "test" } });
    await scene.ask(`PUT /_index_template/${prefix}-i`, {
      index_patterns: [`${prefix}-x*`],
      composed_of: [`${prefix}-c`],
      priority: 3,
      template: { mappings: { properties: { a: { type: "keyword" } } } },
    });
    await scene.ask(`PUT /_template/${prefix}-l`, { index_patterns: [`${prefix}-y*`], order: 1, settings: { number_of_shards: 3 } });
    await scene.ask(`PUT /_ingest/pipeline/${prefix}-p`, { description: "of the test", processors: [] });
    await scene.write(`${prefix}-x1`, [{ id: "1", source: { a: "b" } }]);
    const snapshot = await scene.take();
    await scene.ask(`DELETE /${prefix}-x1`);
    await scene.ask(`DELETE /_index_template/${prefix}-i`);
    await scene.ask(`DELETE /_component_template/${prefix}-c`);
    await scene.ask(`DELETE /_template/${prefix}-l`);
    await scene.ask(`DELETE /_ingest/pipeline/${prefix}-p`);

    const first = await scene.restore(snapshot);
    const restored = await scene.take();
    const second = await scene.plan(snapshot, { policy: "replace" });
    await scene.ask(`PUT /_ingest/pipeline/${prefix}-p`, { description: "another", processors: [] });
    const refused = await refusalOf(scene.plan(snapshot).then((plan) => scene.prepare(plan)));

    expect(first.report.counts).toMatchObject({ componentTemplates: 1, indexTemplates: 1, legacyTemplates: 1, ingestPipelines: 1 });
    expect(restored.catalog).toEqual(snapshot.catalog);
    expect(second.objects).toEqual([]);
    expect(refused.message).toContain(`ingest pipeline ${prefix}-p (exists with another content)`);
  });

  test("a restore that broke off in the middle is repeated with --policy replace, and nothing of the first is left", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("b"));
    const index = `${scene.prefix}-1`;
    await scene.ask(`PUT /${index}`, { settings: { refresh_interval: "9s" }, aliases: { [`${scene.prefix}-a`]: {} } });
    await scene.write(index, [{ id: "1", source: { a: 1 } }]);
    const snapshot = await scene.take();
    await scene.ask(`DELETE /${index}`);
    const broken = await scene.prepare(await scene.plan(snapshot));
    await scene.write(index, [{ id: "half", source: { a: 1 } }]);

    const refused = await refusalOf(scene.plan(snapshot).then((plan) => scene.prepare(plan)));
    const { counted } = await scene.restore(snapshot, { policy: "replace" });

    const [entry] = (await scene.take()).entries;
    expect(broken.created).toEqual([index]);
    expect(refused.message).toContain(`these exist: index ${index}`);
    expect(counted).toBe(1);
    expect(entry).toMatchObject({ settings: { "index.refresh_interval": "9s" }, aliases: { [`${scene.prefix}-a`]: {} } });
  });

  test("after a replacement that fails at the last index, what was created is deleted again and what is gone is named", async () => {
    await using scene = await RestoreScene.open(server, uniqueName("u"));
    const [one, two] = [`${scene.prefix}-1`, `${scene.prefix}-2`];
    await scene.write(one, [{ id: "1", source: { a: 1 } }]);
    await scene.write(two, [{ id: "2", source: { a: 2 } }]);
    const snapshot = await scene.take();
    await scene.ask(`DELETE /${two}`);
    const plan = await scene.plan(snapshot, { policy: "replace" });
    await scene.ask(`PUT /${two}`);

    const refused = await refusalOf(scene.prepare(plan));

    expect(refused.message).toContain(`Cannot create index "${two}"`);
    expect(refused.hint).toContain(`Deleted in order to be replaced, and not restored: ${one}`);
    expect([...(await scene.take()).hits.keys()]).toEqual([two]);
  });
});

interface Described {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly mappings: unknown;
  readonly aliases: Readonly<Record<string, unknown>>;
}

function stripped({ name, settings, mappings, aliases }: Described): Described {
  const own = Object.entries(settings).filter(
    ([key]) => !/^index\.(uuid|creation_date|provided_name|version\..*|history\.uuid|verified_.*|.*_tier_preference)$/.test(key),
  );
  return { name, settings: Object.fromEntries(own), mappings, aliases };
}

function renamed(entry: Described, prefix: string): Described {
  return JSON.parse(JSON.stringify({ ...entry, settings: {} }).replaceAll(`"${prefix}`, `"copy-${prefix}`), (key, value) =>
    key === "settings" ? entry.settings : value,
  ) as Described;
}

async function stateOf(scene: RestoreScene, index: string): Promise<string | undefined> {
  const answer = await scene.ask(`GET /_cluster/state/metadata/${index}?filter_path=metadata.indices.*.state&expand_wildcards=all`);
  return (answer as { metadata: { indices: Record<string, { state: string }> } }).metadata.indices[index]?.state;
}
