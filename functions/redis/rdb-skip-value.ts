import { rdbError, TYPE } from "./rdb-format.ts";
import type { RdbInput } from "./rdb-input.ts";
import { type Reading, readByte, readLength, skipBytes, skipStrings } from "./rdb-read.ts";

/** Passes over the value of a record. Unknown types are never guessed. */
export function* skipValue(input: RdbInput, type: number, isValkey: boolean): Reading {
  if (isOneString(type)) return yield* skipStrings(input, 1);
  switch (type) {
    case TYPE.list:
    case TYPE.set:
    case TYPE.listQuicklist:
      return yield* skipStrings(input, yield* readLength(input));
    case TYPE.hash:
      return yield* skipStrings(input, 2 * (yield* readLength(input)));
    case TYPE.sortedSet:
      return yield* skipOldScores(input);
    case TYPE.sortedSet2:
      return yield* skipEach(input, 1, 8);
    case TYPE.listQuicklist2:
      return yield* skipQuicklist2(input);
    case TYPE.stream:
    case TYPE.stream2:
    case TYPE.stream3:
      return yield* skipStream(input, type);
    case TYPE.module2:
      yield* readLength(input);
      return yield* skipModule(input);
    case TYPE.hashMetadataPreGa:
      return isValkey ? yield* skipEach(input, 2, 8) : yield* skipFieldsWithExpiry(input);
    case TYPE.hashMetadata:
      yield* skipBytes(input, 8);
      return yield* skipFieldsWithExpiry(input);
    case TYPE.hashListpackExPreGa:
      return yield* skipStrings(input, 1);
    case TYPE.hashListpackEx:
      yield* skipBytes(input, 8);
      return yield* skipStrings(input, 1);
    default:
      throw rdbError(`Cannot read a value of type ${type}: this program does not know it`, "UnknownRdbType");
  }
}

/** Types whose value is a single string, compressed or not. */
export function isOneString(type: number): boolean {
  return (
    type === TYPE.string ||
    (type >= TYPE.hashZipmap && type <= TYPE.hashZiplist) ||
    type === TYPE.hashListpack ||
    type === TYPE.sortedSetListpack ||
    type === TYPE.setListpack
  );
}

/** Whether `skipValue` knows the type in a file of this flavour. */
export function isKnownType(type: number, isValkey: boolean): boolean {
  if (type === TYPE.modulePreGa || type === 8) return false;
  return type <= (isValkey ? TYPE.hashMetadataPreGa : TYPE.hashListpackEx);
}

/** Opcode-annotated data of a module, up to its end mark. */
export function* skipModule(input: RdbInput): Reading {
  for (;;) {
    const opcode = yield* readLength(input);
    if (opcode === 0) return;
    if (opcode === 1 || opcode === 2) yield* readLength(input);
    else if (opcode === 3) yield* skipBytes(input, 4);
    else if (opcode === 4) yield* skipBytes(input, 8);
    else if (opcode === 5) yield* skipStrings(input, 1);
    else throw rdbError(`Unknown opcode ${opcode} in a module's value`);
  }
}

/** A count, then so many times some strings and some bytes. */
function* skipEach(input: RdbInput, strings: number, bytes: number): Reading {
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    for (let string = 0; string < strings; string += 1) if (!input.trySkipString()) yield* skipStrings(input, 1);
    if (input.available >= bytes) input.position += bytes;
    else yield* skipBytes(input, bytes);
  }
}

/** Scores as decimal text, with 253 to 255 for what is not a number or not finite. */
function* skipOldScores(input: RdbInput): Reading {
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    yield* skipStrings(input, 1);
    const length = yield* readByte(input);
    if (length < 253) yield* skipBytes(input, length);
  }
}

function* skipQuicklist2(input: RdbInput): Reading {
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    if (!input.trySkipLength()) yield* readLength(input);
    if (!input.trySkipString()) yield* skipStrings(input, 1);
  }
}

function* skipFieldsWithExpiry(input: RdbInput): Reading {
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    if (!input.trySkipLength()) yield* readLength(input);
    yield* skipStrings(input, 2);
  }
}

function* skipStream(input: RdbInput, type: number): Reading {
  yield* skipStrings(input, 2 * (yield* readLength(input)));
  yield* skipLengths(input, type === TYPE.stream ? 3 : 8);
  for (let groups = yield* readLength(input); groups > 0; groups -= 1) {
    yield* skipStrings(input, 1);
    yield* skipLengths(input, type === TYPE.stream ? 2 : 3);
    for (let pending = yield* readLength(input); pending > 0; pending -= 1) {
      yield* skipBytes(input, 24);
      if (!input.trySkipLength()) yield* readLength(input);
    }
    for (let consumers = yield* readLength(input); consumers > 0; consumers -= 1) {
      yield* skipStrings(input, 1);
      yield* skipBytes(input, type === TYPE.stream3 ? 16 : 8);
      yield* skipBytes(input, 16 * (yield* readLength(input)));
    }
  }
}

function* skipLengths(input: RdbInput, count: number): Reading {
  for (let left = count; left > 0; left -= 1) if (!input.trySkipLength()) yield* readLength(input);
}
