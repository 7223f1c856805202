import { StoreUnavailableError } from "../errors.ts";
import { byteRange } from "./byte-range.ts";
import {
  AlreadyExistsError,
  type GetOptions,
  type ListedObject,
  NotFoundError,
  type ObjectStat,
  type ObjectStore,
  type PutOptions,
  type PutResult,
  type PutSource,
  type StoreOptions,
} from "./object-store.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, retryUnavailable } from "./retry-unavailable.ts";

const PROGRESS_BYTES = 1024 * 1024;

/**
 * Repeats what failed for a moment. Never repeated: an object that is missing or exists already, a refusal, an abort, an error of a source,
 * anything without a name, and a put from a stream, which can be read once only (the store repeats its parts by itself).
 */
export class RetryingStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #policy: RetryPolicy;

  constructor(store: ObjectStore, policy: RetryPolicy = DEFAULT_RETRY_POLICY) {
    this.#store = store;
    this.#policy = policy;
  }

  get description(): string {
    return this.#store.description;
  }

  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    if (!(source instanceof Uint8Array)) return this.#store.put(key, source, options);
    return this.#retry(options, async (attempt) => {
      try {
        return await this.#store.put(key, source, options);
      } catch (error) {
        // An attempt before this one may have stored the object although its answer was lost.
        const mayBeOurs = attempt > 1 && error instanceof AlreadyExistsError;
        if (mayBeOurs && (await this.#holds(key, source, options))) return { size: source.length };
        throw error;
      }
    });
  }

  /** Goes on where it broke. Objects of more than one chunk are never replaced in this program, so two versions cannot be mixed. */
  async *get(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const { offset, end } = byteRange(options);
    let position = offset;
    let chunks: AsyncIterator<Uint8Array> | undefined;
    let breaks = 0;
    let brokenAt = offset;
    const nextChunk = async () => {
      const isResumed = position > offset && chunks === undefined;
      if (isResumed && position >= end) return { done: true, value: undefined } as const;
      if (isResumed) await this.#assertMoreFrom(position, key, options);
      chunks ??= this.#store.get(key, { ...options, ...rest(position, end) })[Symbol.asyncIterator]();
      try {
        return await chunks.next();
      } catch (error) {
        chunks = undefined;
        breaks = position - brokenAt < PROGRESS_BYTES ? breaks + 1 : 1;
        brokenAt = position;
        throw error;
      }
    };
    try {
      for (;;) {
        const step = await this.#retry(options, nextChunk, () => breaks <= this.#policy.retries);
        if (step.done) return;
        position += step.value.length;
        yield step.value;
      }
    } finally {
      await chunks?.return?.();
    }
  }

  stat(key: string, options: StoreOptions = {}): Promise<ObjectStat> {
    return this.#retry(options, () => this.#store.stat(key, options));
  }

  /** A list that broke is read again from its start; what was given already is passed over. */
  async *list(prefix: string, options: StoreOptions = {}): AsyncGenerator<ListedObject, void, void> {
    let last = "";
    let objects: AsyncIterator<ListedObject> | undefined;
    const nextObject = async () => {
      objects ??= this.#store.list(prefix, options)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const step = await objects.next();
          if (step.done || step.value.key > last) return step;
        }
      } catch (error) {
        objects = undefined;
        throw error;
      }
    };
    try {
      for (;;) {
        const step = await this.#retry(options, nextObject);
        if (step.done) return;
        last = step.value.key;
        yield step.value;
      }
    } finally {
      await objects?.return?.();
    }
  }

  delete(keys: readonly string[], options: StoreOptions = {}): Promise<void> {
    return this.#retry(options, () => this.#store.delete(keys, options));
  }

  #retry<T>(options: StoreOptions, operation: (attempt: number) => Promise<T>, mayRetry?: () => boolean): Promise<T> {
    return retryUnavailable(operation, { policy: this.#policy, signal: options.signal, ...(mayRetry && { mayRetry }) });
  }

  async #holds(key: string, bytes: Uint8Array, { signal }: StoreOptions): Promise<boolean> {
    let position = 0;
    try {
      for await (const chunk of this.#store.get(key, { signal })) {
        if (Buffer.compare(chunk, bytes.subarray(position, position + chunk.length)) !== 0) return false;
        position += chunk.length;
      }
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
    return position === bytes.length;
  }

  /** A range beyond the end reads as nothing, which after a break would pass a part for the whole. */
  async #assertMoreFrom(position: number, key: string, { signal }: StoreOptions): Promise<void> {
    const { size } = await this.#store.stat(key, { signal });
    if (size <= position) {
      throw new StoreUnavailableError(`Cannot read object "${key}": it broke off after ${position} bytes and is now ${size} bytes long`);
    }
  }
}

function rest(position: number, end: number): GetOptions {
  return end === Number.POSITIVE_INFINITY ? { offset: position } : { offset: position, length: end - position };
}
