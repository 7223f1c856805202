// An index is unchanged since an older snapshot when no operation was made on any of its shards: then its documents need not be read again.
import type { BaseSnapshot } from "../../runner/function.ts";
import type { IndexEntry } from "./catalog.ts";
import type { IndexMarks } from "./read-shard-marks.ts";
import { type IndexFacts, snapshotFactsSchema } from "./snapshot-facts.ts";

/** What the base says of its indices, by UUID; nothing when it cannot be understood, and then everything is read. */
export function indicesOfBase(base: BaseSnapshot | undefined): ReadonlyMap<string, IndexFacts> {
  const parsed = snapshotFactsSchema.safeParse(base?.facts);
  if (base === undefined || !parsed.success) return new Map();
  const streams = new Set(base.streams.map(({ name }) => name));
  const whole = parsed.data.indices.filter(({ shards }) => shards.every((shard) => shard.streams.every((name) => streams.has(name))));
  return new Map(whole.map((facts) => [facts.uuid, facts]));
}

/**
 * Whether the documents of the index are those of the older snapshot. `marks` are those of an instant at or after the present backup's: the older ones
 * were taken before its documents were made visible and read, so equal marks mean that nothing was written from before then until now. A primary term
 * belongs to them because numbers are used again after a failover, and the global checkpoint because operations may be under way below the highest number.
 */
export function isUnchanged(
  entry: Pick<IndexEntry, "uuid" | "source">,
  older: IndexFacts | undefined,
  marks: IndexMarks | undefined,
): boolean {
  // A synthetic source is made from the mapping, which may have changed.
  if (older === undefined || marks === undefined || entry.source !== "stored" || older.source !== "stored") return false;
  if (marks.uuid !== entry.uuid || older.uuid !== entry.uuid || marks.shards.length !== older.shards.length) return false;
  return older.shards.every((before) => {
    const now = marks.shards.find(({ shard }) => shard === before.shard);
    return (
      now !== undefined &&
      before.primaryTerm !== undefined &&
      before.maxSeqNo !== undefined &&
      now.primaryTerm === before.primaryTerm &&
      now.maxSeqNo === before.maxSeqNo &&
      now.globalCheckpoint === now.maxSeqNo &&
      before.globalCheckpoint === before.maxSeqNo
    );
  });
}
