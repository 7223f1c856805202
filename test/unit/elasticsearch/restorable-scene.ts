import type { ClusterCatalog, IndexEntry } from "../../../functions/elasticsearch/catalog.ts";
import type { PlanParameters, RestorableSnapshot } from "../../../functions/elasticsearch/plan-restore.ts";
import type { ExistingTarget, JsonObject } from "../../../functions/elasticsearch/restore-plan.ts";
import type { IndexFacts } from "../../../functions/elasticsearch/snapshot-facts.ts";

export const EMPTY_CATALOG: ClusterCatalog = {
  componentTemplates: {},
  indexTemplates: {},
  legacyTemplates: {},
  ingestPipelines: {},
  searchPipelines: {},
  ilmPolicies: {},
  ismPolicies: {},
  enrichPolicies: {},
  storedScripts: {},
  dataStreams: {},
  dataStreamAliases: {},
};

export const PARAMETERS: PlanParameters = {
  match: undefined,
  matchRegex: undefined,
  policy: "fail",
  rename: undefined,
  indicesOnly: false,
};

export function entryOf(name: string, parts: Partial<IndexEntry> = {}): IndexEntry {
  return {
    name,
    uuid: `uuid-${name}`,
    settings: { "index.number_of_shards": "1", "index.number_of_replicas": "1", "index.creation_date": "1700000000000" },
    mappings: {},
    aliases: {},
    source: "stored",
    isClosed: false,
    isHidden: false,
    ...parts,
  };
}

export function snapshotOf(entries: readonly IndexEntry[], catalog: Partial<ClusterCatalog> = {}): RestorableSnapshot {
  const indices = entries.map(({ name, uuid }): IndexFacts => ({ name, uuid, source: "stored", documents: 1, digest: "", shards: [] }));
  return { entries, catalog: { ...EMPTY_CATALOG, ...catalog }, facts: { indices, carried: {} } };
}

/** A stream of so many indices, as Elasticsearch names them, with the template that makes it. */
export function streamOf(name: string, count: number): { entries: IndexEntry[]; catalog: Partial<ClusterCatalog> } {
  const indices = Array.from({ length: count }, (_, n) => `.ds-${name}-2026.01.0${n + 1}-00000${n + 1}`);
  const stream = { template: `${name}-t`, generation: count, indices, timestampField: "@timestamp", isHidden: false, other: {} };
  return {
    entries: indices.map((index) => entryOf(index, { dataStream: name, isHidden: true })),
    catalog: { dataStreams: { [name]: stream }, indexTemplates: { [`${name}-t`]: { index_patterns: [`${name}*`], data_stream: {} } } },
  };
}

export interface TargetParts {
  readonly server?: ExistingTarget["server"];
  readonly indices?: readonly string[];
  readonly streams?: Readonly<Record<string, readonly string[]>>;
  readonly aliases?: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly objects?: Readonly<Record<string, Readonly<Record<string, JsonObject & { isManaged?: boolean }>>>>;
  readonly unreadable?: ExistingTarget["unreadable"];
}

const KINDS = [
  "storedScripts",
  "ingestPipelines",
  "ilmPolicies",
  "componentTemplates",
  "indexTemplates",
  "legacyTemplates",
  "enrichPolicies",
];

export function targetOf(parts: TargetParts = {}): ExistingTarget {
  const server = parts.server ?? { flavour: "elasticsearch", version: "8.19.4" };
  const streams = Object.entries(parts.streams ?? {});
  const objects = [...KINDS, ...(server.flavour === "opensearch" ? ["searchPipelines"] : [])].map((kind) => [
    kind,
    new Map(Object.entries(parts.objects?.[kind] ?? {}).map(([name, { isManaged = false, ...body }]) => [name, { body, isManaged }])),
  ]);
  return {
    description: "http://target:9200",
    server,
    indices: new Map<string, { dataStream: string | undefined }>([
      ...(parts.indices ?? []).map((name): [string, { dataStream: string | undefined }] => [name, { dataStream: undefined }]),
      ...streams.flatMap(([stream, names]) =>
        names.map((name): [string, { dataStream: string | undefined }] => [name, { dataStream: stream }]),
      ),
    ]),
    aliases: new Map(Object.entries(parts.aliases ?? {}).map(([alias, holders]) => [alias, new Map(Object.entries(holders))])),
    dataStreams: new Map(streams),
    objects: Object.fromEntries(objects) as ExistingTarget["objects"],
    unreadable: parts.unreadable ?? new Set(),
  };
}
