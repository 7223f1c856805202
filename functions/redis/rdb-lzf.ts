import { rdbError } from "./rdb-format.ts";

/** Undoes the server's compression of strings. @throws IncompleteError when the bytes do not make exactly `length` */
export function decompressLzf(input: Uint8Array, length: number): Buffer {
  // Two bytes of a long repetition make at most 264: what promises more must not take memory.
  if (length > input.length * 264) throw damaged();
  const output = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  while (from < input.length) {
    const control = input[from++]!;
    if (control < 32) {
      const end = from + control + 1;
      if (end > input.length || to + control + 1 > length) throw damaged();
      while (from < end) output[to++] = input[from++]!;
      continue;
    }
    let run = (control >> 5) + 2;
    if (run === 9) {
      if (from >= input.length) throw damaged();
      run += input[from++]!;
    }
    if (from >= input.length) throw damaged();
    let reference = to - ((control & 0x1f) << 8) - input[from++]! - 1;
    if (reference < 0 || to + run > length) throw damaged();
    for (const end = to + run; to < end; ) output[to++] = output[reference++]!;
  }
  if (to !== length) throw damaged();
  return output;
}

function damaged() {
  return rdbError("A compressed string of the RDB file is damaged");
}
