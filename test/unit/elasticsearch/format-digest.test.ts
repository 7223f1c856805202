import { formatDigest } from "../../../functions/elasticsearch/format-digest.ts";

test("a digest is sixteen digits and the number of documents", () => {
  expect(formatDigest(0xabcn, 12)).toBe("xxh64-sum:0000000000000abc:12");
});

test("a sum wraps at 64 bits", () => {
  expect(formatDigest(2n ** 64n + 1n, 2)).toBe("xxh64-sum:0000000000000001:2");
});
