import { open } from "node:fs/promises";

/** Turns over one bit in the middle of the file, as a bad disk would, and says which; the file keeps its size. */
export async function flipBit(path: string): Promise<{ byte: number; bit: number }> {
  await using file = await open(path, "r+");
  const { size } = await file.stat();
  if (size === 0) throw new Error(`Cannot flip a bit of "${path}": it is empty`);
  const [byte, bit] = [Math.floor(size / 2), 3];
  const buffer = Buffer.alloc(1);
  await file.read(buffer, 0, 1, byte);
  buffer[0] = (buffer[0] ?? 0) ^ (1 << bit);
  await file.write(buffer, 0, 1, byte);
  return { byte, bit };
}
