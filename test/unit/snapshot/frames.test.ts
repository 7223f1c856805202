import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { compressFrame, decompressFrames } from "../../../runner/snapshot/frames.ts";

async function frame(raw: Uint8Array): Promise<Buffer> {
  return Buffer.concat((await compressFrame(raw)).pieces);
}

async function decompress(...pieces: Uint8Array[]): Promise<Buffer> {
  async function* source() {
    // its memory is taken over
    for (const piece of pieces) yield Buffer.from(piece);
  }
  const parts: Buffer[] = [];
  for await (const part of decompressFrames(source())) parts.push(part);
  return Buffer.concat(parts);
}

const raw = { first: Buffer.alloc(1000, "ab"), second: randomBytes(150), third: Buffer.from("the end\n") };
const whole = Buffer.concat(Object.values(raw));
const frames = Buffer.concat([await frame(raw.first), await frame(raw.second), await frame(raw.third)]);

test("frames in a row read back, wherever they are cut into pieces", async () => {
  for (let at = 0; at <= frames.length; at++) {
    expect((await decompress(frames.subarray(0, at), frames.subarray(at))).equals(whole)).toBe(true);
  }
});

test("every cut is found, also exactly where Node's decompressor is silent, unless it is a border of frames", async () => {
  const borders = new Set([(await frame(raw.first)).length, (await frame(raw.first)).length + (await frame(raw.second)).length]);

  for (let length = 0; length < frames.length; length++) {
    if (borders.has(length)) continue;
    await expect(decompress(frames.subarray(0, length))).rejects.toThrow();
  }
});

test.each([
  ["text", Buffer.from("garbage after the end")],
  ["one byte", Buffer.from("x")],
  ["zeros", Buffer.alloc(64)],
  ["a skippable frame", Buffer.from("502a4d180400000000000000", "hex")],
  ["a frame without checksum and size", zstdCompressSync("x")],
])("%s after the last frame fails", async (_, garbage) => {
  await expect(decompress(frames, garbage)).rejects.toThrow();
  await expect(decompress(Buffer.concat([frames, garbage]))).rejects.toThrow();
});

test("a damaged frame fails", async () => {
  for (let place = 0; place < frames.length; place++) {
    const damaged = Buffer.from(frames);
    damaged[place] = (damaged[place] as number) ^ 0x10;

    await expect(decompress(damaged)).rejects.toThrow();
  }
});

test("a frame that announces more than the format allows is refused before it is decompressed", async () => {
  const bomb = Buffer.from(await frame(Buffer.alloc(300_000)));
  const size = bomb.indexOf(Buffer.from([0xe0, 0x93, 0x04, 0x00]));
  bomb.writeUInt32LE(0xffffffff, size);

  await expect(decompress(bomb)).rejects.toThrow("too large");
});

test("a large frame reads back, compressible or not", async () => {
  for (const large of [randomBytes(5_000_000), Buffer.alloc(16 * 1024 * 1024, "abc")]) {
    expect((await decompress(await frame(large))).equals(large)).toBe(true);
  }
});

test("freed memory is given back at once", async () => {
  const compressed = await compressFrame(randomBytes(3_000_000));

  compressed.free();

  expect(compressed.pieces.every((piece) => piece.length === 0)).toBe(true);
});

test("a source that fails is the failure of the frames", async () => {
  async function* source() {
    yield frames.subarray(0, 30);
    throw new Error("the store went away");
  }

  await expect(async () => {
    for await (const _ of decompressFrames(source()));
  }).rejects.toThrow("the store went away");
});
