// What the catalog says of real servers: every object that is made is read back, in the form in which its own API takes it again.
import { chooseIndices } from "../../../functions/elasticsearch/choose-indices.ts";
import { OBJECT_KINDS } from "../../../functions/elasticsearch/cluster-objects.ts";
import { formatExactJson } from "../../../functions/elasticsearch/exact-json.ts";
import { listIndices } from "../../../functions/elasticsearch/list-indices.ts";
import { readClusterCatalog } from "../../../functions/elasticsearch/read-cluster-catalog.ts";
import { readIndexEntries } from "../../../functions/elasticsearch/read-index-entries.ts";
import { readShardMarks } from "../../../functions/elasticsearch/read-shard-marks.ts";
import { ELASTICSEARCH_VERSIONS } from "../../servers/elasticsearch-server.ts";
import { OPENSEARCH_VERSIONS } from "../../servers/opensearch-server.ts";
import { askServer, askServerOk, type SearchServer } from "../../servers/search-server.ts";
import { uniqueName, useElasticsearch, useOpenSearch } from "../../servers/search-server-pool.ts";
import { openReader } from "./reading.ts";

const ELASTICSEARCH = ELASTICSEARCH_VERSIONS.map((version) => ({ name: `Elasticsearch ${version}`, use: () => useElasticsearch(version) }));
const OPENSEARCH = OPENSEARCH_VERSIONS.map((version) => ({ name: `OpenSearch ${version}`, use: () => useOpenSearch(version) }));
const SERVERS = [...ELASTICSEARCH, ...OPENSEARCH];

const LONG = "1234567890123456789012345678901234567890";
const SINGLE = '"settings":{"number_of_replicas":0}';

/** A scene whose objects are gone at its end, whatever happened. */
async function withObjects(server: SearchServer, puts: readonly (readonly [string, string])[], test: () => Promise<void>): Promise<void> {
  const made: string[] = [];
  try {
    for (const [path, body] of puts) {
      await askServerOk(server, `PUT ${path}`, body);
      made.unshift(path);
    }
    await test();
  } finally {
    for (const path of made) await askServer(server, `DELETE ${path}`);
  }
}

describe.each(SERVERS)("$name", ({ use }) => {
  test("lists every index with what it is, and describes the chosen ones in full", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);
    const name = uniqueName("cat");
    const alias = '{"filter":{"term":{"x":1}},"index_routing":"r1","search_routing":"r1,r2","is_write_index":true,"is_hidden":true}';
    const full = `{"settings":{"number_of_replicas":0,"number_of_shards":3},"mappings":{"_meta":{"big":${LONG}},"properties":{"x":{"type":"long"}}},"aliases":{"${name}-alias":${alias}}}`;
    const puts = [
      [`/${name}.full`, full],
      [`/.${name}-hidden`, '{"settings":{"number_of_replicas":0,"hidden":true}}'],
      [`/${name}-closed`, `{${SINGLE}}`],
      ["/.tasks", `{${SINGLE}}`],
    ] as const;

    await withObjects(server, puts, async () => {
      await askServerOk(server, `POST /${name}-closed/_close`);
      const listed = await listIndices(reader.transport, reader.server);
      const match = `${name}*,.${name}*,.tasks`;
      const { chosen, notCarried } = chooseIndices(listed, { match, skipHidden: false, openClosed: false });
      const entries = await readIndexEntries(reader.transport, [...chosen, { name: `${name}-gone` }]);

      expect(listed.find((index) => index.name === `${name}.full`)).toMatchObject({ aliases: [`${name}-alias`], isSystem: false });
      expect(chosen.map((index) => [index.name, index.isHidden, index.isClosed])).toEqual([
        [`.${name}-hidden`, true, false],
        [`${name}.full`, false, false],
      ]);
      expect(notCarried.map((each) => each.name)).toEqual(expect.arrayContaining(["index:.tasks", `index:${name}-closed`]));
      expect(entries.map((entry) => [entry.name, entry.uuid, entry.source, entry.isHidden])).toEqual([
        [`.${name}-hidden`, chosen[0]?.uuid, "stored", true],
        [`${name}.full`, chosen[1]?.uuid, "stored", false],
      ]);
      expect(formatExactJson(entries[1]?.mappings)).toBe(`{"_meta":{"big":${LONG}},"properties":{"x":{"type":"long"}}}`);
      expect(entries[1]?.aliases).toEqual({ [`${name}-alias`]: JSON.parse(alias) });
      expect(entries[1]?.settings).toMatchObject({ "index.number_of_shards": "3", "index.number_of_replicas": "0" });
    });
  });

  test("gives closed indices with the state that they had, and no index for another one of its name", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);
    const name = uniqueName("cat");

    await withObjects(server, [[`/${name}`, `{${SINGLE}}`]], async () => {
      await askServerOk(server, `POST /${name}/_close`);
      const { chosen } = chooseIndices(await listIndices(reader.transport, reader.server), {
        match: name,
        skipHidden: false,
        openClosed: true,
      });
      await askServerOk(server, `POST /${name}/_open`);
      const opened = await readIndexEntries(reader.transport, chosen);
      await askServerOk(server, `DELETE /${name}`);
      await askServerOk(server, `PUT /${name}`, `{${SINGLE}}`);
      const anew = await readIndexEntries(reader.transport, chosen);

      expect(opened.map((entry) => entry.isClosed)).toEqual([true]);
      expect(anew).toEqual([]);
    });
  });

  test("is asked in several requests when names are long, and those that are gone hide no other", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);
    const names = Array.from({ length: 6 }, (_, at) => uniqueName(`${"ä".repeat(100)}${at}`));

    await withObjects(
      server,
      names.map((name) => [`/${encodeURIComponent(name)}`, `{${SINGLE}}`] as const),
      async () => {
        await askServerOk(server, `DELETE /${encodeURIComponent(names[3] as string)}`);
        const wanted = names.map((name) => ({ name }));
        const entries = await readIndexEntries(reader.transport, wanted);
        const marks = await readShardMarks(reader.transport, names);

        const left = names.filter((_, at) => at !== 3);
        expect(entries.map((entry) => entry.name)).toEqual(left);
        expect([...marks.keys()]).toEqual(left);
      },
    );
  });

  test("tells by its marks whether an index was written to", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);
    const name = uniqueName("cat");

    await withObjects(server, [[`/${name}`, '{"settings":{"number_of_replicas":0,"number_of_shards":2}}']], async () => {
      const before = await readShardMarks(reader.transport, [name]);
      await askServerOk(server, `GET /${name}/_search`);
      const same = await readShardMarks(reader.transport, [name, `${name}-gone`]);
      await askServerOk(server, `PUT /${name}/_doc/1?refresh=true`, '{"a":1}');
      const after = await readShardMarks(reader.transport, [name]);
      await askServerOk(server, `POST /${name}/_close`);
      const closed = await readShardMarks(reader.transport, [name]);

      expect(before.get(name)?.shards).toEqual([0, 1].map((shard) => ({ shard, primaryTerm: 1, maxSeqNo: -1, globalCheckpoint: -1 })));
      expect(same).toEqual(before);
      expect(
        after
          .get(name)
          ?.shards.map(({ maxSeqNo }) => maxSeqNo)
          .sort(),
      ).toEqual([-1, 0]);
      expect(closed.size).toBe(0);
    });
  });

  test("gives its objects so that it takes them again", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);
    const isOpenSearch = server.distribution === "opensearch";
    const name = uniqueName("cat");
    const meta = `"_meta":{"big":${LONG}}`;
    const puts: (readonly [string, string])[] = [
      [`/_component_template/${name}`, `{"template":{"mappings":{"properties":{"a":{"type":"long"}}}},"version":3,${meta}}`],
      [`/_index_template/${name}`, `{"index_patterns":["${name}-*"],"composed_of":["${name}"],"priority":77,${meta}}`],
      [`/_index_template/${name}-managed`, `{"index_patterns":["${name}m-*"],"priority":78,"_meta":{"managed":true}}`],
      [`/_template/${name}`, `{"index_patterns":["${name}l*"],"order":3,"version":9,"settings":{"number_of_shards":2}}`],
      [
        `/_ingest/pipeline/${name}`,
        `{"description":"d","version":3,"processors":[${isOpenSearch ? '{"set":{"field":"a","value":1.0}}' : ""}]}`,
      ],
    ];
    if (isOpenSearch)
      puts.push(
        [`/_search/pipeline/${name}`, '{"description":"d","request_processors":[],"response_processors":[]}'],
        [`/_scripts/${name}`, '{"script":{"lang":"painless","source":"return 1.0"}}'],
        [`/_scripts/${name}.mustache`, '{"script":{"lang":"mustache","source":{"query":{"match_all":{}}}}}'],
      );

    await withObjects(server, puts, async () => {
      const { catalog, notCarried } = await readClusterCatalog(reader.transport, reader.server, { chosen: [] });
      const again: [string, number][] = [];
      for (const { kind, path } of OBJECT_KINDS)
        for (const [each, body] of Object.entries(catalog[kind]).filter(([key]) => key.startsWith(name))) {
          const put = kind === "storedScripts" ? "/_scripts" : path;
          again.push([`${put}/${each}`, (await askServer(server, `PUT ${put}/${each}`, formatExactJson(body))).status]);
        }
      const after = await readClusterCatalog(reader.transport, reader.server, { chosen: [] });

      const meant = puts.map(([path]) => path).filter((path) => !path.endsWith("-managed"));
      expect(again.sort()).toEqual(meant.map((path) => [path, 200]).sort());
      expect(notCarried.find((each) => each.name === "index-template:managed")?.reason).toContain(`${name}-managed`);
      expect(formatExactJson(catalog.indexTemplates[name])).toContain(LONG);
      expect(JSON.stringify(catalog.indexTemplates[name])).not.toContain("_date");
      expect(formatExactJson(catalog.ingestPipelines[name])).toContain(isOpenSearch ? '"value":1.0' : '"processors":[]');
      for (const { kind } of OBJECT_KINDS) expect(formatExactJson(after.catalog[kind][name])).toBe(formatExactJson(catalog[kind][name]));
    });
  });

  test("is believed about what it does not have, and asked nothing that it refuses", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);

    const { catalog, notCarried } = await readClusterCatalog(reader.transport, reader.server, { chosen: [] });

    // None of these distributions has the modules.
    expect([catalog.ilmPolicies, catalog.ismPolicies, catalog.enrichPolicies]).toEqual([{}, {}, {}]);
    expect(notCarried.filter(({ name }) => name.endsWith(":*"))).toEqual([]);
  });
});

describe.each(OPENSEARCH)("data streams of $name", ({ use }) => {
  test("are carried with their backing indices, which a selection by their name never loses", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);
    const name = uniqueName("cat.stream");
    const template = `{"index_patterns":["${name}*"],"priority":501,"data_stream":{},"template":{${SINGLE}}}`;
    const puts = [
      [`/_index_template/${name}`, template],
      [`/_data_stream/${name}`, ""],
    ] as const;

    await withObjects(server, puts, async () => {
      await askServerOk(server, `POST /${name}/_rollover`);
      const listed = await listIndices(reader.transport, reader.server);
      const { chosen } = chooseIndices(listed, { match: name, skipHidden: true, openClosed: false });
      const entries = await readIndexEntries(reader.transport, chosen);
      const { catalog } = await readClusterCatalog(reader.transport, reader.server, { chosen });
      const partial = await readClusterCatalog(reader.transport, reader.server, { chosen: chosen.slice(1) });

      const backing = [`.ds-${name}-000001`, `.ds-${name}-000002`];
      expect(entries.map((entry) => [entry.name, entry.dataStream, entry.isHidden])).toEqual(backing.map((index) => [index, name, true]));
      expect(catalog.dataStreams).toEqual({
        [name]: { template: name, generation: 2, indices: backing, timestampField: "@timestamp", isHidden: false, other: {} },
      });
      expect(partial.catalog.dataStreams[name]?.indices).toEqual(backing.slice(1));
      expect(catalog.dataStreamAliases).toEqual({});
    });
  });

  test("that are gone once the catalog is read fail it", async () => {
    await using server = await use();
    await using reader = await openReader(server.url);
    const dataStream = uniqueName("cat-gone");

    const reading = readClusterCatalog(reader.transport, reader.server, { chosen: [{ name: `.ds-${dataStream}-000001`, dataStream }] });

    await expect(reading).rejects.toMatchObject({ exitCode: 20, reason: "ClusterChanged" });
  });
});

test.each([ELASTICSEARCH[1], ELASTICSEARCH[2]] as typeof ELASTICSEARCH)("$name tells how each index keeps its source", async ({ use }) => {
  await using server = await use();
  await using reader = await openReader(server.url);
  const name = uniqueName("cat");
  const bodies = {
    disabled: '{"settings":{"index.mapping.source.mode":"disabled"}}',
    excludes: '{"mappings":{"_source":{"excludes":["a"]}}}',
    logsdb: '{"settings":{"index.mode":"logsdb"}}',
    off: '{"mappings":{"_source":{"enabled":false}}}',
    plain: "{}",
    series:
      '{"settings":{"index.mode":"time_series","routing_path":["d"]},"mappings":{"properties":{"d":{"type":"keyword","time_series_dimension":true}}}}',
    storedlogs: '{"settings":{"index.mode":"logsdb","index.mapping.source.mode":"stored"}}',
    synthetic: '{"settings":{"index.mapping.source.mode":"synthetic"}}',
  };

  await withObjects(
    server,
    Object.entries(bodies).map(([kind, body]) => [`/${name}-${kind}`, body] as const),
    async () => {
      const wanted = Object.keys(bodies).map((kind) => ({ name: `${name}-${kind}` }));
      const entries = await readIndexEntries(reader.transport, wanted);

      expect(Object.fromEntries(entries.map((entry) => [entry.name.slice(name.length + 1), entry.source]))).toEqual({
        disabled: "off",
        excludes: "filtered",
        logsdb: "synthetic",
        off: "off",
        plain: "stored",
        series: "synthetic",
        storedlogs: "stored",
        synthetic: "synthetic",
      });
    },
  );
});
