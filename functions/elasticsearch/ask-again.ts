import { setTimeout as pause } from "node:timers/promises";
import { DatabaseUnavailableError, describeError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";

export interface AskAgainOptions {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** What is asked for, in the log. */
  readonly subject: string;
  readonly patienceMs?: number;
  readonly firstPauseMs?: number;
}

const PATIENCE_MS = 120_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** Asks until the server answers, yes or no, and gives up after two minutes of silence or overload: only for what may reach the server twice. */
export async function askAgain<T>(ask: () => Promise<T>, options: AskAgainOptions): Promise<T> {
  const { signal, log, subject, patienceMs = PATIENCE_MS, firstPauseMs = FIRST_PAUSE_MS } = options;
  const started = performance.now();
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DatabaseUnavailableError) || performance.now() - started >= patienceMs) throw error;
      log.info("A request failed and is repeated", { of: subject, because: describeError(error) });
      const pauseMs = Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** attempt) * (0.5 + Math.random() / 2);
      await pause(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
