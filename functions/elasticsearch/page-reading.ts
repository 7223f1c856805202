// page: one answer to a search, with many hits. hit line: one hit as the server sent it, ended by a newline; what a stream of the backup holds.

/** What one page held. */
export interface PageReading {
  /** Hits kept. */
  readonly hits: number;
  /** A hit at or behind `endSort` was met: it and all behind it were dropped. */
  readonly isCut: boolean;
  /** One line a kept hit, each ended by "\n"; a view into the page, valid until its next `begin()`. */
  readonly lines: Uint8Array;
  /** Unsigned, 64 bits: the sum of the kept hits' document hashes (DIGEST.md). */
  readonly digest: bigint;
  /** The JSON text of the last kept hit's "sort", as the server wrote it. */
  readonly lastSort: string | undefined;
  readonly head: PageHead;
  /** Kept hits without "_source": their documents cannot be rebuilt. */
  readonly withoutSource: number;
  /** Sources held comments or a byte order mark, which were blanked by a slow path. */
  readonly rewrote: boolean;
}

/** What a page says beside its hits. */
export interface PageHead {
  readonly pitId: string | undefined;
  readonly scrollId: string | undefined;
  readonly tookMs: number;
  readonly timedOut: boolean;
  readonly terminatedEarly: boolean;
  readonly shards: PageShards;
  /** Undefined when totals were not asked for. */
  readonly total: { readonly value: number; readonly isLowerBound: boolean } | undefined;
}

export interface PageShards {
  readonly total: number;
  readonly successful: number;
  readonly skipped: number;
  readonly failed: number;
  /** As the server lists them; empty when there are none. */
  readonly failures: readonly unknown[];
}

export type PageFault =
  /** The answer ends before its JSON does. */
  | "cut-short"
  /** It is whole, but not what a server sends as the answer to a search. */
  | "unexpected"
  /** It is an error's body instead of a page. */
  | "error-answer";

/** The bytes are not a page of hits: nothing of them may be used. Never holds bytes of a document. */
export class MalformedPageError extends Error {
  override readonly name = "MalformedPageError";
  readonly fault: PageFault;
  /** Where, in bytes of the answer. */
  readonly offset: number;

  constructor(message: string, options: ErrorOptions & { readonly fault: PageFault; readonly offset: number }) {
    super(message, options);
    this.fault = options.fault;
    this.offset = options.offset;
  }
}
