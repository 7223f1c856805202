// What the manifest says of a snapshot's indices. Whoever can read the store can read this: names and counts, no document, no setting.
import * as z from "zod";
import { IncompleteError } from "../../runner/errors.ts";

const shardSchema = z.object({
  shard: z.int().min(0),
  documents: z.int().min(0),
  /** Streams that hold its lines together, in order. */
  streams: z.array(z.string()),
  /** At the instant of the backup; absent when they could not be told, and then the index is read again next time. */
  primaryTerm: z.int().optional(),
  maxSeqNo: z.int().optional(),
  globalCheckpoint: z.int().optional(),
});

const indexSchema = z.object({
  name: z.string(),
  uuid: z.string(),
  source: z.enum(["stored", "synthetic", "filtered"]),
  dataStream: z.string().optional(),
  documents: z.int().min(0),
  /** `formatDigest`: order-free, over id, routing and source of every document. */
  digest: z.string(),
  shards: z.array(shardSchema),
  /** The snapshot whose objects these are, when nothing was read because nothing had changed. */
  unchangedSince: z.string().optional(),
});

export const snapshotFactsSchema = z.object({
  indices: z.array(indexSchema),
  /** Names of all objects of the cluster that are carried, by kind. */
  carried: z.record(z.string(), z.array(z.string())),
});

export type ShardFacts = z.infer<typeof shardSchema>;
export type IndexFacts = z.infer<typeof indexSchema>;
export type SnapshotFacts = z.infer<typeof snapshotFactsSchema>;

/** The name of a stream of documents: `indices/0003/shard-1.ndjson`, and for a part of a shard `indices/0003/shard-1-part-2.ndjson`. */
export function dataStreamName(index: number, shard: number, part?: number): string {
  return `indices/${String(index).padStart(4, "0")}/shard-${shard}${part === undefined ? "" : `-part-${part}`}.ndjson`;
}

/** @throws IncompleteError when the snapshot was not made by es-backup as we know it */
export function readSnapshotFacts(facts: Readonly<Record<string, unknown>>): SnapshotFacts {
  const parsed = snapshotFactsSchema.safeParse(facts);
  if (!parsed.success)
    throw new IncompleteError("The snapshot does not say which indices it holds", { reason: "NotASearchSnapshot", cause: parsed.error });
  return parsed.data;
}
