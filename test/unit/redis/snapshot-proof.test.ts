import fc from "fast-check";
import { Crc64 } from "../../../functions/redis/crc64.ts";
import { SnapshotProof } from "../../../functions/redis/snapshot-proof.ts";
import { IncompleteError } from "../../../runner/errors.ts";

test("a whole RDB is proven, in whatever pieces it comes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (body, size) => {
      const rdb = sealed(Buffer.from(body));

      const proven = proofOf(rdb, size).conclude({ allowUnchecked: false });

      expect(proven).toEqual({
        bytes: rdb.length,
        crc64: rdb
          .readBigUInt64LE(rdb.length - 8)
          .toString(16)
          .padStart(16, "0"),
      });
    }),
  );
});

test("an RDB with any one bit changed is refused, with or without --allow-unchecked", () => {
  const rdb = sealed(Buffer.from("REDIS0010 and some data that matters"));

  for (let bit = 0; bit < rdb.length * 8; bit += 1) {
    const changed = Buffer.from(rdb);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));

    expect(() => proofOf(changed, 7).conclude({ allowUnchecked: true })).toThrow(IncompleteError);
  }
});

test("an RDB that is cut anywhere is refused, with or without --allow-unchecked", () => {
  const rdb = sealed(Buffer.from("REDIS0010 and some data that matters"));

  for (let length = 0; length < rdb.length; length += 1) {
    expect(() => proofOf(rdb.subarray(0, length), 7).conclude({ allowUnchecked: true })).toThrow(IncompleteError);
  }
});

test("a checksum of zeros passes only when it is allowed, and never as proven", () => {
  const rdb = Buffer.concat([Buffer.from("REDIS0010 and some data"), Buffer.from([0xff]), Buffer.alloc(8)]);

  expect(() => proofOf(rdb, 7).conclude({ allowUnchecked: false })).toThrow("without a checksum");
  expect(proofOf(rdb, 7).conclude({ allowUnchecked: true })).toEqual({ bytes: rdb.length, crc64: undefined });
});

function sealed(body: Buffer): Buffer {
  const content = Buffer.concat([body, Buffer.from([0xff])]);
  const crc = new Crc64();
  crc.update(content);
  const trailer = Buffer.alloc(8);
  trailer.writeBigUInt64LE(crc.value());
  return Buffer.concat([content, trailer]);
}

function proofOf(rdb: Buffer, size: number): SnapshotProof {
  const proof = new SnapshotProof();
  for (let at = 0; at < rdb.length; at += size) proof.take(rdb.subarray(at, at + size));
  return proof;
}
