export interface PageSizeOptions {
  /** What a document takes on the server's disk, on average; undefined when that is not known. */
  readonly storedBytes: number | undefined;
  /** The index's own limit: index.max_result_window. */
  readonly mostHits: number;
}

/** Servers are fastest at 5 to 10 MB a page; two of them are in memory for each reader. */
const TARGET_BYTES = 5_000_000;
/** Stored fields are compressed: on the wire a document is larger, in bad cases a hundred times. */
const EXPANSION = 8;
const MOST_FIRST_HITS = 200;
const FIRST_HITS = 100;
const GROWTH = 8;
const SHRINKAGE = 4;
/** After a page that was too much the next ones come near its size slowly. */
const RECOVERY = 1.25;

/** How many hits to ask for, so that a page has some 5 MB: careful at first, then by what the last page was. */
export class PageSize {
  readonly #mostHits: number;
  #ceiling: number;
  #hits: number;

  constructor({ storedBytes, mostHits }: PageSizeOptions) {
    const first = storedBytes === undefined ? FIRST_HITS : TARGET_BYTES / (Math.max(1, storedBytes) * EXPANSION);
    this.#mostHits = Math.max(1, mostHits);
    this.#ceiling = this.#mostHits;
    this.#hits = this.#clamp(Math.min(first, MOST_FIRST_HITS));
  }

  get hits(): number {
    return this.#hits;
  }

  /** A page came as asked for. */
  took(hits: number, bytes: number): void {
    this.#ceiling = Math.min(this.#mostHits, Math.max(this.#ceiling + 1, this.#ceiling * RECOVERY));
    if (hits > 0) this.#hits = this.#clamp(Math.min(TARGET_BYTES / (bytes / hits), this.#hits * GROWTH));
  }

  /** A page was too much, for the server or for us. False when it had but one hit. */
  shrink(): boolean {
    if (this.#hits === 1) return false;
    this.#ceiling = Math.max(1, Math.floor(this.#hits / SHRINKAGE));
    this.#hits = this.#ceiling;
    return true;
  }

  #clamp(hits: number): number {
    return Math.max(1, Math.floor(Math.min(hits, this.#ceiling)));
  }
}
