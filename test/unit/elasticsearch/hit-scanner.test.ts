import fc from "fast-check";
import { DATA_START, HitScanner } from "../../../functions/elasticsearch/hit-scanner.ts";
import { xxh64 } from "../../tools/xxh64.ts";

const scanner = new HitScanner(100_000);

function hash(bytes: Buffer, seed = 0n, at = DATA_START): bigint {
  scanner.bytes.set(bytes, at);
  return BigInt.asUintN(64, scanner.exports.hash(at, bytes.length, BigInt.asIntN(64, seed)));
}

const PUBLISHED: readonly [text: string, seed: bigint, hash: bigint][] = [
  ["", 0n, 0xef46db3751d8e999n],
  ["", 1n, 0xd5afba1336a3be4bn],
  ["a", 0n, 0xd24ec4f1a98c6e5bn],
  ["as", 0n, 0x1c330fb2d66be179n],
  ["asd", 0n, 0x631c37ce72a97393n],
  ["asdf", 0n, 0x415872f599cea71en],
  ["abc", 0n, 0x44bc2cf5ad770999n],
  ["xxhash", 0n, 0x32dd38952c4bc720n],
  ["xxhash", 20141025n, 0xb559b98d844e0635n],
  ["Nobody inspects the spammish repetition", 0n, 0xfbcea83c8a378bf1n],
  ["Call me Ishmael. Some years ago--never mind how long precisely-", 0n, 0x02a2e85470d6fd96n],
];

describe("XXH64", () => {
  test.each(PUBLISHED)("has the published hash of %j with seed %d", (text, seed, wanted) => {
    expect(hash(Buffer.from(text), seed)).toBe(wanted);
    expect(xxh64(Buffer.from(text), seed)).toBe(wanted);
  });

  test("equals the one made word by word, for every length and seed, wherever the bytes lie", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer({ min: 0, max: 16 }),
        (bytes, seed, shift) => {
          expect(hash(Buffer.from(bytes), seed, DATA_START + shift)).toBe(xxh64(bytes, seed));
        },
      ),
    );
  });

  test("equals it for long inputs of every remainder", () => {
    for (let length = 10_000; length < 10_033; length += 1) {
      const bytes = Buffer.alloc(length, "holdfast");

      expect(hash(bytes)).toBe(xxh64(bytes, 0n));
    }
  });
});

test("memory that grows keeps what lies in it", () => {
  const growing = new HitScanner();
  growing.bytes.write("kept", DATA_START);

  growing.reserve(5_000_000);

  expect(growing.bytes.toString("latin1", DATA_START, DATA_START + 4)).toBe("kept");
  expect(growing.bytes.length).toBeGreaterThan(5_000_000);
});

test("more than a 32-bit memory holds is refused with what to do", () => {
  expect(() => new HitScanner().reserve(5_000_000_000)).toThrow("Cannot hold 5000000000 bytes at once; ask for fewer documents a page");
});
