// reflector: keeps the cache of one kind as the server has it, whatever happens on the way: by a list, and a watch from there on.
import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { WatchedKind } from "../kinds.ts";
import { GoneError, type ObjectsApi } from "../objects-api.ts";
import { ObjectCache, type ObjectChange } from "./cache.ts";
import { type Clock, sleep } from "./clock.ts";
import { LinkedAbort } from "./linked-abort.ts";
import { retryAfterMsOf } from "./retry-after.ts";

export interface ReflectorOptions {
  readonly kind: WatchedKind;
  readonly labelSelector?: string | undefined;
  readonly clock: Clock;
  /** Told of every change, after the cache has it. It must do no more than put names into queues; what it throws is told as a problem. */
  readonly changed: (change: ObjectChange) => void;
  readonly problem: (problem: ReflectorProblem) => void;
  /** The wait after a first failure; doubled with each further one. Half a second when absent. */
  readonly firstBackoffMs?: number;
  /** 30 s when absent. */
  readonly longestBackoffMs?: number;
  /** All is listed anew after about this time, in case a watch lied. An hour when absent. */
  readonly relistMs?: number;
  /** In [0, 1): what waits are scattered by. */
  readonly random?: () => number;
}

export interface ReflectorProblem {
  readonly kind: WatchedKind;
  readonly error: unknown;
  /** Absent for what a handler threw, and for a list that is due at once. */
  readonly retryInMs?: number;
}

export interface ReflectorCounts {
  readonly lists: number;
  readonly watches: number;
  readonly failures: number;
  readonly events: number;
}

/** A watch that ends sooner, and empty, is one that the server does not want: to go on at once would go in a circle. */
const SHORTEST_WATCH_MS = 1_000;

export class Reflector {
  readonly kind: WatchedKind;
  readonly cache: ObjectCache;
  readonly #api: Pick<ObjectsApi, "list" | "watch">;
  readonly #options: ReflectorOptions;
  readonly #clock: Clock;
  readonly #synced = Promise.withResolvers<void>();
  readonly #counts = { lists: 0, watches: 0, failures: 0, events: 0 };
  #isSynced = false;
  #isRunning = false;
  #lastContactMs: number | undefined;
  #problem: unknown;
  #relistDueMs = 0;
  /** Failures in a row, and whether a version was too old among them. */
  #failed = 0;
  #wasGone = false;

  constructor(api: Pick<ObjectsApi, "list" | "watch">, options: ReflectorOptions) {
    this.kind = options.kind;
    this.cache = new ObjectCache(options.clock);
    this.#api = api;
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Resolves with the first whole list; never, when there is none. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** When the server last gave a list, accepted a watch or told an event, by the clock's monotonic time; `undefined` before that. */
  get lastContactMs(): number | undefined {
    return this.#lastContactMs;
  }

  /** Why the cache is not kept up to date now; `undefined` while it is. */
  get trouble(): unknown {
    return this.#problem;
  }

  get counts(): ReflectorCounts {
    return { ...this.#counts };
  }

  /** Everything up to this version was seen. */
  get lastVersion(): bigint {
    return this.cache.version;
  }

  /** Works until the signal ends it, and leaves nothing behind then; it never fails. Once only. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#isRunning) throw new Error(`The reflector of ${this.kind} runs already`);
    this.#isRunning = true;
    let mustList = true;
    while (!signal.aborted) {
      try {
        if (mustList || this.#clock.monotonicMs() >= this.#relistDueMs) await this.#list(signal);
        mustList = false;
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        mustList ||= error instanceof GoneError;
        await this.#pause(error, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { labelSelector, relistMs = 3_600_000 } = this.#options;
    this.#counts.lists += 1;
    // Noted before it is tried: one that was only a precaution is not repeated instead of the watch.
    this.#relistDueMs = this.#clock.monotonicMs() + this.#scatter(relistMs, 0.1);
    const list = await this.#api.list(this.kind, { labelSelector, signal });
    this.#contact();
    const changes = this.cache.replaceAll(list);
    this.#isSynced = true;
    this.#synced.resolve();
    for (const change of changes) this.#tell(change);
  }

  /** Until the server ends it, or it is time to list anew. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { labelSelector } = this.#options;
    const startedMs = this.#clock.monotonicMs();
    using stop = new LinkedAbort(signal);
    using _timer = this.#clock.setTimer(Math.max(0, this.#relistDueMs - startedMs), () => stop.abort());
    const before = this.#counts.events;
    const resourceVersion = String(this.cache.version);
    this.#counts.watches += 1;
    const opened = () => this.#contact();
    try {
      const watch = this.#api.watch(this.kind, {
        labelSelector,
        resourceVersion,
        opened,
        signal: stop.signal,
      });
      for await (const event of watch) {
        this.#counts.events += 1;
        this.#goesWell();
        this.#contact();
        for (const change of this.cache.apply(event)) this.#tell(change);
      }
    } catch (error) {
      if (!signal.aborted && stop.signal.aborted) return;
      throw error;
    }
    if (this.#counts.events === before && this.#clock.monotonicMs() - startedMs < SHORTEST_WATCH_MS && !signal.aborted) {
      throw new ClusterUnavailableError(`The Kubernetes API ends every watch of ${this.kind} objects at once`);
    }
    this.#goesWell();
  }

  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    const { firstBackoffMs = 500, longestBackoffMs = 30_000 } = this.#options;
    this.#counts.failures += 1;
    this.#problem = error;
    // A version that is too old is no fault of the server's: the list is due at once, unless that is all that ever happens.
    const isDue = error instanceof GoneError && !this.#wasGone;
    this.#wasGone ||= isDue;
    const backoffMs = Math.min(firstBackoffMs * 2 ** this.#failed, longestBackoffMs);
    this.#failed += 1;
    if (isDue) return this.#report({ kind: this.kind, error });
    const retryInMs = Math.max(this.#scatter(backoffMs, 0.5), retryAfterMsOf(error));
    this.#report({ kind: this.kind, error, retryInMs });
    // It throws nothing but the signal's reason, which ends the loop.
    await sleep(this.#clock, retryInMs, signal).catch(() => undefined);
  }

  #goesWell(): void {
    this.#failed = 0;
    this.#wasGone = false;
  }

  #contact(): void {
    this.#lastContactMs = this.#clock.monotonicMs();
    this.#problem = undefined;
  }

  #tell(change: ObjectChange): void {
    try {
      this.#options.changed(change);
    } catch (error) {
      this.#report({ kind: this.kind, error });
    }
  }

  #report(problem: ReflectorProblem): void {
    this.#options.problem(problem);
  }

  /** That time, give or take a share of it. */
  #scatter(ms: number, share: number): number {
    const { random = Math.random } = this.#options;
    return ms * (1 - share + 2 * share * random());
  }
}
