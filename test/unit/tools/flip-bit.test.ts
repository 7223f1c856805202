import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flipBit } from "../../tools/flip-bit.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-flip-"));
});

afterEach(() => rm(directory, { recursive: true }));

test("exactly the bit that is named differs afterwards", async () => {
  const path = join(directory, "object");
  const before = Buffer.from("some bytes of an object");
  await writeFile(path, before);

  const { byte, bit } = await flipBit(path);

  const expected = Buffer.from(before);
  expected.writeUInt8((before[byte] ?? 0) ^ (1 << bit), byte);
  expect(await readFile(path)).toEqual(expected);
});

test("an empty file has no bit to flip", async () => {
  const path = join(directory, "empty");
  await writeFile(path, "");

  await expect(flipBit(path)).rejects.toThrow("it is empty");
});
