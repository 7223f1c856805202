import { formatBytes, formatProcessingTime } from "./go-format.ts";

/** A snapshot in a host's stats. All of it is there always: readers rely on each number. */
export interface SnapshotStats {
  readonly name: string;
  readonly path: string;
  readonly totalSize: string;
  readonly uploaded: string;
  readonly processingTime: string;
  readonly fileStats: {
    readonly totalFiles: number;
    readonly newFiles: number;
    readonly modifiedFiles: number;
    readonly unmodifiedFiles: number;
  };
}

export interface SnapshotFacts {
  readonly id: string;
  readonly streams: readonly SnapshotStream[];
  /** Of everything in the snapshot, before compression. */
  readonly rawBytes: number;
  /** That this backup added to the store. */
  readonly storedBytes: number;
  readonly durationMs: number;
  /** The first stream's name when absent. */
  readonly path?: string | undefined;
}

export interface SnapshotStream {
  readonly name: string;
  readonly objects: number;
  /** Of the objects, those that lay in the store before. */
  readonly reusedObjects: number;
}

/** The snapshot as Stash tells of one: a stream counts as a file. */
export function snapshotStats(facts: SnapshotFacts): SnapshotStats {
  const { id, streams, rawBytes, storedBytes, durationMs, path = streams[0]?.name ?? "" } = facts;
  const unmodified = streams.filter(({ objects, reusedObjects }) => objects > 0 && reusedObjects === objects).length;
  const written = streams.filter(({ reusedObjects }) => reusedObjects === 0).length;
  return {
    name: id,
    path,
    totalSize: formatBytes(rawBytes),
    uploaded: formatBytes(storedBytes),
    processingTime: formatProcessingTime(durationMs),
    fileStats: {
      totalFiles: streams.length,
      newFiles: written,
      modifiedFiles: streams.length - written - unmodified,
      unmodifiedFiles: unmodified,
    },
  };
}
