import { createHash } from "node:crypto";
import { IncompleteError, StoreUnavailableError } from "../errors.ts";
import { AlreadyExistsError, NotFoundError } from "../storage/object-store.ts";
import { encrypt } from "./encryption.ts";
import type { Frame } from "./frames.ts";
import type { StoredObject } from "./manifest.ts";
import type { Repository } from "./repository.ts";

export interface ObjectOptions {
  /** Ends the upload, and every wait for it. */
  readonly signal: AbortSignal;
  /** Called at once when the upload fails. */
  onFailure(error: unknown): void;
  onStored(bytes: number): void;
}

/** Starts to upload an object under a new key, as one age file, while its frames are still being made. */
export function startObject(repository: Repository, key: string, options: ObjectOptions): ObjectInProgress {
  return new ObjectInProgress(repository, key, options);
}

export class ObjectInProgress {
  readonly key: string;
  /** Compressed bytes appended so far. */
  frameBytes = 0;
  readonly #repository: Repository;
  readonly #options: ObjectOptions;
  readonly #queue: Frame[] = [];
  readonly #hash = createHash("sha256");
  readonly #upload: Promise<void>;
  #wake: (() => void) | undefined;
  #isComplete = false;
  #isDrained = false;
  #rawBytes = 0;
  #storedBytes = 0;

  constructor(repository: Repository, key: string, options: ObjectOptions) {
    this.key = key;
    this.#repository = repository;
    this.#options = options;
    this.#upload = this.#put();
    this.#upload.catch((error: unknown) => {
      this.#freeQueue();
      options.onFailure(error);
    });
  }

  /** Takes the frame over; how many there can be is bounded by who makes them. */
  append(frame: Frame): void {
    if (this.#options.signal.aborted) {
      frame.free();
      return;
    }
    this.frameBytes += frame.storedBytes;
    this.#rawBytes += frame.rawBytes;
    this.#queue.push(frame);
    this.#wake?.();
  }

  /** Resolves when the object lies in the store with the size that was sent. */
  async close(): Promise<StoredObject> {
    this.#isComplete = true;
    this.#wake?.();
    await this.#upload;
    const { key } = this;
    const { size } = await this.#repository.store.stat(key, { signal: this.#options.signal }).catch((error: unknown) => {
      throw error instanceof NotFoundError
        ? new IncompleteError(`Object "${key}" is not in the store after its upload`, { cause: error })
        : error;
    });
    if (size !== this.#storedBytes) {
      throw new IncompleteError(`Object "${key}" has ${size} bytes in the store instead of ${this.#storedBytes}`);
    }
    return { key, rawBytes: this.#rawBytes, storedBytes: this.#storedBytes, sha256: this.#hash.digest("hex") };
  }

  /** Resolves when the store is done with the upload, however it ended. */
  async settled(): Promise<void> {
    await this.#upload.catch(() => undefined);
  }

  async #put(): Promise<void> {
    const { store } = this.#repository;
    try {
      await store.put(this.key, this.#storedPieces(), { ifAbsent: true, signal: this.#options.signal });
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
      throw new StoreUnavailableError(`Cannot create object "${this.key}": it exists although its name is new`, { cause: error });
    }
    if (!this.#isDrained) throw new IncompleteError(`The store at ${store.description} took only a part of object "${this.key}"`);
  }

  async *#storedPieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of encrypt(this.#repository.recipient, this.#plainPieces())) {
      this.#hash.update(piece);
      this.#storedBytes += piece.length;
      this.#options.onStored(piece.length);
      yield piece;
    }
    this.#isDrained = true;
  }

  async *#plainPieces(): AsyncGenerator<Uint8Array> {
    for (let frame = await this.#next(); frame !== undefined; frame = await this.#next()) {
      try {
        yield* frame.pieces;
      } finally {
        frame.free();
      }
    }
  }

  /** The next frame; undefined when the object is complete. */
  async #next(): Promise<Frame | undefined> {
    const { signal } = this.#options;
    while (this.#queue.length === 0 && !this.#isComplete) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", this.#wake, { once: true });
      });
      signal.removeEventListener("abort", this.#wake as () => void);
      this.#wake = undefined;
    }
    signal.throwIfAborted();
    return this.#queue.shift();
  }

  #freeQueue(): void {
    for (const frame of this.#queue.splice(0)) frame.free();
  }
}
