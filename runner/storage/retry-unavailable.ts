import pRetry from "p-retry";
import { StoreUnavailableError } from "../errors.ts";

export interface RetryPolicy {
  /** Further attempts after the first. */
  readonly retries: number;
  /** The first pause is between this and twice this; each further one up to twice as long. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** No attempt starts later than this after the first one did. */
  readonly maxElapsedMs: number;
  /** Told before each pause. */
  readonly onRetry?:
    | ((retry: { readonly error: StoreUnavailableError; readonly attempt: number; readonly delayMs: number }) => void)
    | undefined;
}

/** Rides out the restart of a server; the longest wait is about a minute and a half of pauses. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { retries: 10, minDelayMs: 250, maxDelayMs: 15_000, maxElapsedMs: 180_000 };

export interface RetryOptions {
  readonly policy: RetryPolicy;
  /** Ends the pauses. An attempt under way is the operation's to end, and what it achieved counts. */
  readonly signal?: AbortSignal | undefined;
  /** Asked before each retry; false lets the failure through. */
  readonly mayRetry?: () => boolean;
}

/** Repeats the operation as long as it fails with a StoreUnavailableError and the policy allows; any other error goes straight through. */
export async function retryUnavailable<T>(operation: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { policy, signal, mayRetry = () => true } = options;
  signal?.throwIfAborted();
  const pausing = new AbortController();
  let isPausing = false;
  const onAbort = () => {
    if (isPausing) pausing.abort(signal?.reason);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await pRetry(
      async (attempt) => {
        isPausing = false;
        try {
          return await operation(attempt);
        } catch (error) {
          isPausing = true;
          throw error;
        }
      },
      {
        retries: policy.retries,
        minTimeout: policy.minDelayMs,
        maxTimeout: policy.maxDelayMs,
        maxRetryTime: policy.maxElapsedMs,
        randomize: true,
        signal: pausing.signal,
        shouldRetry: ({ error, attemptNumber, retryDelay }) => {
          if (!(error instanceof StoreUnavailableError) || signal?.aborted || !mayRetry()) return false;
          policy.onRetry?.({ error, attempt: attemptNumber, delayMs: retryDelay });
          return true;
        },
      },
    );
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
