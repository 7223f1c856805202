import type { LiveObject } from "../../operator/objects.ts";
import { GoneError, type WatchEvent, type WatchOptions } from "../../operator/objects-api.ts";
import { cutObject } from "../../operator/watch/live-object.ts";
import { matches } from "./memory-objects.ts";

interface Happened {
  readonly version: bigint;
  readonly kind: string;
  readonly before: LiveObject | undefined;
  /** For what was deleted: the object as it was, with the version of its end. */
  readonly object: LiveObject;
  readonly isDeleted: boolean;
}

interface Watcher {
  readonly kind: string;
  readonly options: WatchOptions;
  /** It was told by a list, or is of no interest, up to here. */
  readonly from: bigint;
  readonly waiting: (WatchEvent | { readonly type: "end" } | { readonly type: "fail"; readonly error: Error })[];
  wake: () => void;
}

/** All that happened, and those who watch it. */
export class MemoryHistory {
  readonly #happened: Happened[] = [];
  readonly #watchers = new Set<Watcher>();
  /** Versions below this one are forgotten. */
  #oldest = 0n;
  #held: Happened[] | undefined;

  get watchers(): number {
    return this.#watchers.size;
  }

  add(happened: Happened): void {
    this.#happened.push(happened);
    if (this.#held !== undefined) this.#held.push(happened);
    else this.#publish(happened);
  }

  /** Nobody hears of what happens from now on, until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const happened of held) this.#publish(happened);
  }

  forget(version: bigint): void {
    this.#oldest = version;
  }

  tellAll(told: Watcher["waiting"][number]): void {
    for (const watcher of this.#watchers) push(watcher, told);
  }

  async *watch(kind: string, options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
    const { signal, opened } = options;
    signal?.throwIfAborted();
    const from = BigInt(options.resourceVersion);
    if (from < this.#oldest) throw new GoneError(`too old resource version: ${from} (${this.#oldest})`);
    const watcher: Watcher = { kind, options, from, waiting: [], wake: () => undefined };
    const held = new Set(this.#held);
    for (const happened of this.#happened) if (!held.has(happened)) pushHappened(watcher, happened);
    this.#watchers.add(watcher);
    const wake = () => watcher.wake();
    signal?.addEventListener("abort", wake, { once: true });
    try {
      opened?.();
      for (;;) {
        signal?.throwIfAborted();
        const next = watcher.waiting.shift();
        if (next === undefined) await new Promise<void>((resolve) => Object.assign(watcher, { wake: resolve }));
        else if (next.type === "end") return;
        else if (next.type === "fail") throw next.error;
        else yield next;
      }
    } finally {
      this.#watchers.delete(watcher);
      signal?.removeEventListener("abort", wake);
    }
  }

  #publish(happened: Happened): void {
    for (const watcher of this.#watchers) pushHappened(watcher, happened);
  }
}

function pushHappened(watcher: Watcher, { version, kind, before, object, isDeleted }: Happened): void {
  if (kind !== watcher.kind || version <= watcher.from) return;
  const isWatched = ({ metadata }: LiveObject) =>
    matches(metadata.labels, watcher.options.labelSelector) &&
    (watcher.options.namespace === undefined || watcher.options.namespace === metadata.namespace);
  const was = before !== undefined && isWatched(before);
  const is = !isDeleted && isWatched(object);
  if (is) push(watcher, { type: was ? "modified" : "added", object: cutObject(object) });
  // An object that no longer matches is deleted as far as this watcher is concerned.
  else if (was) push(watcher, { type: "deleted", object: cutObject(object) });
}

function push(watcher: Watcher, told: Watcher["waiting"][number]): void {
  watcher.waiting.push(told);
  watcher.wake();
}
