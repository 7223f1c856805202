import type { Cursors } from "./open-cursors.ts";
import type { ReadLimit } from "./read-limit.ts";

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
  /** After all lines of a page. */
  endPage?(): Promise<void>;
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

/**
 * Reads every document of an index as it was when its cursors were opened. Resolves only when the lines of each shard are as many as the cursor itself
 * counts. @throws DatabaseUnavailableError, with the reason CursorLost when another run may succeed; IncompleteError for what cannot be read at all
 */
export async function readIndex(_cursors: Cursors, _index: ReadableIndex, _options: ReadOptions): Promise<IndexReading> {
  throw new TypeError("Indices cannot be read yet");
}
