import { NEED, type RdbInput } from "./rdb-input.ts";
import { type Reading, readLength64 } from "./rdb-read.ts";

/**
 * How many bytes the string at the input's position takes in the file, or -1 when only reading it tells (which is then short). Consumes nothing:
 * the length stands in front, so that a long string need not be held.
 */
export function* foretellStringBytes(input: RdbInput): Reading<number> {
  while (input.available < LONGEST_HEAD && !isWholeHere(input)) yield NEED;
  const start = input.position;
  const plain = input.tryLength();
  const compressed = plain < 0 ? input.tryLength() : -1;
  if (compressed >= 0) input.tryLength();
  const length = Math.max(plain, compressed);
  const head = input.position - start;
  input.position = start;
  return length < 0 ? -1 : head + length;
}

/** The name of the module type whose value lies at the input's position. Consumes nothing. */
export function* foretellModuleName(input: RdbInput): Reading<string> {
  while (input.available < 9) yield NEED;
  const start = input.position;
  const name = moduleName(yield* readLength64(input));
  input.position = start;
  return name;
}

/** One byte for the encoding, and two lengths. */
const LONGEST_HEAD = 19;

function isWholeHere(input: RdbInput): boolean {
  const start = input.position;
  const isWhole = input.trySkipString();
  input.position = start;
  return isWhole;
}

/** Nine characters of six bits, then ten bits of version. */
export function moduleName(id: bigint): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let name = "";
  for (let shift = 58n; shift >= 10n; shift -= 6n) name += alphabet[Number((id >> shift) & 63n)];
  return name;
}
