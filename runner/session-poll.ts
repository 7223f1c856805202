import { setTimeout as delay } from "node:timers/promises";

const LEAST_LOOK_MS = 5_000;

export interface PollOptions {
  readonly signal: AbortSignal;
  /** Before the second look; each wait is half as long again as the one before. */
  readonly firstMs: number;
  /** The longest wait. */
  readonly lastMs: number;
  readonly boundMs: number;
}

/**
 * Looks until there is something; `undefined` when there was nothing until the bound, with a last look right then. The look is told how long it
 * may take: what is left, or a few seconds. Rejects with the signal's reason on its abort, and with whatever the look throws.
 */
export async function pollUntil<T>(look: (patienceMs: number) => Promise<T | undefined>, options: PollOptions): Promise<T | undefined> {
  const { signal, firstMs, lastMs, boundMs } = options;
  const started = performance.now();
  for (let waitMs = firstMs; ; waitMs = Math.min(lastMs, waitMs * 1.5)) {
    signal.throwIfAborted();
    const remainingMs = boundMs - (performance.now() - started);
    const found = await look(Math.max(LEAST_LOOK_MS, remainingMs));
    if (found !== undefined || remainingMs <= 0) return found;
    try {
      await delay(Math.min(waitMs, remainingMs), undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}
