import { cutIntoParts, PART_BYTES, PartBuffers } from "../../../runner/storage/part-buffers.ts";
import { chunksOf, expectSame, patternBytes } from "../../contract/object-store.ts";

test("a buffer that was given back is used again", () => {
  const buffers = new PartBuffers();
  const first = buffers.take();
  const second = buffers.take();

  buffers.giveBack(first);

  expect(first).not.toBe(second);
  expect(buffers.take()).toBe(first);
});

test("a few buffers are kept, the rest is let go", () => {
  const buffers = new PartBuffers();
  const taken = Array.from({ length: 6 }, () => buffers.take());

  for (const buffer of taken) buffers.giveBack(buffer);

  const again = Array.from({ length: 6 }, () => buffers.take());
  expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(3);
});

test.each([
  ["nothing", [], [0]],
  ["less than a part", [10], [10]],
  ["exactly a part", [PART_BYTES], [PART_BYTES]],
  ["a part in two chunks", [PART_BYTES - 1, 1], [PART_BYTES]],
  ["a byte more than a part", [PART_BYTES, 1], [PART_BYTES, 1]],
  ["one chunk of several parts", [2 * PART_BYTES + 5], [PART_BYTES, PART_BYTES, 5]],
  ["exactly two parts", [PART_BYTES + 3, PART_BYTES - 3], [PART_BYTES, PART_BYTES]],
])("a source of %s is cut into full parts and a last one", async (_, chunkSizes, partSizes) => {
  const chunks = chunkSizes.map((size, i) => patternBytes(size, i));
  const parts: { bytes: Buffer; isLast: boolean }[] = [];

  for await (const { buffer, length, isLast } of cutIntoParts(chunksOf(chunks), new PartBuffers())) {
    parts.push({ bytes: buffer.subarray(0, length), isLast });
  }

  expect(parts.map(({ bytes }) => bytes.length)).toEqual(partSizes);
  expect(parts.map(({ isLast }) => isLast)).toEqual(partSizes.map((__, i) => i === partSizes.length - 1));
  expectSame(Buffer.concat(parts.map(({ bytes }) => bytes)), Buffer.concat(chunks));
});
