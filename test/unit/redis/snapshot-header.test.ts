import { parseSnapshotHeader } from "../../../functions/redis/snapshot-header.ts";
import { IncompleteError } from "../../../runner/errors.ts";

test("the header of Redis and of Valkey is read, with what the server wrote about itself", () => {
  const fields = Buffer.concat([
    Buffer.from("\xfa\x09redis-ver\x067.0.15", "latin1"),
    Buffer.from("\xfa\x0aredis-bits\xc0\x40", "latin1"),
    Buffer.from("\xfa\x05ctime\xc2\x15\x00\x00\x65", "latin1"),
    Buffer.from(`\xfa\x07repl-id\x28${"a".repeat(40)}`, "latin1"),
    Buffer.from("\xfa\x0brepl-offset\xc1\x00\x10\xfe\x00", "latin1"),
  ]);

  const redis = parseSnapshotHeader(Buffer.concat([Buffer.from("REDIS0010"), fields]));
  const valkey = parseSnapshotHeader(Buffer.concat([Buffer.from("VALKEY080"), fields]));

  expect(redis).toEqual({
    magic: "REDIS0010",
    version: 10,
    auxiliary: { "redis-ver": "7.0.15", "redis-bits": "64", ctime: "1694498837", "repl-id": "a".repeat(40), "repl-offset": "4096" },
  });
  expect(valkey).toEqual({ ...redis, magic: "VALKEY080", version: 80 });
});

test("fields that are cut or not understood end the reading without harm", () => {
  const whole = Buffer.from("REDIS0010\xfa\x01a\x01b\xfa\x01c\xc3\x01\x01x", "latin1");

  expect(parseSnapshotHeader(whole).auxiliary).toEqual({ a: "b" });
  for (let length = 9; length < whole.length; length += 1) expect(parseSnapshotHeader(whole.subarray(0, length)).version).toBe(10);
});

test.each(["", "REDIS", "REDIS00x0", "redis0010", "VALKEY08x", "HTTP/1.1 200"])("%j is no RDB", (start) => {
  expect(() => parseSnapshotHeader(Buffer.from(start))).toThrow(IncompleteError);
});

test("an RDB from before checksums is refused", () => {
  expect(() => parseSnapshotHeader(Buffer.from("REDIS0004"))).toThrow("carries no checksum");
});
