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
