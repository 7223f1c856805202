/** Waits for the work, but no longer than `timeoutMs`; whoever needs the end of the work itself must give it a signal. */
export async function bounded<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No end after ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A signal that follows `signal` after a delay, for what should be brought to its end although the run was stopped. */
export function delayedAbort(signal: AbortSignal, delayMs: number): AbortSignal & Disposable {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const follow = () => {
    timer = setTimeout(() => controller.abort(signal.reason), delayMs);
  };
  if (signal.aborted) follow();
  else signal.addEventListener("abort", follow, { once: true });
  const dispose = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", follow);
  };
  return Object.assign(controller.signal, { [Symbol.dispose]: dispose });
}
