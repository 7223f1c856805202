import { damageOf } from "./rdb-damage.ts";
import { rdbError } from "./rdb-format.ts";

/** The items of a listpack; numbers as decimal text. @throws IncompleteError for what is none */
export function* listpackItems(bytes: Buffer): Generator<Buffer> {
  try {
    let at = 6;
    while (bytes.readUInt8(at) !== 0xff) {
      const { item, length } = readItem(bytes, at);
      yield item;
      at += length + backLength(length);
    }
  } catch (error) {
    throw damageOf(error, "A listpack");
  }
}

/** The item at an offset, and how many bytes it takes without the length behind it. */
function readItem(bytes: Buffer, at: number): { item: Buffer; length: number } {
  const first = bytes.readUInt8(at);
  if (first < 0x80) return numberItem(first, 1);
  if (first < 0xc0) return textItem(bytes, at + 1, { length: first & 0x3f, head: 1 });
  if (first < 0xe0) return numberItem(signed13(((first & 0x1f) << 8) | bytes.readUInt8(at + 1)), 2);
  if (first < 0xf0) return textItem(bytes, at + 2, { length: ((first & 0x0f) << 8) | bytes.readUInt8(at + 1), head: 2 });
  switch (first) {
    case 0xf0:
      return textItem(bytes, at + 5, { length: bytes.readUInt32LE(at + 1), head: 5 });
    case 0xf1:
      return numberItem(bytes.readInt16LE(at + 1), 3);
    case 0xf2:
      return numberItem(bytes.readIntLE(at + 1, 3), 4);
    case 0xf3:
      return numberItem(bytes.readInt32LE(at + 1), 5);
    case 0xf4:
      return numberItem(bytes.readBigInt64LE(at + 1), 9);
    default:
      throw rdbError(`Unknown encoding ${first} in a listpack`);
  }
}

function signed13(value: number): number {
  return value >= 0x1000 ? value - 0x2000 : value;
}

function numberItem(value: number | bigint, length: number) {
  return { item: Buffer.from(String(value)), length };
}

function textItem(bytes: Buffer, start: number, { length, head }: { length: number; head: number }) {
  if (start + length > bytes.length) throw new RangeError("beyond the end");
  return { item: bytes.subarray(start, start + length), length: head + length };
}

/** Behind each item stands its length, seven bits a byte. */
function backLength(length: number): number {
  if (length < 128) return 1;
  if (length < 16_383) return 2;
  if (length < 2_097_151) return 3;
  return length < 268_435_455 ? 4 : 5;
}
