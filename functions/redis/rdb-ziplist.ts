import { damageOf } from "./rdb-damage.ts";
import { rdbError } from "./rdb-format.ts";

/** The items of a ziplist, as servers before 7.0 write them; numbers as decimal text. @throws IncompleteError for what is none */
export function* ziplistItems(bytes: Buffer): Generator<Buffer> {
  try {
    let at = 10;
    while (bytes.readUInt8(at) !== 0xff) {
      at += bytes.readUInt8(at) < 0xfe ? 1 : 5;
      const { item, length } = readItem(bytes, at);
      yield item;
      at += length;
    }
  } catch (error) {
    throw damageOf(error, "A ziplist");
  }
}

/** Fields and values, in turn, of a zipmap, as servers before 2.6 write small hashes. */
export function* zipmapItems(bytes: Buffer): Generator<Buffer> {
  try {
    let at = 1;
    while (bytes.readUInt8(at) !== 0xff) {
      for (const isValue of [false, true]) {
        const isShort = bytes.readUInt8(at) < 254;
        const length = isShort ? bytes.readUInt8(at) : bytes.readUInt32LE(at + 1);
        at += isShort ? 1 : 5;
        const unused = isValue ? bytes.readUInt8(at) : 0;
        if (isValue) at += 1;
        yield slice(bytes, at, length);
        at += length + unused;
      }
    }
  } catch (error) {
    throw damageOf(error, "A zipmap");
  }
}

/** The members of an intset as decimal text. */
export function* intsetItems(bytes: Buffer): Generator<Buffer> {
  if (bytes.length < 8) throw rdbError("An intset of the RDB file is damaged");
  const width = bytes.readUInt32LE(0);
  const count = bytes.readUInt32LE(4);
  if (![2, 4, 8].includes(width) || bytes.length !== 8 + width * count) throw rdbError("An intset of the RDB file is damaged");
  for (let at = 8; at < bytes.length; at += width) {
    yield Buffer.from(String(width === 8 ? bytes.readBigInt64LE(at) : bytes.readIntLE(at, width)));
  }
}

function readItem(bytes: Buffer, at: number): { item: Buffer; length: number } {
  const first = bytes.readUInt8(at);
  if (first < 0x40) return textItem(bytes, at + 1, { length: first & 0x3f, head: 1 });
  if (first < 0x80) return textItem(bytes, at + 2, { length: ((first & 0x3f) << 8) | bytes.readUInt8(at + 1), head: 2 });
  if (first < 0xc0) return textItem(bytes, at + 5, { length: bytes.readUInt32BE(at + 1), head: 5 });
  switch (first) {
    case 0xc0:
      return numberItem(bytes.readInt16LE(at + 1), 3);
    case 0xd0:
      return numberItem(bytes.readInt32LE(at + 1), 5);
    case 0xe0:
      return numberItem(bytes.readBigInt64LE(at + 1), 9);
    case 0xf0:
      return numberItem(bytes.readIntLE(at + 1, 3), 4);
    case 0xfe:
      return numberItem(bytes.readInt8(at + 1), 2);
    default:
      if (first < 0xf1 || first > 0xfd) throw rdbError(`Unknown encoding ${first} in a ziplist`);
      return numberItem((first & 0x0f) - 1, 1);
  }
}

function numberItem(value: number | bigint, length: number) {
  return { item: Buffer.from(String(value)), length };
}

function textItem(bytes: Buffer, start: number, { length, head }: { length: number; head: number }) {
  return { item: slice(bytes, start, length), length: head + length };
}

function slice(bytes: Buffer, start: number, length: number): Buffer {
  if (start + length > bytes.length) throw new RangeError("beyond the end");
  return bytes.subarray(start, start + length);
}
