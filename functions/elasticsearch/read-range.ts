import { IncompleteError } from "../../runner/errors.ts";
import type { LineSink } from "./read-index.ts";
import type { PagePair } from "./read-limit.ts";
import type { ShardPages } from "./shard-cursor.ts";

export interface RangeOptions {
  /** In messages. */
  readonly index: string;
  readonly pages: PagePair;
  openTarget(): LineSink | Promise<LineSink>;
  onPage?: ((documents: number, bytes: number) => void) | undefined;
}

export interface RangeReading {
  readonly documents: number;
  readonly digest: bigint;
  readonly rewrittenPages: number;
}

/** While a larger page is written, no other one is asked for: two of them would not fit beside those of other readers. */
const LARGE_PAGE_BYTES = 24_000_000;

/** Reads the pages to the last one; while one is written, the next one is on its way. */
export async function readRange(source: ShardPages, { index, pages, openTarget, onPage }: RangeOptions): Promise<RangeReading> {
  let [documents, digest, rewrittenPages] = [0, 0n, 0];
  let sink: LineSink | undefined;
  let [current, other] = pages;
  let coming = source.next(current);
  for (;;) {
    const { reading, isLast } = await coming;
    if (reading.withoutSource > 0) throw lacksSource(index, reading.withoutSource);
    const isLarge = current.bytes > LARGE_PAGE_BYTES;
    if (!isLast && !isLarge) {
      [current, other] = [other, current];
      coming = source.next(current);
      // Looked at when this page is written: until then a failure has to wait.
      coming.catch(() => undefined);
    }
    if (reading.hits > 0) {
      sink ??= await openTarget();
      await sink.write(reading.lines);
      documents += reading.hits;
      digest = BigInt.asUintN(64, digest + reading.digest);
      if (reading.rewrote) rewrittenPages += 1;
      onPage?.(reading.hits, reading.lines.length);
    }
    if (isLast) break;
    if (isLarge) coming = source.next(current);
  }
  await sink?.finish(documents, digest);
  return { documents, digest, rewrittenPages };
}

function lacksSource(index: string, documents: number): IncompleteError {
  return new IncompleteError(`Index "${index}" gives ${documents} or more documents without their source`, {
    reason: "SourceNotKept",
    hint: "Does its mapping switch _source off, or may this user not see it? --skip-sourceless leaves such indices out, by name",
  });
}
