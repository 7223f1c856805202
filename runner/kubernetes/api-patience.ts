import { setTimeout as wait } from "node:timers/promises";
import { ClusterUnavailableError, type HoldfastError } from "../errors.ts";
import type { ClusterOptions } from "./cluster.ts";

const DEFAULT_PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
// A server that has just started knows nobody's rights for a moment (40 to 170 ms were measured) and refuses what it allows afterwards.
const REFUSAL_PATIENCE_MS = 2_000;
const REFUSAL_PATIENCE_AFTER_OUTAGE_MS = 10_000;

/** How long one verb goes on asking an API that is overloaded, away, or written to by others. */
export class Patience {
  readonly signal: AbortSignal | undefined;
  readonly #patienceMs: number;
  readonly #deadline: number;
  #pauseMs = FIRST_PAUSE_MS;
  #wasAway = false;
  #conflicts = 0;
  #firstRefusal: number | undefined;

  constructor(options: ClusterOptions = {}) {
    this.signal = options.signal;
    this.#patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#deadline = performance.now() + this.#patienceMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  /** Waits before a refusal (401, 403) is doubted once more. @throws that error when it has lasted long enough to be believed */
  async doubt(refusal: HoldfastError): Promise<void> {
    this.#firstRefusal ??= performance.now();
    const patienceMs = this.#wasAway ? REFUSAL_PATIENCE_AFTER_OUTAGE_MS : REFUSAL_PATIENCE_MS;
    const left = Math.min(this.#firstRefusal + patienceMs - performance.now(), this.remainingMs);
    if (left <= 0) throw refusal;
    await this.#wait(Math.min(left, this.#nextPause()));
  }

  /**
   * Waits before the next attempt: longer each time, with jitter, at least what the server asked for, and never beyond the end.
   * @throws ClusterUnavailableError with this cause when patience ended, and the signal's reason
   */
  async pause(cause: unknown, retryAfterMs = 0): Promise<void> {
    this.#assertMore(cause);
    this.#wasAway = true;
    await this.#wait(Math.min(this.remainingMs, Math.max(this.#nextPause(), retryAfterMs)));
  }

  /** A conflict is no sign of overload: a short wait of random length is enough for writers to pass one another. @throws as `pause` does */
  async yieldToOthers(cause: unknown): Promise<void> {
    this.#assertMore(cause);
    this.#conflicts += 1;
    await this.#wait(Math.min(this.remainingMs, Math.random() * Math.min(1_000, 25 * 2 ** this.#conflicts)));
  }

  #assertMore(cause: unknown): void {
    this.signal?.throwIfAborted();
    if (this.remainingMs > 0) return;
    throw new ClusterUnavailableError(`The Kubernetes API failed for ${this.#patienceMs / 1000} s`, { cause });
  }

  #nextPause(): number {
    const jittered = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    return jittered;
  }

  async #wait(ms: number): Promise<void> {
    try {
      await wait(ms, undefined, { signal: this.signal });
    } catch (error) {
      // Its own error says only that it was aborted.
      this.signal?.throwIfAborted();
      throw error;
    }
  }
}
