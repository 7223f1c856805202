// How a server marks where the RDB ends: by its length, or by 40 random bytes announced before it.

export type Framing = { readonly kind: "mark"; readonly mark: Buffer } | { readonly kind: "length"; readonly length: number };

/** Reads the line that follows SYNC: "$EOF:<40 bytes>" or "$<length>". Undefined for anything else. */
export function parseFraming(line: string): Framing | undefined {
  if (/^\$EOF:.{40}$/.test(line)) return { kind: "mark", mark: Buffer.from(line.slice(5), "latin1") };
  const length = /^\$(\d{1,15})$/.exec(line)?.[1];
  return length === undefined ? undefined : { kind: "length", length: Number(length) };
}

/** Cuts the RDB out of what a link delivers, in whatever pieces it comes. */
export interface FrameCutter {
  /** The RDB's bytes in this piece; views, not copies. Bytes that may turn out to be the mark are held back. */
  take(piece: Buffer): readonly Buffer[];
  /** True once the end was seen; nothing may be taken after that. */
  readonly isComplete: boolean;
  /** What came behind the end in the last piece. */
  readonly rest: Buffer;
}

export function createFrameCutter(framing: Framing): FrameCutter {
  return framing.kind === "mark" ? new MarkCutter(framing.mark) : new LengthCutter(framing.length);
}

const NOTHING: Buffer = Buffer.alloc(0);

class LengthCutter implements FrameCutter {
  isComplete: boolean;
  rest = NOTHING;
  #missing: number;

  constructor(length: number) {
    this.#missing = length;
    this.isComplete = length === 0;
  }

  take(piece: Buffer): readonly Buffer[] {
    const data = piece.subarray(0, this.#missing);
    this.rest = piece.subarray(data.length);
    this.#missing -= data.length;
    this.isComplete = this.#missing === 0;
    return data.length === 0 ? [] : [data];
  }
}

/** The mark is the last thing sent, but for newlines; looking for it in every byte would cost a fifth of the whole backup's CPU time. */
const SEARCHED_BYTES = 4096;

class MarkCutter implements FrameCutter {
  isComplete = false;
  rest = NOTHING;
  readonly #mark: Buffer;
  /** The end of what was taken, when it could be the beginning of the mark; shorter than the mark. */
  #held = NOTHING;

  constructor(mark: Buffer) {
    this.#mark = mark;
  }

  take(piece: Buffer): readonly Buffer[] {
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const at = bytes.indexOf(this.#mark, Math.max(0, bytes.length - SEARCHED_BYTES));
    this.isComplete = at >= 0;
    const end = this.isComplete ? at : bytes.length - this.#lengthHeldOf(bytes);
    this.#held = this.isComplete ? NOTHING : Buffer.from(bytes.subarray(end));
    if (this.isComplete) this.rest = bytes.subarray(at + this.#mark.length);
    return end === 0 ? [] : [bytes.subarray(0, end)];
  }

  /** How many bytes at the end equal the beginning of the mark. */
  #lengthHeldOf(bytes: Buffer): number {
    const first = this.#mark[0] as number;
    const from = Math.max(0, bytes.length - this.#mark.length + 1);
    for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
      if (this.#mark.compare(bytes, at, bytes.length, 0, bytes.length - at) === 0) return bytes.length - at;
    }
    return 0;
  }
}
