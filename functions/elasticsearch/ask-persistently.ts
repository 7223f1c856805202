import { setTimeout as pause } from "node:timers/promises";
import { DatabaseUnavailableError, describeError, HoldfastError, IncompleteError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import { judgePageFailure, PageTooLargeError, type PageVerdict } from "./page-failure.ts";

export interface PersistenceOptions {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** What is asked for, in messages: 'shard 0 of index "logs"'. */
  readonly subject: string;
  /** How long to ask for the same in vain; default 2 minutes. */
  readonly patienceMs?: number | undefined;
  /** Told of each failure before it is asked again; may throw another error instead. */
  onFailure?(verdict: PageVerdict, error: unknown): void | Promise<void>;
}

const PATIENCE_MS = 120_000;
const FEW = 5;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** Asks until there is an answer, for as long as asking again can help; what is asked must be the same however often it reaches the server. */
export async function askPersistently<T>(ask: () => Promise<T>, options: PersistenceOptions): Promise<T> {
  const { signal, log, subject, patienceMs = PATIENCE_MS } = options;
  const started = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      const verdict = judgePageFailure(error);
      if (verdict === "final") throw error;
      await options.onFailure?.(verdict, error);
      const isSpent = performance.now() - started >= patienceMs || (verdict === "repeat-few" && attempt >= FEW);
      if (isSpent || verdict === "gone") throw nameFailure(error, { subject, verdict });
      log.info("A request for documents failed and is repeated", { of: subject, attempt, because: describeError(error) });
      // The server is well: we asked for too much.
      if (error instanceof PageTooLargeError) continue;
      await pause(pauseOf(attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

function pauseOf(attempt: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}

function nameFailure(cause: unknown, { subject, verdict }: { subject: string; verdict: PageVerdict }): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  const message = `Cannot read ${subject}: ${describeError(cause)}`;
  if (verdict === "repeat-few") return new IncompleteError(message, { reason: "UnreadableAnswer", cause });
  return new DatabaseUnavailableError(message, { reason: "ShardNotReadable", cause });
}
