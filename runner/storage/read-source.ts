import type { PutSource } from "./object-store.ts";
import { untilAborted } from "./until-aborted.ts";

/** The chunks of a source, empty ones left out. An abort ends the iteration with the signal's reason even while the source is stalled. */
export async function* readSource(source: PutSource, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  signal?.throwIfAborted();
  if (source instanceof Uint8Array) {
    if (source.length > 0) yield source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let isEnded = false;
  try {
    for (;;) {
      const step = await untilAborted(iterator.next(), signal);
      isEnded = step.done === true;
      if (step.done) return;
      if (step.value.length > 0) yield step.value;
    }
  } finally {
    // Not awaited: a stalled source answers only when its pending step does, and an abort must not wait for that.
    if (!isEnded) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
