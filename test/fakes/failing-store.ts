import { StoreUnavailableError } from "../../runner/errors.ts";
import type {
  GetOptions,
  ListedObject,
  ObjectStat,
  ObjectStore,
  PutOptions,
  PutResult,
  PutSource,
  StoreOptions,
} from "../../runner/storage/object-store.ts";
import { untilAborted } from "../../runner/storage/until-aborted.ts";

export type StoreVerb = "put" | "get" | "stat" | "list" | "delete";

export interface StoreFault {
  readonly verb: StoreVerb | "any";
  /** Counted from 1 among the calls that match verb and key, from the moment the fault was set. */
  readonly nth: number;
  /** Matched against the key, the listed prefix, or any of the deleted keys. */
  readonly key?: RegExp;
  /**
   * before (default): nothing happens, the call fails. after: it is carried out and its answer lost. midway: a put has read a part of its
   * source and stored nothing; a get or list gives its first chunk or object, then fails. stall: it waits for its signal, for ever without one.
   */
  readonly how?: "before" | "after" | "midway" | "stall";
  /** Every later matching call fails too, as after a kill. */
  readonly isLasting?: boolean;
  /** Default: a StoreUnavailableError. */
  readonly error?: Error;
}

/** A store that fails when told to, and passes everything on otherwise. */
export class FailingStore implements ObjectStore {
  readonly description: string;
  /** Every call in order: "put data/1". */
  readonly calls: string[] = [];
  readonly #store: ObjectStore;
  readonly #faults: { fault: StoreFault; seen: number }[] = [];
  readonly #stalled = Promise.withResolvers<void>();

  constructor(store: ObjectStore, ...faults: readonly StoreFault[]) {
    this.#store = store;
    this.description = store.description;
    for (const fault of faults) this.set(fault);
  }

  set(fault: StoreFault): void {
    this.#faults.push({ fault, seen: 0 });
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** Resolves when the first call stalls. */
  get stalled(): Promise<void> {
    return this.#stalled.promise;
  }

  put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    const fault = this.#next("put", [key]);
    if (fault?.how !== "midway") return this.#call(fault, options, () => this.#store.put(key, source, options));
    const failing = failAfterFirst(source instanceof Uint8Array ? [source] : source, errorOf(fault));
    return this.#store.put(key, failing, options);
  }

  async *get(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    yield* this.#iterate(this.#next("get", [key]), options, () => this.#store.get(key, options));
  }

  stat(key: string, options: StoreOptions = {}): Promise<ObjectStat> {
    return this.#call(this.#next("stat", [key]), options, () => this.#store.stat(key, options));
  }

  async *list(prefix: string, options: StoreOptions = {}): AsyncGenerator<ListedObject, void, void> {
    yield* this.#iterate(this.#next("list", [prefix]), options, () => this.#store.list(prefix, options));
  }

  delete(keys: readonly string[], options: StoreOptions = {}): Promise<void> {
    return this.#call(this.#next("delete", keys), options, () => this.#store.delete(keys, options));
  }

  #next(verb: StoreVerb, keys: readonly string[]): StoreFault | undefined {
    this.calls.push(`${verb} ${keys.join(" ")}`);
    let due: StoreFault | undefined;
    for (const entry of this.#faults) {
      const { fault } = entry;
      const isMatch =
        (fault.verb === "any" || fault.verb === verb) && (fault.key === undefined || keys.some((key) => fault.key?.test(key)));
      if (!isMatch) continue;
      entry.seen++;
      if (entry.seen === fault.nth || (fault.isLasting && entry.seen > fault.nth)) due ??= fault;
    }
    return due;
  }

  async #call<T>(fault: StoreFault | undefined, { signal }: StoreOptions, operation: () => Promise<T>): Promise<T> {
    if (fault === undefined) return operation();
    if (fault.how === "stall") return this.#stall(signal);
    if (fault.how === "after") await operation();
    throw errorOf(fault);
  }

  async *#iterate<T>(
    fault: StoreFault | undefined,
    { signal }: StoreOptions,
    operation: () => AsyncIterable<T>,
  ): AsyncGenerator<T, void, void> {
    if (fault === undefined) return yield* operation();
    if (fault.how === "stall") await this.#stall(signal);
    if (fault.how === "midway") yield* failAfterFirst(operation(), errorOf(fault));
    if (fault.how === "after") yield* operation();
    throw errorOf(fault);
  }

  #stall(signal: AbortSignal | undefined): Promise<never> {
    this.#stalled.resolve();
    return untilAborted(new Promise<never>(() => undefined), signal);
  }
}

async function* failAfterFirst<T>(items: AsyncIterable<T> | Iterable<T>, error: Error): AsyncGenerator<T, void, void> {
  for await (const item of items) {
    yield item;
    throw error;
  }
  throw error;
}

function errorOf(fault: StoreFault): Error {
  return fault.error ?? new StoreUnavailableError("Cannot reach the store: a fault was injected");
}
