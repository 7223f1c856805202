import type { BulkPiece } from "./bulk-piece.ts";
import { CUT_END, CUT_OPTION, DATA_START, HitScanner, unsigned } from "./hit-scanner.ts";
import { MalformedLineError } from "./malformed-line-error.ts";

/** The body of one bulk request, a view that is valid until `release()`; its offsets are found when first asked for. */
export interface BulkBody extends BulkPiece {
  /** The sum of their hashes, unsigned, 64 bits (DIGEST.md). */
  readonly digest: bigint;
  /** Gives the memory back; nothing of the body may be used afterwards. */
  release(): void;
}

export interface CutOptions {
  readonly targetBytes: number;
  readonly action: "index" | "create";
  readonly omitIds: boolean;
  readonly omitRouting: boolean;
}

/** A memory in which lines are cut into one body: the body grows at the front, lines not yet cut lie behind it. */
export class BodyMemory {
  readonly #scanner = new HitScanner();
  /** Lines and parts of one, not yet cut. */
  #restAt = DATA_START;
  #restEnd = DATA_START;
  /** Behind the last newline among them. */
  #wholeEnd = DATA_START;

  get capacity(): number {
    return this.#scanner.bytes.length;
  }

  begin(): void {
    this.#scanner.exports.beginBody(DATA_START);
    this.#restAt = this.#restEnd = this.#wholeEnd = DATA_START + GAP_BYTES;
  }

  /** Copies more lines; they may begin and end anywhere. */
  append(piece: Uint8Array): void {
    const bodyEnd = unsigned(this.#scanner.exports.bodyEnd);
    // Close behind the body what was just cut and what comes next share the processor's cache.
    if (this.#restAt === this.#restEnd || this.#restAt > bodyEnd + 4 * GAP_BYTES) this.#moveRest(bodyEnd + GAP_BYTES);
    this.#scanner.reserve(this.#restEnd + piece.length);
    this.#scanner.bytes.set(piece, this.#restEnd);
    const newline = piece.lastIndexOf(NEWLINE);
    if (newline !== -1) this.#wholeEnd = this.#restEnd + newline + 1;
    this.#restEnd += piece.length;
  }

  /** Cuts all whole lines; answers false when the body is full before. `linesBefore` is for messages. @throws MalformedLineError */
  cut(options: CutOptions, linesBefore: number): boolean {
    const { exports } = this.#scanner;
    const flags =
      (options.omitIds ? CUT_OPTION.withoutIds : 0) |
      (options.omitRouting ? CUT_OPTION.withoutRouting : 0) |
      (options.action === "create" ? CUT_OPTION.create : 0);
    for (;;) {
      const end = exports.cut(this.#restAt, this.#wholeEnd, DATA_START + options.targetBytes, flags);
      this.#restAt = unsigned(exports.cursor);
      if (end === CUT_END.all) return true;
      if (end === CUT_END.full) return false;
      if (end !== CUT_END.cramped)
        throw new MalformedLineError(linesBefore + this.lines + 1, end === CUT_END.noSource ? "no-source" : "malformed");
      // An id longer than the gap, or very many lines that grow by a byte.
      const bodyEnd = unsigned(exports.bodyEnd);
      this.#moveRest(bodyEnd + GAP_BYTES + 2 * (this.#restAt - bodyEnd));
    }
  }

  /** What was not cut. */
  get rest(): Buffer {
    return this.#scanner.bytes.subarray(this.#restAt, this.#restEnd);
  }

  get count(): number {
    return unsigned(this.#scanner.exports.count);
  }

  get lines(): number {
    return unsigned(this.#scanner.exports.lines);
  }

  get digest(): bigint {
    return BigInt.asUintN(64, this.#scanner.exports.digest.value);
  }

  get body(): Buffer {
    return this.#scanner.bytes.subarray(DATA_START, unsigned(this.#scanner.exports.bodyEnd));
  }

  #moveRest(to: number): void {
    const length = this.#restEnd - this.#restAt;
    this.#scanner.reserve(to + length);
    this.#scanner.bytes.copyWithin(to, this.#restAt, this.#restEnd);
    this.#wholeEnd += to - this.#restAt;
    this.#restAt = to;
    this.#restEnd = to + length;
  }
}

/** The finished body of a memory, which goes to `release` afterwards. */
export function createBulkBody(memory: BodyMemory, release: () => void): BulkBody {
  const { count, digest } = memory;
  let held: Buffer | undefined = memory.body;
  let offsets: Uint32Array | undefined;
  const bytes = () => {
    if (held === undefined) throw new Error("The body was released");
    return held;
  };
  return {
    count,
    digest,
    get bytes() {
      return bytes();
    },
    get offsets() {
      offsets ??= findOffsets(bytes(), count);
      return offsets;
    },
    release() {
      if (held === undefined) return;
      held = undefined;
      release();
    },
  };
}

const GAP_BYTES = 16 * 1024;
const NEWLINE = 0x0a;

function findOffsets(body: Buffer, count: number): Uint32Array {
  const offsets = new Uint32Array(count + 1);
  for (let index = 0; index < count; index += 1) {
    const source = body.indexOf(NEWLINE, offsets[index]) + 1;
    offsets[index + 1] = body.indexOf(NEWLINE, source) + 1;
  }
  return offsets;
}
