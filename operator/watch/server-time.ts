import type { Clock } from "./clock.ts";

// Its Date header tells whole seconds, and an answer takes its time.
const TOLERATED_MS = 2_000;

/** The server's time, as far as it matters: ours, unless its last answer shows another one. */
export class ServerTime {
  readonly #clock: Clock;
  #aheadMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of an answer. */
  learn(aheadMs: number | undefined): void {
    if (aheadMs !== undefined) this.#aheadMs = Math.abs(aheadMs) > TOLERATED_MS ? aheadMs : 0;
  }

  now(): Date {
    return new Date(this.#clock.now().getTime() + this.#aheadMs);
  }
}
