import { blankComments, isByteOrderMark } from "./blank-comments.ts";
import { DATA_START, FAULT, HitScanner, PADDING, unsigned } from "./hit-scanner.ts";
import { readErrorAnswer, readPageHead } from "./page-head.ts";
import { MalformedPageError, type PageFault, type PageReading } from "./page-reading.ts";

export interface HitPageOptions {
  /** How much a usual page holds; it grows as needed. */
  readonly initialBytes?: number;
}

/** Receives one answer to a search in pieces and turns it, in place, into hit lines. Used again page after page; one page at a time. */
export class HitPage {
  readonly #initialBytes: number;
  #scanner: HitScanner;
  #end = DATA_START;
  #isFinished = false;

  constructor(options: HitPageOptions = {}) {
    this.#initialBytes = options.initialBytes ?? 0;
    this.#scanner = new HitScanner(DATA_START + this.#initialBytes);
  }

  /** Forgets the page before; its lines are not to be read any more. */
  begin(): void {
    // One huge page must not hold its memory for the rest of a run: WebAssembly never gives any back.
    const capacity = this.#scanner.bytes.length;
    if (capacity > KEPT_BYTES && capacity > 4 * Math.max(this.bytes, this.#initialBytes)) {
      this.#scanner = new HitScanner(DATA_START + this.#initialBytes);
    }
    this.#end = DATA_START;
    this.#isFinished = false;
  }

  /** Copies the next piece of the answer. */
  append(chunk: Uint8Array): void {
    if (this.#isFinished) throw new Error("Begin another page before appending");
    this.#scanner.reserve(this.#end + chunk.length);
    this.#scanner.bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Of the answer so far. */
  get bytes(): number {
    return this.#end - DATA_START;
  }

  /**
   * Reads the whole answer, once. Hits from the first one on whose first sort value is `endSort` or more are dropped.
   * @throws MalformedPageError when it is not exactly what a server sends: then nothing of it may be used
   */
  finish(options: { readonly endSort?: bigint | undefined } = {}): PageReading {
    if (this.#isFinished) throw new Error("A page can be finished once");
    this.#isFinished = true;
    const { bytes, exports } = this.#scanner;
    bytes.fill(0, this.#end, this.#end + PADDING);
    const hitsAt = exports.findHits(DATA_START, this.#end) >>> 0;
    if (hitsAt === 0) throw this.#noHits();
    const rewrote = this.#scan(options.endSort);
    const head = this.#readHead(hitsAt);
    const linesEnd = unsigned(exports.linesEnd);
    if (linesEnd !== 0) bytes[linesEnd] = 0x0a;
    return {
      hits: unsigned(exports.count),
      isCut: exports.isCut.value !== 0,
      lines: linesEnd === 0 ? bytes.subarray(hitsAt, hitsAt) : bytes.subarray(hitsAt, linesEnd + 1),
      digest: BigInt.asUintN(64, exports.digest.value),
      lastSort: this.#lastSort(),
      head,
      withoutSource: unsigned(exports.withoutSource),
      rewrote,
    };
  }

  #scan(endSort: bigint | undefined): boolean {
    const { bytes, exports } = this.#scanner;
    if (endSort !== undefined && BigInt.asIntN(64, endSort) !== endSort) throw new RangeError("A sort value has 64 bits");
    let rewrote = false;
    while (exports.scan(this.#end, endSort === undefined ? 0 : 1, endSort ?? 0n) === 0) {
      const isRewritable = exports.fault.value === FAULT.comment || isByteOrderMark(bytes, unsigned(exports.faultAt));
      if (!isRewritable || rewrote) throw this.#malformed();
      rewrote = true;
      blankComments(bytes.subarray(unsigned(exports.cursor), this.#end));
    }
    return rewrote;
  }

  #readHead(hitsAt: number): PageReading["head"] {
    const { bytes, exports } = this.#scanner;
    const tailAt = unsigned(exports.tailAt);
    return readPageHead(
      `${bytes.toString("utf8", DATA_START, hitsAt)}]${bytes.toString("utf8", tailAt + 1, this.#end)}`,
      tailAt - DATA_START,
    );
  }

  #lastSort(): string | undefined {
    const { bytes, exports } = this.#scanner;
    const from = unsigned(exports.lastSortAt);
    return from === 0 ? undefined : bytes.toString("utf8", from, unsigned(exports.lastSortEnd));
  }

  #noHits(): MalformedPageError {
    const { fault, faultAt } = this.#scanner.exports;
    if (fault.value === FAULT.cutShort || this.bytes > LONGEST_ERROR) return this.#malformed();
    return readErrorAnswer(this.#scanner.bytes.toString("utf8", DATA_START, this.#end), unsigned(faultAt) - DATA_START);
  }

  #malformed(): MalformedPageError {
    const { fault, faultAt } = this.#scanner.exports;
    const offset = unsigned(faultAt) - DATA_START;
    const kind: PageFault = fault.value === FAULT.cutShort ? "cut-short" : "unexpected";
    const what = kind === "cut-short" ? "ends too early" : "is not what a server sends";
    return new MalformedPageError(`The answer to a search ${what}, at byte ${offset} of ${this.bytes}`, { fault: kind, offset });
  }
}

const KEPT_BYTES = 32 * 1024 * 1024;
const LONGEST_ERROR = 1024 * 1024;
