import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { Crc64, createCrcMemory } from "../../../functions/redis/crc64.ts";
import { buildCrc64 } from "../../tools/build-crc64.ts";

const CHECK = 0xe9c6d914c4b8d9can;

test("the check value of CRC-64/Jones comes out", () => {
  const crc = new Crc64();

  crc.update(Buffer.from("123456789"));

  expect(crc.value()).toBe(CHECK);
});

test("no bytes have checksum 0", () => {
  expect(new Crc64().value()).toBe(0n);
});

test("a stream with its own checksum behind it has residue 0", () => {
  const crc = new Crc64();
  const bytes = Buffer.from("some bytes, longer than sixteen");
  crc.update(bytes);
  const trailer = Buffer.alloc(8);
  trailer.writeBigUInt64LE(crc.value());

  crc.update(trailer);

  expect(crc.value()).toBe(0n);
});

test("the checksum equals the one made bit by bit, however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 6 }), (pieces) => {
      const crc = new Crc64();

      for (const piece of pieces) crc.update(piece);

      expect(crc.value()).toBe(bitByBit(Buffer.concat(pieces)));
    }),
  );
});

test("pieces larger than the scratch memory are summed whole", () => {
  const bytes = Buffer.alloc(700_001, "holdfast");
  const whole = new Crc64();
  const cut = new Crc64();

  whole.update(bytes);
  for (let at = 0; at < bytes.length; at += 99_991) cut.update(bytes.subarray(at, at + 99_991));

  expect(whole.value()).toBe(cut.value());
});

test("two sums at the same time do not disturb each other", () => {
  const first = new Crc64();
  const second = new Crc64();

  first.update(Buffer.from("1234"));
  second.update(Buffer.from("12345"));
  first.update(Buffer.from("56789"));
  second.update(Buffer.from("6789"));

  expect([first.value(), second.value()]).toEqual([CHECK, CHECK]);
});

test("a payload is assembled and sealed in place", () => {
  const { exports, bytes, start } = createCrcMemory(1024);
  bytes.write("123456789", start, "latin1");

  const end = exports.payload(start + 100, 0, start, 9, 10);

  const sealed = bytes.subarray(start + 100, end);
  expect(sealed.subarray(0, 12)).toEqual(Buffer.from("\x00123456789\x0a\x00", "latin1"));
  expect(sealed.readBigUInt64LE(12)).toBe(bitByBit(sealed.subarray(0, 12)));
});

test("a running checksum in the memory equals the one of the whole", () => {
  const { exports, bytes, start } = createCrcMemory(1024);
  bytes.write("123456789", start, "latin1");

  exports.begin();
  exports.feed(start, 4);
  exports.feed(start + 4, 5);
  exports.store(start + 9);

  expect(bytes.readBigUInt64LE(start + 9)).toBe(CHECK);
});

test("the committed module is the one that the source makes", async () => {
  const committed = await readFile(join(import.meta.dirname, "../../../functions/redis/crc64-wasm.ts"), "utf8");

  expect(committed).toBe(await buildCrc64());
});

function bitByBit(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ ((crc & 1n) * 0x95ac9329ac4bc9b5n);
  }
  return crc;
}
