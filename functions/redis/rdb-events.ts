import { NEED } from "./rdb-input.ts";

/** What a walker's `next` answers. */
export const EVENT = {
  /** Everything given was used up: fill again, or finish. */
  needInput: NEED,
  header: 1,
  /** `auxiliary` holds a name and a value. */
  auxiliary: 2,
  /** A database begins: `database`. */
  database: 3,
  /** A function library: its string is the value, all of it. */
  library: 4,
  /** A record with its whole value. */
  record: 5,
  /** A record with the next bytes of its value; more follow. The first part of a value comes with `partStart` 0. */
  part: 6,
  /** The last bytes of a value that came in parts. */
  lastPart: 7,
  /** A module's data beside its keys, passed over: `module`. */
  moduleAuxiliary: 8,
} as const;
