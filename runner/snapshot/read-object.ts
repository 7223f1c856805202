import { createHash } from "node:crypto";
import { describeError, HoldfastError, IncompleteError } from "../errors.ts";
import { NotFoundError, type StoreOptions } from "../storage/object-store.ts";
import { decrypt } from "./encryption.ts";
import { decompressFrames } from "./frames.ts";
import { giveBack } from "./give-back.ts";
import type { StoredObject } from "./manifest.ts";
import type { Repository } from "./repository.ts";

/**
 * The raw bytes of one object; a chunk is gone once the next one is asked for. Fails at the end, at the latest, when size, checksum or raw size differ from the manifest, and at the first
 * byte that was changed. @throws IncompleteError that names the key
 */
export async function* readStoredObject(repository: Repository, object: StoredObject, options: StoreOptions = {}): AsyncGenerator<Buffer> {
  const stored = new CheckedBytes(repository, object, options);
  let rawBytes = 0;
  try {
    for await (const chunk of decompressFrames(decrypt(repository.identity, stored.read()))) {
      rawBytes += chunk.length;
      if (rawBytes > object.rawBytes) throw new Error("it holds more bytes than its manifest says");
      yield chunk;
      giveBack(chunk);
    }
    await stored.finish();
    if (rawBytes !== object.rawBytes) throw new Error(`it holds ${rawBytes} bytes instead of ${object.rawBytes}`);
  } catch (error) {
    // The store's own failures have a name already; what they did to the parsers downstream does not count.
    const cause = stored.failure ?? error;
    options.signal?.throwIfAborted();
    if (cause instanceof HoldfastError) throw cause;
    if (cause instanceof NotFoundError) throw new IncompleteError(`Object "${object.key}" is missing in the store`, { cause });
    throw new IncompleteError(`Object "${object.key}" is damaged: ${describeError(cause)}`, { cause });
  }
}

/** The stored bytes as they come, counted and hashed. */
class CheckedBytes {
  failure: unknown;
  readonly #repository: Repository;
  readonly #object: StoredObject;
  readonly #options: StoreOptions;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #isAtEnd = false;

  constructor(repository: Repository, object: StoredObject, options: StoreOptions) {
    this.#repository = repository;
    this.#object = object;
    this.#options = options;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    const { key, storedBytes } = this.#object;
    try {
      for await (const chunk of this.#repository.store.get(key, this.#options)) {
        this.#bytes += chunk.length;
        if (this.#bytes > storedBytes) throw new Error(`it is larger than ${storedBytes} bytes`);
        this.#hash.update(chunk);
        yield chunk;
      }
      if (this.#bytes < storedBytes) throw new Error(`it has ${this.#bytes} bytes instead of ${storedBytes}`);
      this.#isAtEnd = true;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /** Throws unless every byte was read and they are those of the manifest. */
  async finish(): Promise<void> {
    if (!this.#isAtEnd) throw new Error("it was not read to its end");
    if (this.#hash.digest("hex") !== this.#object.sha256) throw new Error("its SHA-256 is not the one in the manifest");
  }
}
