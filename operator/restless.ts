import type { Clock } from "./watch/clock.ts";

interface Passes {
  readonly count: number;
  readonly lastMs: number;
}

/** Passes over one object, in a row, that found no end: what comes after so many of them is held up. */
const MOST_PASSES = 20;
const HOLD_MS = 30_000;

/**
 * Objects that pass after pass does something for, and never gets done with: somebody else changes what we make, or a decision goes in a circle. They are looked at, but not in
 * a hot loop, whatever wakes them.
 */
export class Restless {
  readonly #clock: Clock;
  readonly #passes = new Map<string, Passes>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long this one is to be left alone now; 0 as a rule. */
  holdMs(id: string): number {
    const passes = this.#passes.get(id);
    if (passes === undefined || passes.count < MOST_PASSES) return 0;
    return Math.max(0, passes.lastMs + HOLD_MS - this.#clock.monotonicMs());
  }

  /** Notes a pass that found no end. Whether it was the one that makes it be held up from now on: to be told once. */
  note(id: string): boolean {
    const count = (this.#passes.get(id)?.count ?? 0) + 1;
    this.#passes.set(id, { count, lastMs: this.#clock.monotonicMs() });
    return count === MOST_PASSES;
  }

  /** It is done with, for now. */
  forget(id: string): void {
    this.#passes.delete(id);
  }
}
