import type { Log } from "../../runner/function.ts";
import { HitPage } from "./hit-page.ts";
import { Permits } from "./permits.ts";

/** What one reader works with: while one page is written, the next one arrives. */
export type PagePair = readonly [HitPage, HitPage];

/** As many good pages bring one more request at once back. */
const GOOD_PAGES = 50;
const PAGE_BYTES = 6_000_000;

/** How many shards, or parts of shards, are read at once, over all indices of a run; while the server is too busy, fewer requests are under way. */
export class ReadLimit {
  readonly concurrency: number;
  readonly #readers: Permits;
  readonly #requests: Permits;
  /** Of readers that came to their end: WebAssembly's memory is given back late, if at all. */
  readonly #spare: PagePair[] = [];
  #goodPages = 0;

  constructor(concurrency: number) {
    this.concurrency = concurrency;
    this.#readers = new Permits(concurrency);
    this.#requests = new Permits(concurrency);
  }

  /** How many requests for pages may be under way. */
  get requests(): number {
    return this.#requests.limit;
  }

  /** Runs the work when its turn has come, with two pages of its own. @throws the signal's reason */
  async read<T>(work: (pages: PagePair) => Promise<T>, signal: AbortSignal): Promise<T> {
    using _turn = await this.#readers.take(signal);
    const pages = this.#spare.pop() ?? newPages();
    const result = await work(pages);
    // Not after a failure: a request may still fill one of them.
    this.#spare.push(pages);
    return result;
  }

  /** Runs one request for a page when the server is to be asked for more. @throws the signal's reason */
  async request<T>(send: () => Promise<T>, signal: AbortSignal): Promise<T> {
    using _turn = await this.#requests.take(signal);
    const answer = await send();
    this.#goodPages += 1;
    if (this.#goodPages >= GOOD_PAGES && this.#requests.limit < this.concurrency) {
      this.#goodPages = 0;
      this.#requests.limit += 1;
    }
    return answer;
  }

  /** The server has no room for as many requests. */
  slowDown(log: Log): void {
    this.#goodPages = 0;
    if (this.#requests.limit === 1) return;
    this.#requests.limit -= 1;
    log.info("The server is busy, so fewer pages are asked for at once", { requests: this.#requests.limit });
  }
}

function newPages(): PagePair {
  return [new HitPage({ initialBytes: PAGE_BYTES }), new HitPage({ initialBytes: PAGE_BYTES })];
}
