/** More input is needed before this can be read; nothing was consumed. */
export const NEED = -1;
/** Lengths at or below this stand for the special string encodings: -2 int8, -3 int16, -4 int32, -5 LZF. */
export const ENCODED = -2;
export const LZF = -5;

/**
 * A window over a file that arrives in pieces. Every `try…` either consumes a whole item or nothing. Bytes from `keep` on stay in the window when
 * it moves; positions are offsets into `buffer` and move with it. No reading allocates.
 */
export class RdbInput {
  readonly buffer: Buffer;
  position = 0;
  end = 0;
  /** The earliest byte that is still needed. */
  keep = 0;
  /** Of `buffer[0]` in the file. */
  #offset = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  /** Offset of the next byte in the file. */
  get offset(): number {
    return this.#offset + this.position;
  }

  get available(): number {
    return this.end - this.position;
  }

  /** Copies as many bytes as there is room for, from `at` on; returns how many, and by how much kept positions have moved down. */
  fill(chunk: Uint8Array, at: number): { taken: number; moved: number } {
    let moved = 0;
    if (chunk.length - at > this.buffer.length - this.end && this.keep > 0) {
      moved = this.keep;
      this.buffer.copyWithin(0, this.keep, this.end);
      this.position -= moved;
      this.end -= moved;
      this.#offset += moved;
      this.keep = 0;
    }
    const taken = Math.min(chunk.length - at, this.buffer.length - this.end);
    this.buffer.set(chunk.subarray(at, at + taken), this.end);
    this.end += taken;
    return { taken, moved };
  }

  tryByte(): number {
    return this.position < this.end ? this.buffer[this.position++]! : NEED;
  }

  /** A signed time, exact up to 2^53; below 0, it may be NEED as well. */
  tryMilliseconds(): number {
    const { buffer, position } = this;
    if (this.end - position < 8) return NEED;
    this.position = position + 8;
    return buffer.readUInt32LE(position) + buffer.readInt32LE(position + 4) * 0x1_0000_0000;
  }

  /** A length, NEED, or ENCODED and below for the special encodings. Inexact from 2^53 on. */
  tryLength(): number {
    const { buffer, position } = this;
    const left = this.end - position;
    if (left < 1) return NEED;
    const first = buffer[position]!;
    if (first < 0x40) {
      this.position = position + 1;
      return first;
    }
    if (first < 0x80) {
      if (left < 2) return NEED;
      this.position = position + 2;
      return ((first & 0x3f) << 8) | buffer[position + 1]!;
    }
    if (first >= 0xc0) {
      this.position = position + 1;
      return ENCODED - (first & 0x3f);
    }
    if (first === 0x80) {
      if (left < 5) return NEED;
      this.position = position + 5;
      return buffer.readUInt32BE(position + 1);
    }
    if (first === 0x81) {
      if (left < 9) return NEED;
      this.position = position + 9;
      return buffer.readUInt32BE(position + 1) * 0x1_0000_0000 + buffer.readUInt32BE(position + 5);
    }
    return INVALID;
  }

  /** Passes over a plain length when it is here. */
  trySkipLength(): boolean {
    const start = this.position;
    if (this.tryLength() >= 0) return true;
    this.position = start;
    return false;
  }

  /** Passes over one string when all of it is here. */
  trySkipString(): boolean {
    const start = this.position;
    const length = this.tryLength();
    if (length >= 0) {
      if (length <= this.end - this.position) {
        this.position += length;
        return true;
      }
    } else if (length === LZF) {
      const compressed = this.tryLength();
      const plain = compressed < 0 ? NEED : this.tryLength();
      if (plain >= 0 && compressed <= this.end - this.position) {
        this.position += compressed;
        return true;
      }
    } else if (length > LZF && length <= ENCODED) {
      const bytes = 1 << (ENCODED - length);
      if (bytes <= this.end - this.position) {
        this.position += bytes;
        return true;
      }
    }
    this.position = start;
    return false;
  }
}

/** No length starts like this. */
export const INVALID = -1000;
