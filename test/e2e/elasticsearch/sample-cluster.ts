// A cluster's worth of things under one prefix: whatever a backup that calls itself complete has to bring back.
import type { SearchServer } from "../../servers/search-server.ts";
import { fillIndex, REALISTIC_MAPPINGS } from "../../tools/search-dataset.ts";
import { describeIndex, type IndexContent, type IndexDescription, readAll } from "../../tools/search-equality.ts";
import { NASTY_INDEX, nastyDocuments, putDocuments, rawByteDocuments, restoredContent } from "../../tools/search-nasty-documents.ts";
import { NESTED_INDEX, nestedDocuments } from "../../tools/search-related-documents.ts";
import { askOf, OBJECT_PATHS, readObjects } from "./search-scene.ts";

const FORTY_DIGITS = `4${"0123456789".repeat(3)}123456789`;

/** Fills the server with what no server changes when it comes from another one; resolves with the names of the indices. */
export async function fillPortableThings(server: SearchServer, prefix: string): Promise<string[]> {
  const ask = askOf(server);
  const name = (rest: string) => `${prefix}-${rest}`;
  await ask(`PUT /${name("oddities")}`, NASTY_INDEX);
  await putDocuments(server, name("oddities"), oddities());
  await ask(`PUT /${name("nested")}`, NESTED_INDEX);
  await putDocuments(server, name("nested"), nestedDocuments());
  await fillIndex(server, name("orders"), {
    documents: 300,
    shards: 3,
    settings: { refresh_interval: "7s", "mapping.total_fields.limit": 1_234 },
    mappings: REALISTIC_MAPPINGS,
  });
  // Numbers that no double holds.
  await ask(`PUT /${name("orders")}/_mapping`, `{"_meta":{"owner":"tests","version":${FORTY_DIGITS},"ratio":1.0}}`);
  const routing = { index_routing: "a", search_routing: "a,b" };
  await ask("POST /_aliases", {
    actions: [
      { add: { index: name("orders"), alias: name("all"), filter: { range: { amount: { gte: 10 } } }, ...routing, is_write_index: true } },
      { add: { index: name("nested"), alias: name("all"), is_write_index: false } },
      { add: { index: name("oddities"), alias: name("Ünïcode+%2b-日本"), is_hidden: true } },
    ],
  });
  await ask(`PUT /_ingest/pipeline/${name("clean")}`, { description: "does nothing — é", processors: [] });
  // Before the index template that has its names too: the other way round no server takes it.
  await ask(`PUT /_template/${name("old")}`, { index_patterns: [`${name("old")}-*`], order: 7, settings: { number_of_shards: 3 } });
  await ask(`PUT /_component_template/${name("base")}`, {
    template: { settings: { number_of_shards: 2 } },
    version: 3,
    _meta: { by: "tests" },
  });
  await ask(`PUT /_index_template/${name("new")}`, {
    index_patterns: [`${name("new")}-*`, `${prefix}*`],
    composed_of: [name("base")],
    priority: 1_000,
    template: { mappings: { properties: { surplus: { type: "keyword" } } }, aliases: { [name("surplus")]: {} } },
  });
  return ["oddities", "nested", "orders"].map(name);
}

/** That, and much more; resolves with the names of the indices. */
export async function fillSampleCluster(server: SearchServer, prefix: string): Promise<string[]> {
  const ask = askOf(server);
  const name = (rest: string) => `${prefix}-${rest}`;
  const path = (rest: string) => `/${encodeURIComponent(name(rest))}`;
  await fillIndex(server, name("routed"), {
    documents: 0,
    shards: 2,
    mappings: { _routing: { required: true }, dynamic: "strict", properties: { a: { type: "keyword" } } },
  });
  const routed = ["x", "y", "z"].map((routing) => plain(`of ${routing}`, { routing, text: `{"a":"${routing}"}` }));
  await putDocuments(server, name("routed"), routed);
  await makeIndex("hidden", { hidden: true });
  await makeIndex("é+%2f日本", {});
  await makeIndex("sorted", { "sort.field": "a", "sort.order": "desc" });
  await makeIndex("held", { "translog.durability": "async", auto_expand_replicas: "0-1" });
  await makeIndex("closed", {});
  const portable = await fillPortableThings(server, prefix);
  await ask(`PUT ${path("held")}/_settings`, { "index.default_pipeline": name("clean"), "index.blocks.write": true });
  await ask(`POST ${path("closed")}/_close`);
  return [...portable, ...["routed", "hidden", "é+%2f日本", "sorted", "held", "closed"].map(name)];

  async function makeIndex(rest: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    await ask(`PUT ${path(rest)}`, {
      settings: { number_of_shards: 1, number_of_replicas: 1, ...settings },
      mappings: { properties: { a: { type: "long" } } },
    });
    await putDocuments(server, name(rest), [plain("1", { text: `{"a":1.0, "of":"${rest}"}` }), plain("2", { text: '{"a":2}' })]);
  }
}

function oddities() {
  return [...nastyDocuments(), ...rawByteDocuments()];
}

function plain(id: string, { text, routing }: { text: string; routing?: string }) {
  const source = Buffer.from(text);
  return { what: id, id, source, restored: source, ...(routing === undefined ? {} : { routing }) };
}

export interface ClusterDescription {
  readonly indices: Readonly<Record<string, IndexDescription & { readonly state: string }>>;
  /** By path of the API, then by name. */
  readonly objects: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** All that bears the prefix, but for documents; for toEqual(). */
export async function describeCluster(server: SearchServer, prefix: string): Promise<ClusterDescription> {
  const state = (await askOf(server)("GET /_cluster/state/metadata?filter_path=metadata.indices.*.state&expand_wildcards=all")) as {
    metadata?: { indices?: Record<string, { state: string }> };
  };
  const indices: Record<string, IndexDescription & { state: string }> = {};
  for (const [name, { state: openOrClosed }] of Object.entries(state.metadata?.indices ?? {}))
    if (name.includes(prefix)) indices[name] = { ...(await describeIndex(server, name)), state: openOrClosed };
  const objects: Record<string, Record<string, unknown>> = {};
  for (const path of OBJECT_PATHS) objects[path] = await readObjects(server, { path, text: prefix });
  return { indices, objects };
}

/** Every document of the indices; those that are closed are opened for it. */
export async function readContents(server: SearchServer, indices: readonly string[]): Promise<Map<string, IndexContent>> {
  const ask = askOf(server);
  const contents = new Map<string, IndexContent>();
  for (const index of indices) {
    const path = `/${encodeURIComponent(index)}`;
    const isClosed = index.endsWith("-closed");
    if (isClosed) await ask(`POST ${path}/_open?wait_for_active_shards=1`);
    await ask(`POST ${path}/_refresh`);
    contents.set(index, await readAll(server, index));
    if (isClosed) await ask(`POST ${path}/_close`);
  }
  return contents;
}

/** What a restored index has to hold, byte for byte. */
export function asRestored(contents: ReadonlyMap<string, IndexContent>): Map<string, IndexContent> {
  return new Map([...contents].map(([name, content]) => [name, name.endsWith("-oddities") ? restoredContent(oddities()) : content]));
}
