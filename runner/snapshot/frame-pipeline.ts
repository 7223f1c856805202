import { compressFrame, type Frame } from "./frames.ts";
import { Permits } from "./permits.ts";

/** As many frames at a time on libuv's pool. */
const COMPRESSING = 2;
/** As many compressed frames may exist, from the start of their compression until the store took them: this bounds memory. */
const COMPRESSED = 3;
const KEPT_BUFFERS = 3;

/** What all streams of one snapshot share: buffers for raw frames, and the bounds on what is in flight. */
export class FramePipeline {
  readonly #compressing = new Permits(COMPRESSING);
  readonly #compressed = new Permits(COMPRESSED);
  readonly #buffers: Buffer[] = [];

  takeBuffer(bytes: number): Buffer {
    const index = this.#buffers.findIndex((buffer) => buffer.length === bytes);
    return index < 0 ? Buffer.allocUnsafeSlow(bytes) : (this.#buffers.splice(index, 1)[0] as Buffer);
  }

  giveBuffer(buffer: Buffer): void {
    if (this.#buffers.length < KEPT_BUFFERS) this.#buffers.push(buffer);
  }

  /**
   * Resolves once compression has begun, with the promise of the frame; it takes the buffer over, of which `bytes` are the frame. `free` must be
   * called on each frame, and makes room for another.
   */
  async compress(buffer: Buffer, bytes: number, signal: AbortSignal): Promise<{ frame: Promise<Frame> }> {
    await this.#compressed.acquire(signal);
    try {
      await this.#compressing.acquire(signal);
    } catch (error) {
      this.#compressed.release();
      throw error;
    }
    return { frame: this.#run(buffer, bytes) };
  }

  async #run(buffer: Buffer, bytes: number): Promise<Frame> {
    try {
      const frame = await compressFrame(buffer.subarray(0, bytes));
      return { ...frame, free: () => this.#free(frame) };
    } catch (error) {
      this.#compressed.release();
      throw error;
    } finally {
      this.#compressing.release();
      this.giveBuffer(buffer);
    }
  }

  #free(frame: Frame): void {
    frame.free();
    this.#compressed.release();
  }
}
