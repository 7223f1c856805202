// RDB files written by hand: the bytes that servers write, from the description of the format alone.

/** A length as servers write it: in 6, 14, 32 or 64 bits. */
export function length(value: number | bigint): Buffer {
  const big = BigInt(value);
  if (big < 64n) return Buffer.of(Number(big));
  if (big < 16_384n) return Buffer.of(0x40 | (Number(big) >> 8), Number(big) & 0xff);
  const bytes = Buffer.alloc(big <= 0xffff_ffffn ? 5 : 9);
  bytes[0] = bytes.length === 5 ? 0x80 : 0x81;
  if (bytes.length === 5) bytes.writeUInt32BE(Number(big), 1);
  else bytes.writeBigUInt64BE(big, 1);
  return bytes;
}

export function string(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([length(bytes.length), bytes]);
}

/** A small integer in its short form. */
export function integer(value: number): Buffer {
  if (value >= -128 && value < 128) return Buffer.of(0xc0, value & 0xff);
  const bytes = Buffer.alloc(value >= -32_768 && value < 32_768 ? 3 : 5);
  bytes[0] = bytes.length === 3 ? 0xc1 : 0xc2;
  bytes.writeIntLE(value, 1, bytes.length - 1);
  return bytes;
}

/** Compressed by hand: a literal, then (for runs) a repetition that reaches back one byte. */
export function compressed(text: string): Buffer {
  const literal = Buffer.concat([Buffer.of(text.length - 1), Buffer.from(text)]);
  // Copies the last byte 2 + 7 + 100 times.
  const body = Buffer.concat([literal, Buffer.of(0xe0, 100, 0)]);
  return Buffer.concat([Buffer.of(0xc3), length(body.length), length(text.length + 109), body]);
}

/** What `compressed` stands for. */
export function decompressed(text: string): string {
  return text + text.slice(-1).repeat(109);
}

export function int64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

export function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** An identifier of a stream's entry, as in keys of nodes and lists of pending entries. */
export function streamId(milliseconds: number, sequence: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt(milliseconds), 0);
  bytes.writeBigUInt64BE(BigInt(sequence), 8);
  return bytes;
}

/** A listpack of texts and numbers, each in one of the forms that servers choose. */
export function listpack(items: readonly (string | number)[]): Buffer {
  const body = Buffer.concat(items.map(listpackItem));
  const head = Buffer.alloc(6);
  head.writeUInt32LE(body.length + 7, 0);
  head.writeUInt16LE(items.length, 4);
  return Buffer.concat([head, body, Buffer.of(0xff)]);
}

function listpackItem(item: string | number): Buffer {
  const bytes = typeof item === "number" ? listpackNumber(item) : listpackText(item);
  return Buffer.concat([bytes, backLength(bytes.length)]);
}

function listpackNumber(value: number): Buffer {
  if (value >= 0 && value < 128) return Buffer.of(value);
  if (value >= -4096 && value < 4096) {
    const bits = value & 0x1fff;
    return Buffer.of(0xc0 | (bits >> 8), bits & 0xff);
  }
  const width =
    value >= -32_768 && value < 32_768 ? 2 : value >= -8_388_608 && value < 8_388_608 ? 3 : value >= -(2 ** 31) && value < 2 ** 31 ? 4 : 8;
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = { 2: 0xf1, 3: 0xf2, 4: 0xf3, 8: 0xf4 }[width] as number;
  if (width === 8) bytes.writeBigInt64LE(BigInt(value), 1);
  else bytes.writeIntLE(value, 1, width);
  return bytes;
}

function listpackText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 64) return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
  if (bytes.length < 4096) return Buffer.concat([Buffer.of(0xe0 | (bytes.length >> 8), bytes.length & 0xff), bytes]);
  const head = Buffer.alloc(5);
  head[0] = 0xf0;
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function backLength(length: number): Buffer {
  if (length < 128) return Buffer.of(length);
  if (length < 16_383) return Buffer.of(length >> 7, (length & 127) | 128);
  return Buffer.of(length >> 14, ((length >> 7) & 127) | 128, (length & 127) | 128);
}

/** A ziplist, as before 7.0. */
export function ziplist(items: readonly (string | number)[]): Buffer {
  const parts: Buffer[] = [];
  let previous = 0;
  let tail = 10;
  let size = 10;
  for (const item of items) {
    const bytes = typeof item === "number" ? ziplistNumber(item) : ziplistText(item);
    const before = previous < 254 ? Buffer.of(previous) : Buffer.concat([Buffer.of(0xfe), Buffer.alloc(4)]);
    if (previous >= 254) before.writeUInt32LE(previous, 1);
    parts.push(before, bytes);
    previous = before.length + bytes.length;
    tail = size;
    size += previous;
  }
  const head = Buffer.alloc(10);
  head.writeUInt32LE(size + 1, 0);
  head.writeUInt32LE(tail, 4);
  head.writeUInt16LE(items.length, 8);
  return Buffer.concat([head, ...parts, Buffer.of(0xff)]);
}

function ziplistNumber(value: number): Buffer {
  if (value >= 0 && value <= 12) return Buffer.of(0xf1 + value);
  const width =
    value >= -128 && value < 128
      ? 1
      : value >= -32_768 && value < 32_768
        ? 2
        : value >= -8_388_608 && value < 8_388_608
          ? 3
          : value >= -(2 ** 31) && value < 2 ** 31
            ? 4
            : 8;
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = { 1: 0xfe, 2: 0xc0, 3: 0xf0, 4: 0xd0, 8: 0xe0 }[width] as number;
  if (width === 8) bytes.writeBigInt64LE(BigInt(value), 1);
  else bytes.writeIntLE(value, 1, width);
  return bytes;
}

function ziplistText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length < 64) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  if (bytes.length < 16_384) return Buffer.concat([Buffer.of(0x40 | (bytes.length >> 8), bytes.length & 0xff), bytes]);
  const head = Buffer.alloc(5);
  head[0] = 0x80;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** A zipmap, as before 2.6, with some unused bytes behind each value. */
export function zipmap(pairs: readonly (readonly [string, string])[]): Buffer {
  const size = (text: string) => {
    if (text.length < 254) return Buffer.of(text.length);
    const bytes = Buffer.alloc(5, 254);
    bytes.writeUInt32LE(text.length, 1);
    return bytes;
  };
  const parts = pairs.flatMap(([field, value]) => [
    size(field),
    Buffer.from(field),
    size(value),
    Buffer.of(2),
    Buffer.from(value),
    Buffer.from(".."),
  ]);
  return Buffer.concat([Buffer.of(pairs.length), ...parts, Buffer.of(0xff)]);
}

export function intset(width: 2 | 4 | 8, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + width * values.length);
  bytes.writeUInt32LE(width, 0);
  bytes.writeUInt32LE(values.length, 4);
  for (const [index, value] of values.entries()) {
    if (width === 8) bytes.writeBigInt64LE(BigInt(value), 8 + index * 8);
    else bytes.writeIntLE(value, 8 + index * width, width);
  }
  return bytes;
}
