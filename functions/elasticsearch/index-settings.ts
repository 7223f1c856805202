import type { IndexEntry } from "./catalog.ts";
import { isAtLeast, type SearchServer } from "./inspect-server.ts";
import type { JsonObject } from "./restore-plan.ts";
import { isObject } from "./same-json.ts";

type Server = Pick<SearchServer, "flavour" | "version">;

/**
 * strip: the server makes it itself, or refuses it. leave: it belongs to the source's cluster; left out, and said. hold: back until the documents
 * are in. block: back until everything else is done. drop: left out, and said, when the target does not know it. All others are kept, and a
 * target that refuses one of those refuses the index.
 */
type Treatment = "strip" | "leave" | "hold" | "block" | "drop";

interface SettingRule {
  readonly name: RegExp;
  readonly treatment: Treatment;
  readonly because: string;
  /** Only on targets of this flavour. */
  readonly on?: SearchServer["flavour"];
}

/** The first rule that fits decides. */
const RULES: readonly SettingRule[] = [
  { name: /^index\.(uuid|creation_date|creation_date_string|provided_name|history\.uuid)$/, treatment: "strip", because: "its identity" },
  { name: /^index\.version\./, treatment: "strip", because: "set by the server that creates it" },
  { name: /^index\.(resize|shrink|split|clone)\./, treatment: "strip", because: "how it was once made" },
  { name: /^index\.merge\.enabled$/, treatment: "strip", because: "private" },
  { name: /^index\.(verified_before_close|verified_read_only)$/, treatment: "strip", because: "set when it is closed or blocked" },
  { name: /^index\.(downsample|rollup|dimensions)\b/, treatment: "strip", because: "how its documents were once made" },
  { name: /^index\.(frozen|search\.throttled)$/, treatment: "strip", because: "frozen indices are restored as ordinary ones" },
  { name: /^index\.recovery\.type$/, treatment: "strip", because: "of searchable snapshots" },
  { name: /^index\.(store\.snapshot|searchable_snapshot)\./, treatment: "strip", because: "of searchable snapshots" },
  { name: /^index\.xpack\.(ccr|rollup)\b/, treatment: "strip", because: "restored indices follow no other cluster" },
  { name: /^index\.plugins\.replication\./, treatment: "strip", because: "restored indices follow no other cluster" },
  { name: /^index\.remote_store\./, treatment: "strip", because: "private: where the source keeps its segments" },
  { name: /^index\.allocation\.existing_shards_allocator$/, treatment: "strip", because: "of the source's nodes" },
  { name: /^index\.replication\.type$/, treatment: "strip", because: "OpenSearch alone has it", on: "elasticsearch" },
  { name: /^index\.routing\.allocation\.include\._tier_preference$/, treatment: "strip", because: "each cluster gives its own" },
  { name: /^index\.routing\.allocation\.initial_recovery\./, treatment: "strip", because: "private" },
  { name: /^index\.routing\.(allocation|rebalance)\./, treatment: "leave", because: "it names nodes of the source's cluster" },
  { name: /^index\.blocks\.read_only_allow_delete$/, treatment: "strip", because: "set and lifted by the server as disks fill" },
  { name: /^index\.blocks\.search_only$/, treatment: "leave", because: "it needs search replicas" },
  { name: /^index\.blocks\./, treatment: "block", because: "nothing could be written" },
  { name: /^index\.(number_of_replicas|auto_expand_replicas)$/, treatment: "hold", because: "each document is indexed once while loading" },
  { name: /^index\.number_of_search_(only_)?replicas$/, treatment: "leave", because: "it needs nodes that only search" },
  { name: /^index\.refresh_interval$/, treatment: "hold", because: "refreshing is half the work of loading" },
  { name: /^index\.translog\.durability$/, treatment: "hold", because: "a load that breaks is repeated as a whole" },
  { name: /^index\.(default|final)_pipeline$/, treatment: "hold", because: "documents went through it already" },
  { name: /^index\.search\.default_pipeline$/, treatment: "hold", because: "counting and reading back would go through it" },
  { name: /^index\.lifecycle\./, treatment: "hold", because: "a lifecycle could delete or roll over what is being loaded" },
  { name: /^index\.(plugins|opendistro)\.index_state_management\./, treatment: "hold", because: "likewise" },
  { name: /^index\.(soft_deletes|translog\.retention)\./, treatment: "drop", because: "newer servers took it away" },
  {
    name: /^index\.(mapper\.dynamic|mapping\.single_type|data_path|max_adjacency_matrix_filters|force_memory_\w+)$/,
    treatment: "drop",
    because: "newer servers took it away",
  },
  { name: /^index\.(search|indexing)\.slowlog\./, treatment: "drop", because: "what is logged is each server's own" },
  {
    name: /^index\.mapping\.exclude_source_vectors$/,
    treatment: "drop",
    because: "servers that do not know it keep vectors in the source",
  },
  { name: /^index\.(codec|codec\..*)$/, treatment: "drop", because: "how documents are compressed is each server's own" },
  { name: /^index\.replication\.type$/, treatment: "drop", because: "not every cluster can" },
  { name: /^index\.(knn|opendistro|plugins|xpack|searchguard|prefer_ilm|context_aware)\b/, treatment: "drop", because: "of a plugin" },
  { name: /^index\.(store\.type|unreferenced_file_cleanup.*|optimize_.*|append_only.*)$/, treatment: "drop", because: "of one flavour" },
];

/** What loading needs of an index; put back when the documents are in. */
export function loadingSettings(server: Server): Readonly<Record<string, string | null>> {
  const hasFinalPipeline = server.flavour === "opensearch" || isAtLeast(server, "elasticsearch", "7.5");
  return {
    "index.number_of_replicas": "0",
    "index.auto_expand_replicas": "false",
    "index.refresh_interval": "-1",
    "index.translog.durability": "async",
    // Explicit, for a template of the target could bring one.
    "index.default_pipeline": "_none",
    ...(hasFinalPipeline ? { "index.final_pipeline": "_none" } : {}),
    ...(isAtLeast(server, "opensearch", "2.8") ? { "index.search.default_pipeline": "_none" } : {}),
    ...(server.flavour === "elasticsearch" ? { "index.lifecycle.name": null } : {}),
  };
}

/** Servers from 9.2 on take vectors out of the source of a new index, where indices of before have them and show them. */
export function vectorSettings({ settings, mappings }: Pick<IndexEntry, "settings" | "mappings">, server: Server): JsonObject {
  const created = Number(settings["index.version.created"]);
  const isOfBefore = created < 9_000_000 || created > OPENSEARCH_VERSIONS;
  const name = "index.mapping.exclude_source_vectors";
  return isOfBefore && settings[name] === undefined && isAtLeast(server, "elasticsearch", "9.2") && holdsVectors(mappings)
    ? { [name]: "false" }
    : {};
}

/** Ids of OpenSearch's versions have this bit. */
const OPENSEARCH_VERSIONS = 0x800_0000;

function holdsVectors(mapping: unknown): boolean {
  if (!isObject(mapping)) return false;
  return /^(dense_vector|sparse_vector|rank_vectors)$/.test(String(mapping.type)) || Object.values(mapping).some(holdsVectors);
}

export interface SortedSettings {
  /** What it is created with. */
  readonly creation: JsonObject;
  /** For when its documents are in; null resets what only loading needed. */
  readonly held: JsonObject;
  readonly blocks: JsonObject;
  /** Left out, with the reason. */
  readonly left: readonly { readonly name: string; readonly because: string }[];
}

/** Sorts the settings of an index in the source by what a restore does with them. */
export function sortSettings(settings: JsonObject, server: Server, { rename }: { rename(alias: string): string }): SortedSettings {
  const kept: Record<string, unknown> = {};
  const held: Record<string, unknown> = {};
  const blocks: Record<string, unknown> = {};
  const left: { name: string; because: string }[] = [];
  for (const [name, value] of Object.entries(settings)) {
    const rule = ruleOf(name, value, server);
    if (rule === undefined || rule.treatment === "drop") kept[name] = value;
    else if (rule.treatment === "hold") held[name] = name.endsWith(".rollover_alias") ? rename(String(value)) : value;
    else if (rule.treatment === "block") blocks[name] = value;
    else if (rule.treatment === "leave") left.push({ name, because: rule.because });
  }
  if (held["index.lifecycle.name"] !== undefined && settings["index.creation_date"] !== undefined)
    // Ages count from when the source was created, not from the restore.
    held["index.lifecycle.origination_date"] ??= settings["index.creation_date"];
  const loading = loadingSettings(server);
  for (const name of Object.keys(loading)) if (name !== "index.lifecycle.name") held[name] ??= null;
  return { creation: { ...kept, ...loading }, held, blocks, left };
}

/** Whether an index may be restored without it when the target does not know it. */
export function isDroppable(name: string): boolean {
  if (/^index\.(search\.default_pipeline$|lifecycle\.|(plugins|opendistro)\.index_state_management\.)/.test(name)) return true;
  return RULES.some((rule) => rule.treatment === "drop" && rule.name.test(name));
}

/** Whether servers set it by themselves, so that it says nothing about a difference. */
export function isServerMade(name: string): boolean {
  return RULES.some((rule) => rule.treatment === "strip" && rule.name.test(name));
}

function ruleOf(name: string, value: unknown, { flavour }: Pick<SearchServer, "flavour">): SettingRule | undefined {
  if (name === "index.store.type" && value === "snapshot")
    return { name: /^/, treatment: "strip", because: "searchable snapshots are restored as ordinary indices" };
  return RULES.find((rule) => rule.name.test(name) && (rule.on === undefined || rule.on === flavour));
}
