/** Time as the operator sees it: tests bring one of their own. */
export interface Clock {
  now(): Date;
  /** Never goes back, whatever is done to the machine's clock. */
  monotonicMs(): number;
  /** Calls back once, after so many milliseconds or somewhat later; disposed of, never. */
  setTimer(ms: number, callback: () => void): Disposable;
}

// Longer ones would fire at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  setTimer: (ms, callback) => {
    const end = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const start = (leftMs: number) => {
      timer = setTimeout(
        () => (leftMs > LONGEST_TIMER_MS ? start(end - performance.now()) : callback()),
        Math.min(leftMs, LONGEST_TIMER_MS),
      );
    };
    start(ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** @throws the signal's reason, at once */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      timer[Symbol.dispose]();
      reject(signal.reason);
    };
    const timer = clock.setTimer(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}
