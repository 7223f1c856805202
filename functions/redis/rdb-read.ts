// Reading that goes on where it stopped: each generator yields NEED for more input and keeps its place inside the item.
import { rdbError } from "./rdb-format.ts";
import { ENCODED, LZF, NEED, type RdbInput } from "./rdb-input.ts";
import { decompressLzf } from "./rdb-lzf.ts";

export type Reading<T = void> = Generator<typeof NEED, T, void>;

/** Longer strings than this cannot exist in a server (proto-max-bulk-len allows them in theory only). */
const LONGEST_STRING = 4 * 1024 ** 3;

export function* readByte(input: RdbInput): Reading<number> {
  for (;;) {
    const byte = input.tryByte();
    if (byte !== NEED) return byte;
    yield NEED;
  }
}

/** A plain length. */
export function* readLength(input: RdbInput): Reading<number> {
  const length = yield* readLengthOrEncoding(input);
  if (length < 0) throw rdbError(`Invalid length at byte ${input.offset} of the RDB file`);
  return length;
}

/** An unsigned 64-bit number in length form. */
export function* readLength64(input: RdbInput): Reading<bigint> {
  while (input.available < 1) yield NEED;
  if (input.buffer[input.position] !== 0x81) return BigInt(yield* readLength(input));
  while (input.available < 9) yield NEED;
  const value = input.buffer.readBigUInt64BE(input.position + 1);
  input.position += 9;
  return value;
}

export function* readLengthOrEncoding(input: RdbInput): Reading<number> {
  for (;;) {
    const length = input.tryLength();
    if (length < LZF) throw rdbError(`Invalid length at byte ${input.offset} of the RDB file`);
    if (length !== NEED) return length;
    yield NEED;
  }
}

/** A signed 64-bit little-endian number, as the times are. */
export function* readInt64(input: RdbInput): Reading<bigint> {
  while (input.available < 8) yield NEED;
  input.position += 8;
  return input.buffer.readBigInt64LE(input.position - 8);
}

/** A time in milliseconds; exact up to 2^53. */
export function* readMilliseconds(input: RdbInput): Reading<number> {
  while (input.available < 8) yield NEED;
  return input.tryMilliseconds();
}

export function* readInt32(input: RdbInput): Reading<number> {
  while (input.available < 4) yield NEED;
  input.position += 4;
  return input.buffer.readInt32LE(input.position - 4);
}

export function* readDouble(input: RdbInput): Reading<number> {
  while (input.available < 8) yield NEED;
  input.position += 8;
  return input.buffer.readDoubleLE(input.position - 8);
}

/** A copy of the next bytes. */
export function* readBytes(input: RdbInput, length: number): Reading<Buffer> {
  if (length > LONGEST_STRING) throw rdbError(`A string of ${length} bytes at byte ${input.offset} of the RDB file cannot be`);
  if (length <= input.available) {
    input.position += length;
    return Buffer.from(input.buffer.subarray(input.position - length, input.position));
  }
  // Grown as bytes arrive: a damaged length must not take memory that no bytes stand behind.
  const parts: Buffer[] = [];
  for (let left = length; left > 0; ) {
    if (input.available === 0) yield NEED;
    const taken = Math.min(left, input.available);
    parts.push(Buffer.from(input.buffer.subarray(input.position, input.position + taken)));
    input.position += taken;
    input.keep = Math.max(input.keep, input.position);
    left -= taken;
  }
  return Buffer.concat(parts, length);
}

/** A copy of the next string, decompressed; integer encodings as decimal text. */
export function* readString(input: RdbInput): Reading<Buffer> {
  const length = yield* readLengthOrEncoding(input);
  if (length >= 0) return yield* readBytes(input, length);
  if (length === LZF) {
    const compressed = yield* readLength(input);
    const plain = yield* readLength(input);
    return decompressLzf(yield* readBytes(input, compressed), plain);
  }
  const width = 1 << (ENCODED - length);
  return Buffer.from(String((yield* readBytes(input, width)).readIntLE(0, width)));
}

/** Passes over bytes, however many. */
export function* skipBytes(input: RdbInput, length: number): Reading {
  for (let left = length; left > 0; ) {
    if (input.available === 0) yield NEED;
    const taken = Math.min(left, input.available);
    input.position += taken;
    left -= taken;
  }
}

export function* skipStrings(input: RdbInput, count: number): Reading {
  for (let left = count; left > 0; left -= 1) {
    if (!input.trySkipString()) yield* skipLongString(input);
  }
}

function* skipLongString(input: RdbInput): Reading {
  const length = yield* readLengthOrEncoding(input);
  if (length >= 0) return yield* skipBytes(input, length);
  if (length !== LZF) return yield* skipBytes(input, 1 << (ENCODED - length));
  const compressed = yield* readLength(input);
  yield* readLength(input);
  yield* skipBytes(input, compressed);
}
