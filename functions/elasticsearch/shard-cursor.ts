import type { HitPage } from "./hit-page.ts";
import type { PageReading } from "./page-reading.ts";
import type { PageSize } from "./page-size.ts";
import type { DocumentRange } from "./plan-ranges.ts";
import type { ReadLimit } from "./read-limit.ts";

/** Reads one shard as it was when this was opened. */
export interface ShardCursor {
  readonly shard: number;
  /** Whether ranges of it can be read at the same time. */
  readonly canSplit: boolean;
  /** How many documents it has, by its own count: known once the first page of the first range was read. */
  readonly total: number | undefined;
  pagesOf(range: DocumentRange, options: PagesOptions): ShardPages;
}

export interface PagesOptions {
  readonly size: PageSize;
  readonly limit: ReadLimit;
  /** Ends a request that is under way, at its next piece. */
  readonly signal: AbortSignal;
}

/** The pages of one range, in order. */
export interface ShardPages {
  /** Reads the next page into the given one, which is the caller's until the page after it is asked for. */
  next(page: HitPage): Promise<ShardPage>;
}

export interface ShardPage {
  readonly reading: PageReading;
  /** No page comes after it. */
  readonly isLast: boolean;
}
