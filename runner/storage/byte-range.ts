import type { GetOptions } from "./object-store.ts";

/** The range asked for; `end` is exclusive, Infinity for the rest of the object. Throws a RangeError for what is no range: a defect of the caller. */
export function byteRange(options: GetOptions): { readonly offset: number; readonly end: number } {
  const { offset = 0, length } = options;
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`Invalid offset ${offset}: expected a whole number from 0`);
  if (length === undefined) return { offset, end: Number.POSITIVE_INFINITY };
  if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`Invalid length ${length}: expected a whole number from 0`);
  return { offset, end: offset + length };
}
