import * as z from "zod";
import type { Log } from "../../runner/function.ts";
import { askPersistently } from "./ask-persistently.ts";
import type { CursorDialect } from "./cursor-dialect.ts";
import { explainAbsence, explainLoss } from "./explain-loss.ts";
import type { HitPage } from "./hit-page.ts";
import type { IndexIdentity } from "./index-identity.ts";
import { assertSound, PageTooLargeError, UnsoundPageError } from "./page-failure.ts";
import type { PageReading } from "./page-reading.ts";
import type { DocumentRange } from "./plan-ranges.ts";
import type { PagesOptions, ShardCursor, ShardPage, ShardPages } from "./shard-cursor.ts";
import type { SearchTransport } from "./transport.ts";

/** What all cursors of a run have in common. */
export interface CursorLink {
  readonly transport: SearchTransport;
  readonly dialect: CursorDialect;
  readonly keepAliveMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** For tests. */
  readonly patienceMs?: number | undefined;
}

/** How long the server may take to open a cursor. */
export const OPENING_MS = 60_000;
/** Of an answer, unless a single document is larger. */
const MOST_PAGE_BYTES = 64 * 1024 * 1024;
/** Lucene numbers a shard's documents with 31 bits. */
const MOST_NUMBER = 2 ** 31 - 1;

/** A point in time of one shard: its pages may be asked for again and again, and stay what they are. */
export class PointInTime implements ShardCursor {
  readonly index: IndexIdentity;
  readonly shard: number;
  readonly canSplit = true;
  readonly #link: CursorLink;
  #id: string;
  #total: number | undefined;
  #usedAt = performance.now();

  private constructor(link: CursorLink, index: IndexIdentity, { shard, id }: { shard: number; id: string }) {
    this.#link = link;
    this.index = index;
    this.shard = shard;
    this.#id = id;
  }

  /** Asks once; not ended by the run's signal. @throws HoldfastError as the transport does */
  static async open(link: CursorLink, index: IndexIdentity, shard: number): Promise<PointInTime> {
    const { dialect, transport, keepAliveMs } = link;
    // Whoever does not hear the answer does not know what to close.
    const { json } = await transport.forCleanUp(OPENING_MS).json(dialect.open(index.name, shard, `${keepAliveMs}ms`));
    const id = z.object({ [dialect.idKey]: z.string().min(1) }).safeParse(json);
    if (!id.success) throw new UnsoundPageError("The server opened a point in time, and gave it no name");
    return new PointInTime(link, index, { shard, id: id.data[dialect.idKey] as string });
  }

  get total(): number | undefined {
    return this.#total;
  }

  /** 'shard 0 of index "logs"'. */
  get subject(): string {
    return `shard ${this.shard} of index "${this.index.name}"`;
  }

  /** How long ago the server heard of it. */
  get idleMs(): number {
    return performance.now() - this.#usedAt;
  }

  pagesOf(range: DocumentRange, options: PagesOptions): ShardPages {
    let after = range.after;
    let countsAll = range.after === undefined;
    return {
      next: async (page) => {
        const { reading, asked } = await this.#ask(page, { after, end: range.end, countsAll, options });
        countsAll = false;
        after = numberOf(reading) ?? after;
        return { reading, isLast: reading.isCut || reading.hits < asked } satisfies ShardPage;
      },
    };
  }

  /** Tells the server that it is still needed. */
  async renew(): Promise<void> {
    const body = { size: 0, track_total_hits: false, pit: this.#pit() };
    const { dialect, transport } = this.#link;
    const query = { ...dialect.query, filter_path: "_shards" };
    await transport.json({ method: "POST", path: "/_search", query, body, isRepeatable: true });
    this.#usedAt = performance.now();
  }

  /** The last one may be gone already: that is fine. */
  async close(transport: SearchTransport): Promise<void> {
    await transport.json({ ...this.#link.dialect.close(this.#id), statuses: [404], isRepeatable: true });
  }

  async #ask(page: HitPage, request: PageRequest): Promise<{ reading: PageReading; asked: number }> {
    const { limit, size, signal } = request.options;
    const { log, patienceMs } = this.#link;
    return askPersistently(() => limit.request(() => this.#askOnce(page, request), signal), {
      signal,
      log,
      patienceMs,
      subject: this.subject,
      onFailure: async (verdict, error) => {
        if (verdict === "smaller") size.shrink();
        if (verdict === "slower") limit.slowDown(log);
        if (verdict === "gone") throw await explainLoss(this.#link.transport, this.index, error);
        const absence = verdict === "absent" ? await explainAbsence(this.#link.transport, this.index, error) : undefined;
        if (absence !== undefined) throw absence;
      },
    });
  }

  async #askOnce(page: HitPage, request: PageRequest): Promise<{ reading: PageReading; asked: number }> {
    const { after, end, countsAll, options } = request;
    const { transport, dialect } = this.#link;
    const asked = options.size.hits;
    page.begin();
    const body = {
      size: asked,
      pit: this.#pit(),
      sort: [dialect.sort],
      track_total_hits: countsAll,
      ...(after === undefined ? {} : { search_after: [after] }),
      ...(dialect.source === true ? {} : { _source: dialect.source }),
    };
    await transport.bytes({ method: "POST", path: "/_search", query: dialect.query, body, isRepeatable: true }, (chunk) => {
      options.signal.throwIfAborted();
      if (asked > 1 && page.bytes + chunk.length > MOST_PAGE_BYTES) throw new PageTooLargeError("The page is too large");
      page.append(chunk);
    });
    this.#usedAt = performance.now();
    const reading = page.finish({ endSort: end === undefined ? undefined : BigInt(end) });
    this.#assertWhole(reading, { after, asked });
    if (countsAll) this.#total = totalOf(reading);
    this.#id = reading.head.pitId ?? this.#id;
    options.size.took(reading.hits, page.bytes);
    return { reading, asked };
  }

  /** @throws UnsoundPageError when the page cannot be the one that was asked for */
  #assertWhole(reading: PageReading, { after, asked }: { after: number | undefined; asked: number }): void {
    assertSound(reading.head);
    if (reading.hits > asked) throw new UnsoundPageError(`The page holds ${reading.hits} hits and not at most ${asked}`);
    const last = numberOf(reading);
    // As many different numbers do not fit between: the page begins anew, or holds a document twice.
    if (last !== undefined && last - (after ?? -1) < reading.hits)
      throw new UnsoundPageError(`The page with ${reading.hits} hits after number ${after ?? "none"} ends with number ${last}`);
  }

  #pit(): { id: string; keep_alive: string } {
    return { id: this.#id, keep_alive: `${this.#link.keepAliveMs}ms` };
  }
}

interface PageRequest {
  readonly after: number | undefined;
  readonly end: number | undefined;
  readonly countsAll: boolean;
  readonly options: PagesOptions;
}

/** The number of the last document. */
function numberOf({ hits, lastSort }: PageReading): number | undefined {
  if (hits === 0) return undefined;
  // A tiebreak may stand behind it.
  const number = /^\[\s*(\d{1,10})\s*[,\]]/.exec(lastSort ?? "")?.[1];
  if (number === undefined || Number(number) > MOST_NUMBER)
    throw new UnsoundPageError(`The last hit has no document number but is sorted by ${lastSort ?? "nothing"}`);
  return Number(number);
}

export function totalOf({ head: { total } }: PageReading): number {
  if (total === undefined || total.isLowerBound) throw new UnsoundPageError("The answer does not say how many documents there are");
  return total.value;
}
