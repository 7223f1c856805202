import type { Clock } from "./clock.ts";

export interface TokenBucketOptions {
  /** So many at once. */
  readonly burst: number;
  /** So many a second afterwards. */
  readonly perSecond: number;
  readonly clock: Clock;
}

/** Says how long each of many has to wait so that all together keep a rate. */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #tokens: number;
  #filledMs: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#filledMs = options.clock.monotonicMs();
  }

  /** Takes a place, and returns the milliseconds until its turn: 0 while there are tokens. */
  reserve(): number {
    const { burst, perSecond, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledMs) / 1000) * perSecond);
    this.#filledMs = nowMs;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / perSecond) * 1000;
  }
}
