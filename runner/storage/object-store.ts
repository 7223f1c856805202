// A store keeps bytes under keys. Keys are relative to the store's prefix, "/"-separated, and match KEY_PATTERN.
// Five verbs; every store and every wrapper passes test/contract/object-store.ts.

export interface ObjectStore {
  /** Where it is, for people: "s3://bucket/prefix" or a directory. No secret. */
  readonly description: string;

  /**
   * Stores the bytes under the key: all or nothing, durable and readable by everybody once the promise resolves.
   * A source that fails, an abort or an error leaves no object under this key and no leftover part, and an object that was
   * there before stays as it was. Without `ifAbsent` an existing object is replaced atomically.
   * @throws AlreadyExistsError with `ifAbsent`, when the key exists (also when it appeared meanwhile)
   */
  put(key: string, source: PutSource, options?: PutOptions): Promise<PutResult>;

  /**
   * Reads an object, or `length` bytes from `offset`. The iteration *fails* when the store delivers fewer bytes than it announced.
   * Leaving the iteration early releases the connection. A range wholly beyond the end is an empty sequence.
   * @throws NotFoundError at the first step of the iteration or earlier
   */
  get(key: string, options?: GetOptions): AsyncIterable<Uint8Array>;

  /** Size in bytes. @throws NotFoundError */
  stat(key: string, options?: StoreOptions): Promise<ObjectStat>;

  /** Every object whose key starts with `prefix` (a plain string prefix), in ascending order of the key's UTF-8 bytes; pages are read as needed. */
  list(prefix: string, options?: StoreOptions): AsyncIterable<ListedObject>;

  /** Removes the objects; a missing key is fine. Throws when any removal was refused. */
  delete(keys: readonly string[], options?: StoreOptions): Promise<void>;
}

/**
 * Whole bytes may be sent again after a failure; a stream is read once. A chunk is written or copied before the next one is asked for, so
 * that a source may use its buffer again.
 */
export type PutSource = Uint8Array | AsyncIterable<Uint8Array>;

export interface StoreOptions {
  readonly signal?: AbortSignal | undefined;
}
export interface PutOptions extends StoreOptions {
  readonly ifAbsent?: boolean;
}
export interface GetOptions extends StoreOptions {
  readonly offset?: number;
  readonly length?: number;
}
export interface PutResult {
  /** Bytes stored. */
  readonly size: number;
}
export interface ObjectStat {
  readonly size: number;
}
export interface ListedObject {
  readonly key: string;
  readonly size: number;
}

/** The object is not there. Callers decide what that means, so it has no exit code of its own. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";
  readonly key: string;
  constructor(key: string, options?: { cause?: unknown }) {
    super(`Cannot find object "${key}"`, options);
    this.key = key;
  }
}

/** `ifAbsent` was asked for and the key exists. */
export class AlreadyExistsError extends Error {
  override readonly name = "AlreadyExistsError";
  readonly key: string;
  constructor(key: string, options?: { cause?: unknown }) {
    super(`Cannot create object "${key}": it exists already`, options);
    this.key = key;
  }
}

const KEY_PATTERN = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** Whether a store may hold an object under this key; what fails this is never listed. */
export function isKey(key: string): boolean {
  return KEY_PATTERN.test(key) && key.length <= 900;
}

/** Throws a TypeError for a key that could climb out of the prefix or that some store would rename; a defect of the caller. */
export function assertKey(key: string): void {
  if (!isKey(key)) throw new TypeError(`Invalid object key "${key}"`);
}

/** Reads a small object whole, or the range of it. @throws NotFoundError, or RangeError beyond `maxBytes` (default 64 MiB) */
export async function readObject(store: ObjectStore, key: string, options: GetOptions & { maxBytes?: number } = {}): Promise<Buffer> {
  const { maxBytes = 64 * 1024 * 1024 } = options;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of store.get(key, options)) {
    size += chunk.length;
    if (size > maxBytes) throw new RangeError(`Object "${key}" is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
