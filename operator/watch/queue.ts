// queue: names of objects that are to be looked at. A name is in it once, and with one worker at a time.
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import type { Clock } from "./clock.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Names that were put in because something happened come first. */
export type Priority = "event" | "resync";

export interface QueueOptions {
  readonly clock: Clock;
  /** The wait after a first failure; doubled with each further one. A second when absent. */
  readonly firstBackoffMs?: number;
  /** Five minutes when absent. */
  readonly longestBackoffMs?: number;
  /** For the failures of all names together: so many at once, and so many a second afterwards. 100 and 10 when absent. */
  readonly burst?: number;
  readonly perSecond?: number;
}

export interface QueueCounts {
  /** Names put in, but for those that were in it already. */
  readonly adds: number;
  readonly retries: number;
}

interface Waiting {
  readonly key: ObjectName;
  readonly priority: Priority;
}

interface Delayed {
  readonly dueMs: number;
  readonly timer: Disposable;
}

/** Everything but `next` takes effect at once. Closed, it hands out nothing more and holds no timer. */
export class WorkQueue implements Disposable {
  readonly #clock: Clock;
  readonly #backoff: { readonly firstMs: number; readonly longestMs: number };
  readonly #bucket: TokenBucket;
  /** To be looked at, and with no worker: in this order. */
  readonly #ready = { event: new Map<string, ObjectName>(), resync: new Map<string, ObjectName>() };
  readonly #processing = new Set<string>();
  /** Put in while a worker had them: once more afterwards. */
  readonly #again = new Map<string, Waiting>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: ObjectName | undefined) => void)[] = [];
  readonly #counts = { adds: 0, retries: 0 };
  #isClosed = false;

  constructor({ clock, firstBackoffMs = 1_000, longestBackoffMs = 300_000, burst = 100, perSecond = 10 }: QueueOptions) {
    this.#clock = clock;
    this.#backoff = { firstMs: firstBackoffMs, longestMs: longestBackoffMs };
    this.#bucket = new TokenBucket({ burst, perSecond, clock });
  }

  /** Names that wait for a worker. */
  get depth(): number {
    return this.#ready.event.size + this.#ready.resync.size;
  }

  /** Names that a worker has now. */
  get inWork(): number {
    return this.#processing.size;
  }

  /** Names that wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  get counts(): QueueCounts {
    return { ...this.#counts };
  }

  add(key: ObjectName, { priority = "event" }: { readonly priority?: Priority } = {}): void {
    if (this.#isClosed) return;
    const id = idOf(key);
    if (this.#processing.has(id)) {
      this.#addAgain(id, { key, priority });
      return;
    }
    if (this.#ready.event.has(id)) return;
    if (!this.#ready.resync.has(id)) this.#counts.adds += 1;
    else if (priority === "resync") return;
    this.#ready.resync.delete(id);
    this.#ready[priority].set(id, key);
    this.#handOut();
  }

  /** Puts it in then; of several times for one name only the earliest is kept. */
  addAfter(key: ObjectName, ms: number, options: { readonly priority?: Priority } = {}): void {
    if (this.#isClosed) return;
    if (!(ms > 0)) {
      this.add(key, options);
      return;
    }
    const id = idOf(key);
    const dueMs = this.#clock.monotonicMs() + ms;
    const former = this.#delayed.get(id);
    if (former !== undefined && former.dueMs <= dueMs) return;
    former?.timer[Symbol.dispose]();
    const timer = this.#clock.setTimer(ms, () => {
      this.#delayed.delete(id);
      this.add(key, options);
    });
    this.#delayed.set(id, { dueMs, timer });
  }

  /** Puts it in again after a failure: later with each one, and not too many of all names at once. Returns the wait in milliseconds. */
  retry(key: ObjectName, { atLeastMs = 0 }: { readonly atLeastMs?: number } = {}): number {
    const id = idOf(key);
    const failures = this.#failures.get(id) ?? 0;
    this.#failures.set(id, failures + 1);
    this.#counts.retries += 1;
    const { firstMs, longestMs } = this.#backoff;
    const ms = Math.max(Math.min(firstMs * 2 ** failures, longestMs), this.#bucket.reserve(), atLeastMs);
    this.addAfter(key, ms);
    return ms;
  }

  /** It went well: the next failure is the first one again. */
  forget(key: ObjectName): void {
    this.#failures.delete(idOf(key));
  }

  /** The next name, which is the caller's until `done`. `undefined` once the signal or the queue says that there shall be no more. */
  next(signal: AbortSignal): Promise<ObjectName | undefined> {
    if (signal.aborted || this.#isClosed) return Promise.resolve(undefined);
    const key = this.#take();
    if (key !== undefined) return Promise.resolve(key);
    return new Promise((resolve) => {
      const stop = () => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        resolve(undefined);
      };
      const taker = (found: ObjectName | undefined) => {
        signal.removeEventListener("abort", stop);
        resolve(found);
      };
      signal.addEventListener("abort", stop, { once: true });
      this.#takers.push(taker);
    });
  }

  /** To be called for every name that `next` gave, whatever came of it. */
  done(key: ObjectName): void {
    const id = idOf(key);
    this.#processing.delete(id);
    const again = this.#again.get(id);
    this.#again.delete(id);
    if (again !== undefined) this.add(again.key, { priority: again.priority });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const { timer } of this.#delayed.values()) timer[Symbol.dispose]();
    for (const map of [this.#delayed, this.#again, this.#ready.event, this.#ready.resync]) map.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #addAgain(id: string, waiting: Waiting): void {
    const former = this.#again.get(id);
    if (former === undefined) this.#counts.adds += 1;
    if (former?.priority !== "event") this.#again.set(id, waiting);
  }

  #handOut(): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(this.#take());
  }

  #take(): ObjectName | undefined {
    const queue = this.#ready.event.size > 0 ? this.#ready.event : this.#ready.resync;
    for (const [id, key] of queue) {
      queue.delete(id);
      this.#processing.add(id);
      return key;
    }
    return undefined;
  }
}

function idOf({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}
