// The WebAssembly module of scanner/: finds hits and their parts by 64-byte blocks, without parsing a document.
import { HIT_SCANNER_WASM } from "./hit-scanner-wasm.ts";

/** The module's functions; addresses are offsets into `memory`, and only those from DATA_START on are the caller's. */
export interface ScannerExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly fault: Word;
  readonly faultAt: Word;
  readonly cursor: Word;
  readonly count: Word;
  readonly digest: { readonly value: bigint };

  /** Where the first hit begins in an answer from `at` to `end`; 0 when there is none. Starts a page. */
  findHits(at: number, end: number): number;
  /** Goes on at `cursor`; 0 after a fault, then `cursor` is the hit that has it. */
  scan(end: number, hasEndSort: number, endSort: bigint): number;
  readonly linesEnd: Word;
  readonly lastSortAt: Word;
  readonly lastSortEnd: Word;
  readonly withoutSource: Word;
  readonly isCut: Word;
  readonly tailAt: Word;

  beginBody(at: number): void;
  /** Cuts whole lines from `at` to `end` into a body that grows at `bodyEnd`; answers a CutEnd. */
  cut(at: number, end: number, ceiling: number, options: number): number;
  readonly bodyEnd: Word;
  readonly lines: Word;

  hash(at: number, length: number, seed: bigint): bigint;
}

/** 32 bits, which WebAssembly hands over with a sign: see `unsigned`. */
export interface Word {
  readonly value: number;
}

/** Why scanning stopped. */
export const FAULT = { cutShort: 1, unexpected: 2, comment: 3 } as const;
/** Where cutting stopped. */
export const CUT_END = { all: 0, full: 1, cramped: 2, badLine: 3, noSource: 4 } as const;
export const CUT_OPTION = { withoutIds: 1, withoutRouting: 2, create: 4 } as const;

/** Whoever fills the memory keeps as many zero bytes free behind the last one: the module loads whole blocks. */
export const PADDING = 128;
/** Before it the module keeps how hits begin, and decodes ids; an address of 0 means "none". */
export const DATA_START = 65_536;

/** One instance of the module with the memory it works in. */
export class HitScanner {
  readonly exports: ScannerExports;
  /** A view of the whole memory; another one after each `reserve` that made it grow. */
  bytes: Buffer;

  constructor(initialBytes = 0) {
    module ??= new webAssembly.Module(Buffer.from(HIT_SCANNER_WASM, "base64"));
    this.exports = new webAssembly.Instance(module).exports;
    this.bytes = Buffer.from(this.exports.memory.buffer);
    this.reserve(initialBytes);
  }

  /** Makes addresses below `end` usable, with padding behind them. Views from before lose their bytes when the memory grows. */
  reserve(end: number): void {
    const missing = end + PADDING - this.bytes.length;
    if (missing <= 0) return;
    try {
      this.exports.memory.grow(Math.ceil(missing / GROWTH_BYTES) * (GROWTH_BYTES / PAGE_BYTES));
    } catch (cause) {
      throw new RangeError(`Cannot hold ${end} bytes at once; ask for fewer documents a page`, { cause });
    }
    this.bytes = Buffer.from(this.exports.memory.buffer);
  }
}

export function unsigned(word: Word): number {
  return word.value >>> 0;
}

const PAGE_BYTES = 65_536;
const GROWTH_BYTES = 1024 * 1024;

// The types of Node name WebAssembly without its constructors, and those of the browser would bring all of it.
const webAssembly = Reflect.get(globalThis, "WebAssembly") as {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: ScannerExports };
};
let module: object | undefined;
