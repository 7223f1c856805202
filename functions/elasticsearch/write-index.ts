import type { SnapshotWriter, StreamWriter } from "../../runner/function.ts";
import type { IndexEntry } from "./catalog.ts";
import { formatDigest } from "./format-digest.ts";
import type { Cursors } from "./open-cursors.ts";
import { type LineSink, readIndex } from "./read-index.ts";
import type { ReadLimit } from "./read-limit.ts";
import type { IndexMarks } from "./read-shard-marks.ts";
import { dataStreamName, type IndexFacts, type ShardFacts } from "./snapshot-facts.ts";

export interface IndexToWrite {
  readonly entry: IndexEntry;
  /** Its line in the stream of indices, from 1. */
  readonly number: number;
  /** Taken before its documents were made visible and its cursors opened. */
  readonly marks: IndexMarks | undefined;
}

export interface WriteParts {
  readonly cursors: Cursors;
  readonly limit: ReadLimit;
  readonly snapshot: SnapshotWriter;
  onPage(documents: number, bytes: number): void;
}

/** Reads an index into streams of the snapshot, one for each shard or part of one; resolves with what the manifest says of it. */
export async function writeIndex({ entry, number, marks }: IndexToWrite, parts: WriteParts): Promise<IndexFacts> {
  const streams = new Map<number, { part: number; name: string }[]>();
  const reading = await readIndex(parts.cursors, entry, {
    limit: parts.limit,
    onPage: parts.onPage,
    openTarget: (shard, part) => {
      const name = dataStreamName(number, shard, part);
      streams.set(shard, [...(streams.get(shard) ?? []), { part: part ?? 0, name }]);
      return sinkInto(parts.snapshot.stream(name, { mediaType: "application/x-ndjson" }));
    },
  });
  await parts.cursors.close(entry.name);
  return {
    ...describe(entry),
    documents: reading.documents,
    digest: formatDigest(reading.digest, reading.documents),
    shards: reading.shards.map(({ shard, documents }): ShardFacts => {
      const ordered = (streams.get(shard) ?? []).toSorted((left, right) => left.part - right.part);
      return { shard, documents, streams: ordered.map(({ name }) => name), ...marksOf(shard, marks, entry) };
    }),
  };
}

/** Names the objects of an index that is as it was in the snapshot's base, `older`, in the place of reading it. */
export function reuseIndex({ entry, number }: IndexToWrite, older: IndexFacts, snapshot: SnapshotWriter): IndexFacts {
  const { base } = snapshot;
  if (base === undefined) throw new TypeError("There is no base to name objects of");
  const shards = older.shards.map((shard) => {
    const streams = shard.streams.map((from, at) => {
      const name = dataStreamName(number, shard.shard, shard.streams.length === 1 ? undefined : at + 1);
      snapshot.reuse(name, from);
      return name;
    });
    return { ...shard, streams };
  });
  const { documents, digest } = older;
  return { ...describe(entry), documents, digest, shards, unchangedSince: older.unchangedSince ?? base.id };
}

function describe({ name, uuid, source, dataStream }: IndexEntry): Pick<IndexFacts, "name" | "uuid" | "source" | "dataStream"> {
  if (source === "off") throw new TypeError(`Index "${name}" keeps no source`);
  return { name, uuid, source, ...(dataStream === undefined ? {} : { dataStream }) };
}

function marksOf(shard: number, marks: IndexMarks | undefined, { uuid }: IndexEntry): Partial<ShardFacts> {
  const found = marks?.uuid === uuid ? marks.shards.find((each) => each.shard === shard) : undefined;
  if (found === undefined) return {};
  const { primaryTerm, maxSeqNo, globalCheckpoint } = found;
  return { primaryTerm, maxSeqNo, globalCheckpoint };
}

function sinkInto(stream: StreamWriter): LineSink {
  return {
    write: (lines) => stream.write(lines),
    finish: (documents, digest) => stream.finish({ count: documents, digest: formatDigest(digest, documents) }),
  };
}
