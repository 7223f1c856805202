import { setTimeout as wait } from "node:timers/promises";
import { ClusterUnavailableError } from "../errors.ts";
import type { ClusterOptions } from "./cluster.ts";

const DEFAULT_PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** How long one verb goes on asking an API that is overloaded, away, or written to by others. */
export class Patience {
  readonly signal: AbortSignal | undefined;
  readonly #patienceMs: number;
  readonly #deadline: number;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: ClusterOptions = {}) {
    this.signal = options.signal;
    this.#patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#deadline = performance.now() + this.#patienceMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  /**
   * Waits before the next attempt: longer each time, with jitter, at least what the server asked for, and never beyond the end.
   * @throws ClusterUnavailableError with this cause when patience ended, and the signal's reason
   */
  async pause(cause: unknown, retryAfterMs = 0): Promise<void> {
    this.signal?.throwIfAborted();
    const left = this.remainingMs;
    if (left === 0) throw new ClusterUnavailableError(`The Kubernetes API failed for ${this.#patienceMs / 1000} s`, { cause });
    const jittered = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    try {
      await wait(Math.min(left, Math.max(jittered, retryAfterMs)), undefined, { signal: this.signal });
    } catch (error) {
      // Its own error says only that it was aborted.
      this.signal?.throwIfAborted();
      throw error;
    }
  }
}
