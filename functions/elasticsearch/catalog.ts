// catalog: everything of a cluster that is no document. It is stored in two streams of a snapshot, as exact JSON.
import * as z from "zod";

export const CLUSTER_STREAM = "meta/cluster.json";
export const INDICES_STREAM = "meta/indices.ndjson";

const body = z.record(z.string(), z.unknown());
const named = z.record(z.string(), body);

/** Objects of the cluster by name, as their own APIs take them back; those of other kinds are absent. */
export const clusterCatalogSchema = z.object({
  componentTemplates: named,
  indexTemplates: named,
  legacyTemplates: named,
  ingestPipelines: named,
  searchPipelines: named,
  /** Elasticsearch's lifecycle policies. */
  ilmPolicies: named,
  /** OpenSearch's index state policies. */
  ismPolicies: named,
  enrichPolicies: named,
  storedScripts: named,
  dataStreams: z.record(
    z.string(),
    z.object({
      /** The index template that the server found for it; absent when none matches any more. */
      template: z.string().optional(),
      generation: z.number(),
      /** Backing indices, oldest first. */
      indices: z.array(z.string()),
      timestampField: z.string(),
      isHidden: z.boolean(),
      /** As the server tells it: lifecycle, options. */
      other: body,
    }),
  ),
  /** Aliases of data streams: alias → attributes by stream. */
  dataStreamAliases: z.record(z.string(), z.record(z.string(), body)),
});

export type ClusterCatalog = z.infer<typeof clusterCatalogSchema>;

/** How an index keeps the documents' source. `filtered`: with includes or excludes, so that a part of each document cannot be read. */
export const sourceKinds = ["stored", "synthetic", "off", "filtered"] as const;

/** One index, a line of the stream; its place in the stream is its number, from 1. */
export const indexEntrySchema = z.object({
  name: z.string(),
  uuid: z.string(),
  /** Flat: "index.number_of_shards" → "1". As the source says them; what a restore strips or holds back it decides itself. */
  settings: z.record(z.string(), z.unknown()),
  mappings: body,
  /** Alias → its attributes: filter, index_routing, search_routing, is_write_index, is_hidden. */
  aliases: z.record(z.string(), body),
  source: z.enum(sourceKinds),
  isClosed: z.boolean(),
  isHidden: z.boolean(),
  dataStream: z.string().optional(),
});

export type IndexEntry = z.infer<typeof indexEntrySchema>;
