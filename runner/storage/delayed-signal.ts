/**
 * Aborted `delayMs` after the other signal, with its reason: for requests whose outcome stays unknown when they are cut, such as the last
 * one of an upload. Dispose of it when the request has ended.
 */
export function delayedSignal(signal: AbortSignal | undefined, delayMs: number): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => controller.abort(signal?.reason), delayMs);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}
