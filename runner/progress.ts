import type { Log, Progress } from "./function.ts";

export interface ProgressDisplay {
  /** May be called as often as is convenient. */
  report(progress: Progress): void;
  /** Takes the bar off the line, before something else is written there. */
  clear(): void;
}

export interface ProgressOptions {
  readonly isTerminal: boolean;
  readonly log: Log;
  /** Writes to the terminal. */
  readonly write: (text: string) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** Called as often as a log event is written: the termination message. */
  readonly onEvent: (progress: Progress) => void;
}

const BAR_INTERVAL_MS = 200;
const EVENT_INTERVAL_MS = 10_000;

/** A bar on a terminal, redrawn five times a second; a log event at most every ten seconds otherwise. */
export function showProgress(options: ProgressOptions): ProgressDisplay {
  const { isTerminal, log, write, now, onEvent } = options;
  const started = now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let eventAt = started;
  let isDrawn = false;
  return {
    report(progress) {
      const time = now();
      if (isTerminal && time - drawnAt >= BAR_INTERVAL_MS) {
        drawnAt = time;
        isDrawn = true;
        write(`\r\u001b[2K${drawBar(progress, (time - started) / 1000)}`);
      }
      if (time - eventAt < EVENT_INTERVAL_MS) return;
      eventAt = time;
      onEvent(progress);
      if (!isTerminal) log.info("Progress", { ...progress, seconds: Math.round((time - started) / 1000) });
    },
    clear() {
      if (isDrawn) write("\r\u001b[2K");
      isDrawn = false;
    },
  };
}

function drawBar({ phase, bytes, totalBytes, items, totalItems }: Progress, seconds: number): string {
  const share = totalBytes ? (bytes ?? 0) / totalBytes : totalItems ? (items ?? 0) / totalItems : undefined;
  const filled = share === undefined ? undefined : Math.min(20, Math.round(share * 20));
  const bar = filled === undefined ? "" : ` [${"#".repeat(filled)}${".".repeat(20 - filled)}] ${Math.round((share as number) * 100)} %`;
  const amount = bytes === undefined ? "" : ` ${(bytes / 1e6).toFixed(1)} MB, ${(bytes / 1e6 / Math.max(seconds, 0.1)).toFixed(1)} MB/s`;
  const count = items === undefined ? "" : ` ${items} items`;
  return `${phase}${bar}${amount}${count}`;
}
