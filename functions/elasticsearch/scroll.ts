import { setTimeout as pause } from "node:timers/promises";
import { DatabaseUnavailableError, describeError } from "../../runner/errors.ts";
import { askPersistently } from "./ask-persistently.ts";
import { explainAbsence, explainLoss } from "./explain-loss.ts";
import type { HitPage } from "./hit-page.ts";
import type { IndexIdentity } from "./index-identity.ts";
import { assertSound, judgePageFailure, UnsoundPageError } from "./page-failure.ts";
import type { PageReading } from "./page-reading.ts";
import type { DocumentRange } from "./plan-ranges.ts";
import { type CursorLink, OPENING_MS, totalOf } from "./point-in-time.ts";
import type { PagesOptions, ShardCursor, ShardPages } from "./shard-cursor.ts";
import { pathOf, type SearchRequest, type SearchTransport } from "./transport.ts";

/** Whoever closes it waits so long for an opening that is under way. */
const OPENING_PATIENCE_MS = 5_000;

/** A scroll over one shard: opened by its first page, and each page comes once. An answer that is lost cannot be asked for again. */
export class ShardScroll implements ShardCursor {
  readonly index: IndexIdentity;
  readonly shard: number;
  readonly canSplit = false;
  readonly #link: CursorLink;
  /** Undefined until a first page was good. */
  #id: string | undefined;
  /** Of everything that is open, and has to be closed: also where the first page was not good. */
  readonly #ids = new Set<string>();
  #total: number | undefined;
  /** Never rejects. */
  #opening: Promise<unknown> | undefined;

  constructor(link: CursorLink, index: IndexIdentity, shard: number) {
    this.#link = link;
    this.index = index;
    this.shard = shard;
  }

  get total(): number | undefined {
    return this.#total;
  }

  pagesOf(range: DocumentRange, { size, limit, signal }: PagesOptions): ShardPages {
    if (range.after !== undefined || range.end !== undefined) throw new TypeError("A scroll reads a whole shard");
    const { log, patienceMs } = this.#link;
    let asked = 0;
    const next = (page: HitPage) =>
      limit.request(() => {
        const answer = this.#askOnce(page, { asked, signal });
        if (this.#id === undefined) this.#opening = Promise.allSettled([answer]);
        return answer;
      }, signal);
    // What is opened twice because an answer was lost expires: it has no name by which to close it.
    const first = (page: HitPage) =>
      askPersistently(() => next(page), {
        signal,
        log,
        subject: `shard ${this.shard} of index "${this.index.name}"`,
        patienceMs,
        onFailure: async (verdict, error) => {
          if (verdict === "smaller") size.shrink();
          if (verdict === "slower") limit.slowDown(log);
          const absence =
            verdict === "gone" || verdict === "absent" ? await explainAbsence(this.#link.transport, this.index, error) : undefined;
          if (absence !== undefined) throw absence;
          // The server repeats the first size with every page.
          asked = size.hits;
        },
      });
    return {
      next: async (page) => {
        if (this.#id === undefined) asked = size.hits;
        const reading =
          this.#id === undefined ? await first(page) : await next(page).catch((error: unknown) => this.#explain(error, signal));
        // Not "fewer than asked for": that it is over, a scroll says by an empty page.
        return { reading, isLast: reading.hits === 0 };
      },
    };
  }

  /** A scroll that was never opened, or is gone already, is fine. */
  async close(transport: SearchTransport): Promise<void> {
    await Promise.race([this.#opening, pause(OPENING_PATIENCE_MS, undefined, { ref: false })]);
    if (this.#ids.size === 0) return;
    await transport.json({
      method: "DELETE",
      path: "/_search/scroll",
      body: { scroll_id: [...this.#ids] },
      statuses: [404],
      isRepeatable: true,
    });
    this.#ids.clear();
  }

  async #askOnce(page: HitPage, { asked, signal }: { asked: number; signal: AbortSignal }): Promise<PageReading> {
    const isFirst = this.#id === undefined;
    // The first answer is heard to its end even when the run was stopped: it names what has to be closed.
    const transport = isFirst ? this.#link.transport.forCleanUp(OPENING_MS) : this.#link.transport;
    page.begin();
    await transport.bytes(this.#request(asked), (chunk) => {
      if (!isFirst) signal.throwIfAborted();
      page.append(chunk);
    });
    const reading = page.finish();
    const id = reading.head.scrollId ?? this.#id;
    if (id === undefined) throw new UnsoundPageError("The server opened a scroll, and gave it no name");
    this.#ids.add(id);
    assertSound(reading.head);
    if (reading.hits > asked) throw new UnsoundPageError(`The page holds ${reading.hits} hits and not at most ${asked}`);
    const total = totalOf(reading);
    if (isFirst) this.#total = total;
    this.#id = id;
    return reading;
  }

  #request(asked: number): SearchRequest {
    const { dialect, keepAliveMs } = this.#link;
    const scroll = `${keepAliveMs}ms`;
    if (this.#id !== undefined) return { method: "POST", path: "/_search/scroll", body: { scroll, scroll_id: this.#id } };
    const query = { ...dialect.query, scroll, preference: dialect.preference(this.shard) };
    const body = { size: asked, sort: ["_doc"], track_total_hits: true, ...(dialect.source === true ? {} : { _source: dialect.source }) };
    return { method: "POST", path: pathOf(this.index.name, "_search"), query, body };
  }

  async #explain(cause: unknown, signal: AbortSignal): Promise<never> {
    signal.throwIfAborted();
    if (judgePageFailure(cause) === "final") throw cause;
    const loss = await explainLoss(this.#link.transport, this.index, cause);
    if (loss.reason !== "CursorLost") throw loss;
    const message = `A page of shard ${this.shard} of index "${this.index.name}" was lost, and a scroll cannot be asked twice: ${describeError(cause)}`;
    throw new DatabaseUnavailableError(message, { reason: "CursorLost", cause });
  }
}
