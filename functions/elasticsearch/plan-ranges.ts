/** A run of a shard's document numbers, which nobody but the server gives out: some are free. */
export interface DocumentRange {
  /** From 1; undefined when the range is the whole shard. */
  readonly part: number | undefined;
  /** The range begins behind this number; undefined: at the first. */
  readonly after: number | undefined;
  /** The range ends before this number; undefined: with the last. */
  readonly end: number | undefined;
}

export interface ShardSize {
  /** How many document numbers the shard has, deleted and nested ones included: an estimate. */
  readonly numbers: number;
  readonly storedBytes: number;
}

export interface RangeOptions {
  /** Undefined when it cannot be told. */
  readonly size: ShardSize | undefined;
  readonly shardsOfIndex: number;
  readonly concurrency: number;
}

/** Smaller ones are not worth a stream and its objects. */
const LEAST_BYTES = 8 * 1024 * 1024;
const LEAST_NUMBERS = 1_000;

/** Cuts a large shard so that an index with few of them keeps all readers busy. The ranges meet without holes, whatever the estimate is worth. */
export function planRanges({ size, shardsOfIndex, concurrency }: RangeOptions): DocumentRange[] {
  const wanted = Math.ceil(concurrency / Math.max(1, shardsOfIndex));
  const worthwhile = size === undefined ? 1 : Math.floor(Math.min(size.storedBytes / LEAST_BYTES, size.numbers / LEAST_NUMBERS));
  const parts = Math.max(1, Math.min(wanted, worthwhile));
  if (size === undefined || parts === 1) return [{ part: undefined, after: undefined, end: undefined }];
  // At least 1000: its predecessor is a number that exists or could, never "the one before the first", which servers take for the very beginning.
  const border = (part: number) => Math.floor((size.numbers * part) / parts);
  return Array.from({ length: parts }, (_, at) => ({
    part: at + 1,
    after: at === 0 ? undefined : border(at) - 1,
    end: at === parts - 1 ? undefined : border(at + 1),
  }));
}
