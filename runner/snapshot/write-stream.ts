import { IncompleteError } from "../errors.ts";
import type { StreamWriter } from "../function.ts";
import type { FramePipeline } from "./frame-pipeline.ts";
import { FRAME_BYTES, type Frame, MAX_FRAME_BYTES } from "./frames.ts";
import type { StoredObject, StoredStream } from "./manifest.ts";
import { dataKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";
import { type ObjectInProgress, startObject } from "./write-object.ts";

/** An object is closed at the first border of a frame at or beyond this. */
const OBJECT_BYTES = 64 * 1024 * 1024;

export interface StreamParts {
  readonly repository: Repository;
  readonly pipeline: FramePipeline;
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  readonly frameBytes?: number | undefined;
  readonly objectBytes?: number | undefined;
  /** Ends the stream with its reason. */
  readonly signal: AbortSignal;
  onStored(bytes: number): void;
}

/** Cuts bytes into frames, and frames into objects, which are uploaded as they are made; memory is bounded whatever the store does. */
export class SnapshotStream implements StreamWriter {
  readonly name: string;
  rawBytes = 0;
  readonly #parts: StreamParts;
  readonly #frameBytes: number;
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  readonly #objects: ObjectInProgress[] = [];
  #buffer: Buffer | undefined;
  #filled = 0;
  #current: ObjectInProgress | undefined;
  /** Ends when all frames so far were appended to their objects, in order. */
  #appended: Promise<void> = Promise.resolve();
  /** Ends when all closed objects so far were confirmed. */
  #confirmed: Promise<StoredObject[]> = Promise.resolve([]);
  #isBusy = false;
  #result: StoredStream | undefined;

  constructor(parts: StreamParts) {
    const { frameBytes = FRAME_BYTES } = parts;
    if (!Number.isInteger(frameBytes) || frameBytes < 1 || frameBytes > MAX_FRAME_BYTES) {
      throw new RangeError(`frameBytes must be between 1 and ${MAX_FRAME_BYTES}`);
    }
    this.name = parts.name;
    this.#parts = parts;
    this.#frameBytes = frameBytes;
    this.#signal = AbortSignal.any([parts.signal, this.#failure.signal]);
    this.#appended.catch(() => undefined);
  }

  /** What the manifest says about the stream; undefined until `finish` resolved. */
  get result(): StoredStream | undefined {
    return this.#result;
  }

  /** Keys of all objects that were begun, whatever became of them. */
  get keys(): readonly string[] {
    return this.#objects.map((object) => object.key);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#exclusively(async () => {
      this.rawBytes += bytes.length;
      for (let offset = 0; offset < bytes.length; ) {
        this.#buffer ??= this.#parts.pipeline.takeBuffer(this.#frameBytes);
        const part = bytes.subarray(offset, offset + this.#frameBytes - this.#filled);
        this.#buffer.set(part, this.#filled);
        this.#filled += part.length;
        offset += part.length;
        if (this.#filled === this.#frameBytes) await this.#endFrame();
      }
    });
  }

  endFrame(): Promise<void> {
    return this.#exclusively(() => this.#endFrame());
  }

  finish(summary: { count?: number; digest?: string } = {}): Promise<void> {
    return this.#exclusively(async () => {
      await this.#endFrame();
      await this.#unlessFailed(this.#appended);
      this.#closeObject();
      const objects = await this.#unlessFailed(this.#confirmed);
      const rawBytes = objects.reduce((sum, object) => sum + object.rawBytes, 0);
      if (rawBytes !== this.rawBytes)
        throw new IncompleteError(`Stream "${this.name}" lost bytes: ${rawBytes} of ${this.rawBytes} were stored`);
      const { name, mediaType } = this.#parts;
      this.#result = { name, mediaType, rawBytes, ...summary, objects };
    });
  }

  /** Resolves when the store is done with every upload, however it ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#objects.map((object) => object.settled()));
  }

  async #exclusively(action: () => Promise<void>): Promise<void> {
    if (this.#isBusy) {
      const misuse = new Error(`Stream "${this.name}" was used before the call before had ended`);
      this.#fail(misuse);
      throw misuse;
    }
    if (this.#result !== undefined) throw new Error(`Stream "${this.name}" is finished`);
    this.#isBusy = true;
    try {
      this.#signal.throwIfAborted();
      await action();
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }

  async #endFrame(): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === undefined || this.#filled === 0) return;
    const { frame } = await this.#parts.pipeline.compress(buffer, this.#filled, this.#signal);
    this.#buffer = undefined;
    this.#filled = 0;
    this.#appended = this.#append(this.#appended, frame);
    this.#appended.catch((error: unknown) => this.#fail(error));
  }

  async #append(before: Promise<void>, compressing: Promise<Frame>): Promise<void> {
    const [earlier, compressed] = await Promise.allSettled([before, compressing]);
    if (compressed.status === "rejected") throw compressed.reason;
    if (earlier.status === "rejected" || this.#signal.aborted) {
      compressed.value.free();
      throw earlier.status === "rejected" ? earlier.reason : this.#signal.reason;
    }
    this.#current ??= this.#openObject();
    this.#current.append(compressed.value);
    if (this.#current.frameBytes < (this.#parts.objectBytes ?? OBJECT_BYTES)) return;
    // One object may be on its way to be confirmed while the next one fills, not more.
    const confirmed = this.#confirmed;
    this.#closeObject();
    await confirmed;
  }

  #openObject(): ObjectInProgress {
    const { id, repository, onStored } = this.#parts;
    const key = dataKey(id, this.name, this.#objects.length + 1);
    const object = startObject(repository, key, { signal: this.#signal, onFailure: (error) => this.#fail(error), onStored });
    this.#objects.push(object);
    return object;
  }

  #closeObject(): void {
    const object = this.#current;
    if (object === undefined) return;
    this.#current = undefined;
    this.#confirmed = this.#confirm(this.#confirmed, object);
    this.#confirmed.catch((error: unknown) => this.#fail(error));
  }

  async #confirm(before: Promise<StoredObject[]>, object: ObjectInProgress): Promise<StoredObject[]> {
    const [confirmed, stored] = await Promise.all([before, object.close()]);
    confirmed.push(stored);
    return confirmed;
  }

  /** The first failure ends every wait and every upload of the stream. */
  #fail(error: unknown): void {
    if (!this.#signal.aborted) this.#failure.abort(error);
  }

  async #unlessFailed<T>(work: Promise<T>): Promise<T> {
    const { promise: failed, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(this.#signal.reason);
    this.#signal.addEventListener("abort", onAbort, { once: true });
    if (this.#signal.aborted) onAbort();
    try {
      return await Promise.race([work, failed]);
    } finally {
      this.#signal.removeEventListener("abort", onAbort);
    }
  }
}
