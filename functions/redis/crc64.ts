// CRC-64/Jones, the checksum of RDB files and of DUMP payloads, at 0.9 GB a CPU-second (BigInt arithmetic does 0.01).
import { CRC64_WASM } from "./crc64-wasm.ts";

/** The checksum of bytes that come in pieces. */
export class Crc64 {
  #crc = 0n;

  update(bytes: Uint8Array): void {
    const { exports, bytes: memory } = shared;
    for (let at = 0; at < bytes.length; at += SCRATCH_BYTES) {
      const piece = bytes.subarray(at, at + SCRATCH_BYTES);
      memory.set(piece, DATA_START);
      this.#crc = exports.crc(this.#crc, DATA_START, piece.length);
    }
  }

  /** Unsigned, as the files hold it in eight little-endian bytes. */
  value(): bigint {
    return BigInt.asUintN(64, this.#crc);
  }
}

/** Functions over one WebAssembly memory; addresses are offsets into it, and only those from `CrcMemory.start` on are the caller's. */
export interface CrcFunctions {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  crc(crc: bigint, at: number, length: number): bigint;
  /** Moves bytes within the memory. */
  copy(to: number, from: number, length: number): void;
  /** Starts a running checksum; there is one a memory. */
  begin(): void;
  feed(at: number, length: number): void;
  /** Stores the running checksum as eight little-endian bytes. */
  store(at: number): void;
  /** Writes type, value, version and checksum at `to`, which is what DUMP answers and RESTORE takes; returns the address behind it. */
  payload(to: number, type: number, from: number, length: number, version: number): number;
}

/** A memory in which payloads are assembled and summed in place; it never grows, so views of it stay valid. */
export interface CrcMemory {
  readonly exports: CrcFunctions;
  readonly bytes: Buffer;
  readonly start: number;
}

/** A memory of its own with `size` bytes for the caller. */
export function createCrcMemory(size: number): CrcMemory {
  module ??= new webAssembly.Module(Buffer.from(CRC64_WASM, "base64"));
  const exports = new webAssembly.Instance(module).exports;
  const missing = DATA_START + size - exports.memory.buffer.byteLength;
  if (missing > 0) exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
  return { exports, bytes: Buffer.from(exports.memory.buffer), start: DATA_START };
}

const PAGE_BYTES = 65_536;
const DATA_START = PAGE_BYTES;
const SCRATCH_BYTES = 256 * 1024;

// The types of Node name WebAssembly without its constructors, and those of the browser would bring all of it.
const webAssembly = Reflect.get(globalThis, "WebAssembly") as {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: CrcFunctions };
};
let module: object | undefined;

const shared = createCrcMemory(SCRATCH_BYTES);
