import { byteRange } from "./byte-range.ts";
import {
  AlreadyExistsError,
  assertKey,
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
import { readSource } from "./read-source.ts";

/** A store for tests. Several may share one `bucket` under prefixes of their own. */
export class MemoryStore implements ObjectStore {
  readonly description: string;
  readonly #bucket: Map<string, Uint8Array>;
  readonly #prefix: string;

  constructor(options: { bucket?: Map<string, Uint8Array>; prefix?: string } = {}) {
    this.#bucket = options.bucket ?? new Map();
    this.#prefix = options.prefix === undefined || options.prefix === "" ? "" : `${options.prefix}/`;
    this.description = `memory:${options.prefix ?? ""}`;
  }

  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    assertKey(key);
    const chunks: Uint8Array[] = [];
    for await (const chunk of readSource(source, options.signal)) chunks.push(Buffer.from(chunk));
    const bytes = new Uint8Array(Buffer.concat(chunks));
    options.signal?.throwIfAborted();
    if (options.ifAbsent && this.#bucket.has(this.#prefix + key)) throw new AlreadyExistsError(key);
    this.#bucket.set(this.#prefix + key, bytes);
    return { size: bytes.length };
  }

  async *get(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const { offset, end } = byteRange(options);
    options.signal?.throwIfAborted();
    const bytes = this.#find(key);
    const step = 64 * 1024;
    for (let at = offset; at < Math.min(end, bytes.length); at += step) {
      options.signal?.throwIfAborted();
      yield bytes.slice(at, Math.min(at + step, end));
    }
  }

  async stat(key: string, options: StoreOptions = {}): Promise<ObjectStat> {
    options.signal?.throwIfAborted();
    return { size: this.#find(key).length };
  }

  async *list(prefix: string, options: StoreOptions = {}): AsyncGenerator<ListedObject, void, void> {
    options.signal?.throwIfAborted();
    const whole = this.#prefix + prefix;
    // Keys are ASCII, so the default order is the order of their bytes.
    const keys = [...this.#bucket.keys()].filter((key) => key.startsWith(whole)).sort();
    for (const key of keys) {
      options.signal?.throwIfAborted();
      const bytes = this.#bucket.get(key);
      if (bytes !== undefined) yield { key: key.slice(this.#prefix.length), size: bytes.length };
    }
  }

  async delete(keys: readonly string[], options: StoreOptions = {}): Promise<void> {
    for (const key of keys) assertKey(key);
    options.signal?.throwIfAborted();
    for (const key of keys) this.#bucket.delete(this.#prefix + key);
  }

  #find(key: string): Uint8Array {
    assertKey(key);
    const bytes = this.#bucket.get(this.#prefix + key);
    if (bytes === undefined) throw new NotFoundError(key);
    return bytes;
  }
}
