// The outer structure of zstd frames, RFC 8878 section 3.1.1: enough to know where each one ends.

const MAGIC = 0xfd2fb528;
const CHECKSUM_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const RLE = 1;
const RESERVED = 3;

/** Follows a sequence of frames; throws where something else stands, where a frame has no checksum or content size, and on a cut. */
export class FrameWalker {
  readonly #maxContentBytes: number;
  readonly #field = Buffer.alloc(16);
  #have = 0;
  #need = 5;
  #skip = 0;
  #part: "magic" | "header" | "block" = "magic";
  #frames = 0;
  #contentBytes = 0;

  constructor(options: { maxContentBytes: number }) {
    this.#maxContentBytes = options.maxContentBytes;
  }

  /** What the frame holds, as it says itself; valid at its end. */
  get contentBytes(): number {
    return this.#contentBytes;
  }

  /** Whether the byte before was the last one of a frame, or none came yet. */
  get isBetweenFrames(): boolean {
    return this.#part === "magic" && this.#have === 0 && this.#skip === 0;
  }

  /** Walks on from `start`, up to the end of a frame or of the piece; returns the offset behind the last byte that it saw. */
  walk(piece: Uint8Array, start: number): number {
    let offset = start;
    while (offset < piece.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, piece.length - offset);
        this.#skip -= skipped;
        offset += skipped;
      } else {
        this.#field[this.#have++] = piece[offset++] as number;
        if (this.#have === this.#need) this.#readField();
      }
      if (this.isBetweenFrames) break;
    }
    return offset;
  }

  /** To be called after the last piece. */
  end(): void {
    if (this.#frames === 0 || !this.isBetweenFrames) throw new Error("Compressed data is cut off");
  }

  #readField(): void {
    this.#have = 0;
    if (this.#part === "magic") this.#readMagic();
    else if (this.#part === "header") this.#readHeader();
    else this.#readBlockHeader();
  }

  #readMagic(): void {
    if (this.#field.readUInt32LE(0) !== MAGIC) throw new Error("Compressed data holds something that is not a frame");
    const { contentBytes, hasWindow } = this.#flags();
    this.#frames += 1;
    // The flags stay in the field's fifth byte: the rest of the header is read after them.
    this.#have = 5;
    this.#need = 5 + (hasWindow ? 1 : 0) + contentBytes;
    this.#part = "header";
  }

  #readHeader(): void {
    const { contentBytes, hasWindow } = this.#flags();
    const offset = hasWindow ? 6 : 5;
    const content = contentBytes === 8 ? Number(this.#field.readBigUInt64LE(offset)) : this.#field.readUIntLE(offset, contentBytes);
    this.#contentBytes = content + (contentBytes === 2 ? 256 : 0);
    if (this.#contentBytes > this.#maxContentBytes) throw new Error("Compressed data holds a frame that is too large");
    this.#need = BLOCK_HEADER_BYTES;
    this.#part = "block";
  }

  #readBlockHeader(): void {
    const header = this.#field.readUIntLE(0, BLOCK_HEADER_BYTES);
    const type = (header >> 1) & 3;
    if (type === RESERVED) throw new Error("Compressed data is damaged");
    this.#skip = type === RLE ? 1 : header >> 3;
    if ((header & 1) === 0) return;
    this.#skip += CHECKSUM_BYTES;
    this.#need = 5;
    this.#part = "magic";
  }

  #flags(): { contentBytes: 1 | 2 | 4 | 8; hasWindow: boolean } {
    const flags = this.#field[4] as number;
    const isSingleSegment = (flags & 0x20) !== 0;
    const sizeCode = flags >> 6;
    if ((flags & 0x18) !== 0) throw new Error("Compressed data is damaged");
    if ((flags & 0x03) !== 0) throw new Error("Compressed data needs a dictionary");
    if ((flags & 0x04) === 0 || (sizeCode === 0 && !isSingleSegment))
      throw new Error("A compressed frame has no checksum or no content size");
    return { contentBytes: ([1, 2, 4, 8] as const)[sizeCode as 0 | 1 | 2 | 3], hasWindow: !isSingleSegment };
  }
}
