import { HoldfastError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { UNREADY_REASONS } from "./redis-error.ts";

export interface WaitOptions {
  readonly waitTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly pauseMs?: number;
}

const LOG_EVERY_MS = 10_000;

/**
 * Runs the attempt until it succeeds, or fails in a way that time does not heal, or `waitTimeoutMs` are over: then its last failure is thrown.
 * Wrong passwords, missing rights and certificates are not waited for.
 */
export async function retryWhileUnready<T>(attempt: () => Promise<T>, options: WaitOptions): Promise<T> {
  const started = performance.now();
  let logged = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      options.signal.throwIfAborted();
      const waitedMs = performance.now() - started;
      if (!isUnready(error) || waitedMs >= options.waitTimeoutMs) throw error;
      if (waitedMs - logged >= LOG_EVERY_MS) {
        logged = waitedMs;
        options.log.info("Waiting for the database", { because: error.message, waitedSeconds: Math.round(waitedMs / 1000) });
      }
      await pause(Math.min(options.pauseMs ?? 1_000, options.waitTimeoutMs - waitedMs), options.signal);
    }
  }
}

function isUnready(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && UNREADY_REASONS.has(error.reason);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", onAbort);
  signal.throwIfAborted();
}
