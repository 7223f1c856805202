// cache: all objects of a kind, as the last list and the watch since then told them. Filled by its reflector alone.
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import type { LiveObject } from "../objects.ts";
import type { ObjectList, WatchEvent } from "../objects-api.ts";
import { type Clock, systemClock } from "./clock.ts";

/** What became of one object: `before` is absent for a new one, `after` for one that is gone. */
export interface ObjectChange {
  readonly before: LiveObject | undefined;
  readonly after: LiveObject | undefined;
}

interface Waiter {
  readonly version: bigint;
  readonly seen: () => void;
}

/** Hands objects out as they are; nobody changes them. */
export class ObjectCache {
  readonly #namespaces = new Map<string, Map<string, LiveObject>>();
  readonly #waiters = new Set<Waiter>();
  readonly #clock: Clock;
  #version = 0n;
  #size = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Everything that happened up to this version has been seen; 0 before the first list. */
  get version(): bigint {
    return this.#version;
  }

  get size(): number {
    return this.#size;
  }

  /** Of kinds without a namespace, with namespace "". */
  get({ namespace, name }: ObjectName): LiveObject | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  inNamespace(namespace: string): readonly LiveObject[] {
    return [...(this.#namespaces.get(namespace)?.values() ?? [])];
  }

  all(): readonly LiveObject[] {
    return [...this.#namespaces.values()].flatMap((objects) => [...objects.values()]);
  }

  /** Whether the cache saw this resourceVersion of its kind in time. @throws the signal's reason */
  async waitFor(
    resourceVersion: string,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<boolean> {
    signal.throwIfAborted();
    const version = BigInt(resourceVersion);
    if (version <= this.#version) return true;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const waiter = { version, seen: () => resolve(true) };
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    this.#waiters.add(waiter);
    using _timer = this.#clock.setTimer(timeoutMs, () => resolve(false));
    try {
      return await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener("abort", stop);
    }
  }

  /** Takes a whole list instead of what was there; returns what that changed. */
  replaceAll({ items, resourceVersion }: ObjectList): readonly ObjectChange[] {
    const missing = new Set(this.all());
    const changes: ObjectChange[] = [];
    for (const after of items) {
      const before = this.get(nameOf(after));
      if (before !== undefined) missing.delete(before);
      changes.push(...this.#put(after, before));
    }
    for (const before of missing) changes.push(this.#drop(before));
    // Also when it is lower than before: a restored cluster counts anew.
    this.#advance(BigInt(resourceVersion));
    return changes;
  }

  /** Takes one event; returns what that changed. */
  apply(event: WatchEvent): readonly ObjectChange[] {
    if (event.type === "bookmark") {
      this.#advance(BigInt(event.resourceVersion));
      return [];
    }
    const { object } = event;
    const before = this.get(nameOf(object));
    const changes = event.type === "deleted" ? (before === undefined ? [] : [this.#drop(before)]) : this.#put(object, before);
    this.#advance(BigInt(object.metadata.resourceVersion));
    return changes;
  }

  #put(after: LiveObject, before: LiveObject | undefined): ObjectChange[] {
    const { namespace, name } = nameOf(after);
    if (before?.metadata.uid === after.metadata.uid && before.metadata.resourceVersion === after.metadata.resourceVersion) return [];
    const objects = this.#namespaces.get(namespace) ?? new Map<string, LiveObject>();
    this.#namespaces.set(namespace, objects.set(name, after));
    if (before === undefined) this.#size += 1;
    // A namesake: the former one is gone, which is news of its own.
    if (before !== undefined && before.metadata.uid !== after.metadata.uid) {
      return [
        { before, after: undefined },
        { before: undefined, after },
      ];
    }
    return [{ before, after }];
  }

  #drop(before: LiveObject): ObjectChange {
    const { namespace, name } = nameOf(before);
    const objects = this.#namespaces.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.#namespaces.delete(namespace);
    this.#size -= 1;
    return { before, after: undefined };
  }

  #advance(version: bigint): void {
    this.#version = version;
    for (const waiter of this.#waiters) if (waiter.version <= version) waiter.seen();
  }
}

function nameOf({ metadata }: LiveObject): ObjectName {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}
