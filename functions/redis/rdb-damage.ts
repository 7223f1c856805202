import { rdbError } from "./rdb-format.ts";

/** Buffers throw a RangeError beyond their end: for packed values that means damage. Anything else stays what it is. */
export function damageOf(error: unknown, what: string): unknown {
  const isBeyondEnd = typeof error === "object" && error !== null && "name" in error && error.name === "RangeError";
  return isBeyondEnd ? rdbError(`${what} of the RDB file is damaged`) : error;
}
