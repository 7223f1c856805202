import { DeadlineExceededError, exitCodeOf, InterruptedError } from "./errors.ts";

/** Kubernetes kills 30 s after SIGTERM; what is not cleaned up by then is swept later. */
const CLEAN_UP_MS = 25_000;

export interface ShutdownOptions {
  /** 0 is no limit. */
  readonly timeoutMs?: number | undefined;
  /** For tests. */
  readonly cleanUpMs?: number | undefined;
  /** Called when the run did not end after its abort, right before the process does: the last chance to say so. */
  onLate?(reason: unknown): void;
}

export interface Shutdown extends Disposable {
  /** Aborted once, by SIGTERM, SIGINT, the deadline or a defect; its reason is what the run fails with. */
  readonly signal: AbortSignal;
  /** Aborts the run with this reason: a defect, noticed where nobody could handle it. */
  stop(reason: unknown): void;
}

/**
 * Turns SIGTERM, SIGINT and a deadline into one AbortSignal. A second SIGINT ends the process at once: an impatient person at a terminal has the last
 * word. Dispose when the run is over.
 */
export function listenForShutdown(options: ShutdownOptions = {}): Shutdown {
  const controller = new AbortController();
  let lastWord: NodeJS.Timeout | undefined;
  const stop = (reason: unknown) => {
    const end = () => {
      try {
        options.onLate?.(reason);
      } finally {
        process.exit(exitCodeOf(reason));
      }
    };
    lastWord ??= setTimeout(end, options.cleanUpMs ?? CLEAN_UP_MS).unref();
    controller.abort(reason);
  };
  const interrupt = (name: "SIGTERM" | "SIGINT") => {
    if (controller.signal.aborted && name === "SIGINT") process.exit(130);
    stop(new InterruptedError(name));
  };
  process.on("SIGTERM", interrupt);
  process.on("SIGINT", interrupt);
  const timer = startDeadline(stop, options.timeoutMs);
  return {
    signal: controller.signal,
    stop,
    [Symbol.dispose]() {
      process.off("SIGTERM", interrupt);
      process.off("SIGINT", interrupt);
      clearTimeout(timer);
      clearTimeout(lastWord);
    },
  };
}

function startDeadline(stop: (reason: unknown) => void, timeoutMs: number | undefined): NodeJS.Timeout | undefined {
  if (timeoutMs === undefined || timeoutMs === 0) return undefined;
  const expire = () => {
    const message = `Cannot finish within ${timeoutMs / 1000} s`;
    stop(new DeadlineExceededError(message, { hint: "Raise --timeout, or find out what is slow: the log shows the progress" }));
  };
  return setTimeout(expire, timeoutMs).unref();
}
