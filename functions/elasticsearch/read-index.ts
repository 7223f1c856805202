import { IncompleteError } from "../../runner/errors.ts";
import type { Cursors } from "./open-cursors.ts";
import { PageSize } from "./page-size.ts";
import { type DocumentRange, planRanges, type ShardSize } from "./plan-ranges.ts";
import type { ReadLimit } from "./read-limit.ts";
import { type RangeReading, readRange } from "./read-range.ts";
import type { ShardCursor } from "./shard-cursor.ts";
import { estimateShards } from "./shard-sizes.ts";

export interface ReadableIndex {
  readonly name: string;
  /** Flat, as the server tells them: "index.number_of_shards" → "1". */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ReadOptions {
  /** Shared by all indices of a run. */
  readonly limit: ReadLimit;
  /** Where the lines of a shard go, or of a part of it, counted from 1. Never asked for where there is no document. */
  openTarget(shard: number, part: number | undefined): LineSink | Promise<LineSink>;
  /** After each page: what it added. */
  onPage?(documents: number, bytes: number): void;
}

export interface LineSink {
  /** Whole lines, which may be reused as soon as the promise settled. */
  write(lines: Uint8Array): Promise<void>;
  /** After the last page: what the whole sink was given. */
  finish(documents: number, digest: bigint): Promise<void>;
}

export interface IndexReading {
  readonly documents: number;
  /** Unsigned, 64 bits: the sum of all documents' hashes. */
  readonly digest: bigint;
  readonly shards: readonly ShardReading[];
  /** Pages whose sources held comments. */
  readonly rewrittenPages: number;
}

export interface ShardReading {
  readonly shard: number;
  readonly documents: number;
  /** 1: read as a whole, its target had no part. */
  readonly parts: number;
}

const DEFAULT_RESULT_WINDOW = 10_000;

/**
 * Reads every document of an index as it was when its cursors were opened. Resolves only when the lines of each shard are as many as the cursor itself
 * counts. @throws DatabaseUnavailableError, with the reason CursorLost when another run may succeed; IncompleteError for what cannot be read at all
 */
export async function readIndex(cursors: Cursors, index: ReadableIndex, options: ReadOptions): Promise<IndexReading> {
  assertSameIndex(cursors, index);
  const sizes = await estimateShards(cursors.transport, index.name, cursors.log);
  const shards = Array.from({ length: cursors.shardsOf(index.name) }, (_, shard) => shard);
  const failure = new AbortController();
  const work = { cursors, index, options, sizes, signal: AbortSignal.any([cursors.signal, failure.signal]) };
  const readings = await Promise.all(
    shards.map((shard) =>
      readShard(work, shard).catch((error: unknown) => {
        failure.abort(error);
        throw error;
      }),
    ),
  );
  const all = readings.flatMap(({ ranges }) => ranges);
  return {
    documents: all.reduce((sum, { documents }) => sum + documents, 0),
    digest: all.reduce((sum, { digest }) => BigInt.asUintN(64, sum + digest), 0n),
    shards: readings.map(({ shard, ranges }) => ({ shard, documents: countOf(ranges), parts: ranges.length })),
    rewrittenPages: all.reduce((sum, { rewrittenPages }) => sum + rewrittenPages, 0),
  };
}

interface Work {
  readonly cursors: Cursors;
  readonly index: ReadableIndex;
  readonly options: ReadOptions;
  readonly sizes: ReadonlyMap<number, ShardSize>;
  readonly signal: AbortSignal;
}

async function readShard(work: Work, shard: number): Promise<{ shard: number; ranges: RangeReading[] }> {
  const { cursors, index, options, sizes, signal } = work;
  const { name } = index;
  // Before a reader's turn is taken: a cursor may have to wait for others, that readers have to come to the end of.
  const cursor = await cursors.cursorOn(name, shard);
  const size = sizes.get(shard);
  const shape = { size: cursor.canSplit ? size : undefined, shardsOfIndex: cursors.shardsOf(name), concurrency: options.limit.concurrency };
  const ranges = await Promise.all(planRanges(shape).map((range) => readPart(work, { cursor, range, size })));
  const documents = countOf(ranges);
  if (cursor.total !== documents)
    throw new IncompleteError(`Shard ${shard} of index "${name}" has ${cursor.total} documents, and ${documents} were read`, {
      reason: "CountsDiffer",
      facts: { index: name, shard, counted: cursor.total, read: documents },
    });
  signal.throwIfAborted();
  await cursors.closeShard(name, shard);
  return { shard, ranges };
}

interface Part {
  readonly cursor: ShardCursor;
  readonly range: DocumentRange;
  readonly size: ShardSize | undefined;
}

function readPart({ index, options, signal }: Work, { cursor, range, size }: Part): Promise<RangeReading> {
  const { limit, onPage, openTarget } = options;
  const storedBytes = size === undefined || size.numbers === 0 ? undefined : size.storedBytes / size.numbers;
  const mostHits = Number(index.settings["index.max_result_window"] ?? DEFAULT_RESULT_WINDOW);
  return limit.read((pages) => {
    const source = cursor.pagesOf(range, { size: new PageSize({ storedBytes, mostHits }), limit, signal });
    return readRange(source, { index: index.name, pages, openTarget: () => openTarget(cursor.shard, range.part), onPage });
  }, signal);
}

/** What was read about the index must be about that which its cursors were opened on. @throws IncompleteError */
function assertSameIndex(cursors: Cursors, { name, settings }: ReadableIndex): void {
  const isSame =
    cursors.has(name) &&
    settings["index.uuid"] === cursors.uuidOf(name) &&
    Number(settings["index.number_of_shards"]) === cursors.shardsOf(name);
  if (isSame) return;
  throw new IncompleteError(`Index "${name}" is not the one that a cursor was opened on`, {
    reason: "IndexDeleted",
    hint: "It was deleted and made anew meanwhile: run the backup again",
  });
}

function countOf(ranges: readonly RangeReading[]): number {
  return ranges.reduce((sum, { documents }) => sum + documents, 0);
}
