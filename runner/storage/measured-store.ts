import type { GetOptions, ListedObject, ObjectStat, ObjectStore, PutOptions, PutResult, PutSource, StoreOptions } from "./object-store.ts";
import { readSource } from "./read-source.ts";

export type StoreVerb = "put" | "get" | "stat" | "list" | "delete";

/** What went through a store so far. A missing object or one that exists already is an answer, not an error. */
export interface StoreMeasures {
  readonly operations: Readonly<Record<StoreVerb, OperationMeasures>>;
  /** Bytes taken from sources, also of puts that failed then. */
  readonly bytesIn: number;
  /** Bytes handed to readers. */
  readonly bytesOut: number;
}

export interface OperationMeasures {
  readonly count: number;
  readonly errors: number;
  /** Time spent inside the store, also when several operations ran at once; a reader's own time between two chunks is not in it. */
  readonly seconds: number;
}

const VERBS: readonly StoreVerb[] = ["put", "get", "stat", "list", "delete"];
const ANSWERS = new Set(["NotFoundError", "AlreadyExistsError"]);

/** Counts what passes and changes nothing. */
export class MeasuredStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #now: () => number;
  readonly #operations = new Map(VERBS.map((verb) => [verb, { count: 0, errors: 0, milliseconds: 0 }]));
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(store: ObjectStore, options: { now?: () => number } = {}) {
    this.#store = store;
    this.#now = options.now ?? (() => performance.now());
  }

  get description(): string {
    return this.#store.description;
  }

  /** A copy of the counts as they are now. */
  get measures(): StoreMeasures {
    const entries = VERBS.map((verb) => {
      const { count, errors, milliseconds } = this.#of(verb);
      return [verb, { count, errors, seconds: milliseconds / 1000 }] as const;
    });
    return {
      operations: Object.fromEntries(entries) as Record<StoreVerb, OperationMeasures>,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    };
  }

  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    this.#of("put").count++;
    if (!(source instanceof Uint8Array)) return this.#timed("put", this.#store.put(key, this.#counted(source), options));
    const result = await this.#timed("put", this.#store.put(key, source, options));
    this.#bytesIn += source.length;
    return result;
  }

  async *get(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of this.#steps("get", this.#store.get(key, options))) {
      this.#bytesOut += chunk.length;
      yield chunk;
    }
  }

  stat(key: string, options: StoreOptions = {}): Promise<ObjectStat> {
    this.#of("stat").count++;
    return this.#timed("stat", this.#store.stat(key, options));
  }

  list(prefix: string, options: StoreOptions = {}): AsyncIterable<ListedObject> {
    return this.#steps("list", this.#store.list(prefix, options));
  }

  delete(keys: readonly string[], options: StoreOptions = {}): Promise<void> {
    this.#of("delete").count++;
    return this.#timed("delete", this.#store.delete(keys, options));
  }

  #of(verb: StoreVerb): { count: number; errors: number; milliseconds: number } {
    return this.#operations.get(verb) as { count: number; errors: number; milliseconds: number };
  }

  async *#counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of readSource(source)) {
      this.#bytesIn += chunk.length;
      yield chunk;
    }
  }

  async #timed<T>(verb: StoreVerb, promise: Promise<T>): Promise<T> {
    const started = this.#now();
    try {
      return await promise;
    } catch (error) {
      if (!(error instanceof Error && ANSWERS.has(error.name))) this.#of(verb).errors++;
      throw error;
    } finally {
      this.#of(verb).milliseconds += this.#now() - started;
    }
  }

  async *#steps<T>(verb: StoreVerb, items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    this.#of(verb).count++;
    const iterator = items[Symbol.asyncIterator]();
    let isEnded = false;
    try {
      for (;;) {
        const step = await this.#timed(verb, iterator.next());
        isEnded = step.done === true;
        if (step.done) return;
        yield step.value;
      }
    } finally {
      if (!isEnded) await iterator.return?.();
    }
  }
}
