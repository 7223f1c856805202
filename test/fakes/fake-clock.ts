import type { Clock } from "../../operator/watch/clock.ts";

interface FakeTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Time that passes only when it is told to. */
export class FakeClock implements Clock {
  readonly #timers = new Set<FakeTimer>();
  readonly #started: Date;
  #elapsedMs = 0;

  constructor(started = new Date("2026-11-22T03:00:00Z")) {
    this.#started = started;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): Date {
    return new Date(this.#started.getTime() + this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(ms: number, callback: () => void): Disposable {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => this.#timers.delete(timer) };
  }

  /** Lets so much time pass: each timer fires at its own moment, and what it sets off goes on before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#nextBefore(end); next !== undefined; next = this.#nextBefore(end)) {
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.callback();
      await settle();
    }
    this.#elapsedMs = end;
  }

  #nextBefore(endMs: number): FakeTimer | undefined {
    let first: FakeTimer | undefined;
    for (const timer of this.#timers) if (timer.dueMs <= endMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    return first;
  }
}

/** Whatever can go on without time or the outside world has gone on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
