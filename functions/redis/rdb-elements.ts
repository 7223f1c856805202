// element: the smallest thing that a command can add to a value: an item, a member with its score, a field, a stream's entry …
import { rdbError, TYPE } from "./rdb-format.ts";
import type { NEED, RdbInput } from "./rdb-input.ts";
import { listpackItems } from "./rdb-listpack.ts";
import { readByte, readBytes, readDouble, readInt64, readLength, readLengthOrEncoding, readMilliseconds, readString } from "./rdb-read.ts";
import { type StreamElement, streamElements } from "./rdb-stream-elements.ts";
import { intsetItems, ziplistItems, zipmapItems } from "./rdb-ziplist.ts";

export type Element =
  | { readonly kind: "piece"; readonly bytes: Buffer }
  | { readonly kind: "item"; readonly item: Buffer }
  | { readonly kind: "member"; readonly member: Buffer; readonly score: string | Buffer }
  | { readonly kind: "field"; readonly field: Buffer; readonly value: Buffer; readonly expiresAtMs: number }
  | StreamElement;

export type Elements = Generator<typeof NEED | Element, void, void>;

/** What the value is made of, as commands see it. */
export type Family = "string" | "list" | "set" | "sorted set" | "hash" | "stream";

const FAMILIES: Readonly<Record<number, Family>> = {
  [TYPE.string]: "string",
  [TYPE.list]: "list",
  [TYPE.listZiplist]: "list",
  [TYPE.listQuicklist]: "list",
  [TYPE.listQuicklist2]: "list",
  [TYPE.set]: "set",
  [TYPE.setIntset]: "set",
  [TYPE.setListpack]: "set",
  [TYPE.sortedSet]: "sorted set",
  [TYPE.sortedSet2]: "sorted set",
  [TYPE.sortedSetZiplist]: "sorted set",
  [TYPE.sortedSetListpack]: "sorted set",
  [TYPE.hash]: "hash",
  [TYPE.hashZipmap]: "hash",
  [TYPE.hashZiplist]: "hash",
  [TYPE.hashListpack]: "hash",
  [TYPE.hashMetadataPreGa]: "hash",
  [TYPE.hashListpackExPreGa]: "hash",
  [TYPE.hashMetadata]: "hash",
  [TYPE.hashListpackEx]: "hash",
  [TYPE.stream]: "stream",
  [TYPE.stream2]: "stream",
  [TYPE.stream3]: "stream",
};

/** Undefined for values that only RESTORE can write: those of modules. */
export function familyOf(type: number): Family | undefined {
  return FAMILIES[type];
}

/** Takes a value apart, yielding NEED for more input. @throws IncompleteError for a damaged one */
export function elementsOf(input: RdbInput, type: number, isValkey: boolean): Elements {
  switch (familyOf(type)) {
    case "string":
      return stringPieces(input);
    case "list":
      return listItems(input, type);
    case "set":
      return setItems(input, type);
    case "sorted set":
      return members(input, type);
    case "hash":
      return fields(input, type, isValkey);
    case "stream":
      return streamElements(input, type);
    default:
      throw rdbError(`A value of type ${type} cannot be taken apart`);
  }
}

const PIECE_BYTES = 256 * 1024;

function* stringPieces(input: RdbInput): Elements {
  const start = input.position;
  const length = yield* readLengthOrEncoding(input);
  if (length < 0) {
    input.position = start;
    const bytes = yield* readString(input);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield { kind: "piece", bytes: bytes.subarray(at, at + PIECE_BYTES) };
    return;
  }
  for (let left = length; left > 0; ) {
    const taken = Math.min(left, PIECE_BYTES);
    yield { kind: "piece", bytes: yield* readBytes(input, taken) };
    left -= taken;
  }
}

/** Containers of a quicklist. */
const PLAIN = 1;
const PACKED = 2;

function* listItems(input: RdbInput, type: number): Elements {
  const strings = type === TYPE.listZiplist ? 1 : yield* readLength(input);
  for (let left = strings; left > 0; left -= 1) {
    const container = type === TYPE.listQuicklist2 ? yield* readLength(input) : 0;
    const bytes = yield* readString(input);
    if (type === TYPE.list || container === PLAIN) yield { kind: "item", item: bytes };
    else if (container === PACKED) yield* itemsOf(listpackItems(bytes));
    else if (container === 0) yield* itemsOf(ziplistItems(bytes));
    else throw rdbError(`Unknown container ${container} in a list`);
  }
}

function* setItems(input: RdbInput, type: number): Elements {
  if (type === TYPE.setIntset) return yield* itemsOf(intsetItems(yield* readString(input)));
  if (type === TYPE.setListpack) return yield* itemsOf(listpackItems(yield* readString(input)));
  for (let left = yield* readLength(input); left > 0; left -= 1) yield { kind: "item", item: yield* readString(input) };
}

function* itemsOf(items: Iterable<Buffer>): Elements {
  for (const item of items) yield { kind: "item", item };
}

function* members(input: RdbInput, type: number): Elements {
  if (type === TYPE.sortedSetZiplist || type === TYPE.sortedSetListpack) {
    const bytes = yield* readString(input);
    const items = type === TYPE.sortedSetZiplist ? ziplistItems(bytes) : listpackItems(bytes);
    for (const [member, score] of groups(items, 2)) yield { kind: "member", member: member!, score: score! };
    return;
  }
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    const member = yield* readString(input);
    const score = type === TYPE.sortedSet2 ? formatScore(yield* readDouble(input)) : yield* readOldScore(input);
    yield { kind: "member", member, score };
  }
}

/** The shortest text that reads back as the same number; minus zero is a number of its own. */
function formatScore(score: number): string {
  if (Object.is(score, -0)) return "-0";
  return Number.isFinite(score) ? String(score) : score > 0 ? "inf" : "-inf";
}

function* readOldScore(input: RdbInput): Generator<typeof NEED, string | Buffer, void> {
  const length = yield* readByte(input);
  if (length === 253) throw rdbError("A score that is not a number");
  if (length > 253) return length === 254 ? "inf" : "-inf";
  return yield* readBytes(input, length);
}

function* fields(input: RdbInput, type: number, isValkey: boolean): Elements {
  if (type === TYPE.hashMetadata || (type === TYPE.hashMetadataPreGa && !isValkey)) return yield* fieldsWithExpiry(input, type);
  if (type === TYPE.hash || type === TYPE.hashMetadataPreGa) {
    for (let left = yield* readLength(input); left > 0; left -= 1) {
      const field = yield* readString(input);
      const value = yield* readString(input);
      // Valkey writes -1 for none.
      const expiresAtMs = type === TYPE.hash ? 0 : Math.max(0, yield* readMilliseconds(input));
      yield { kind: "field", field, value, expiresAtMs };
    }
    return;
  }
  if (type === TYPE.hashListpackEx) yield* readInt64(input);
  const bytes = yield* readString(input);
  if (type === TYPE.hashListpackEx || type === TYPE.hashListpackExPreGa) {
    for (const [field, value, expiry] of groups(listpackItems(bytes), 3))
      yield { kind: "field", field: field!, value: value!, expiresAtMs: Number(expiry!.toString()) };
    return;
  }
  const items = type === TYPE.hashListpack ? listpackItems(bytes) : type === TYPE.hashZipmap ? zipmapItems(bytes) : ziplistItems(bytes);
  for (const [field, value] of groups(items, 2)) yield { kind: "field", field: field!, value: value!, expiresAtMs: 0 };
}

/** Times are counted from the earliest, plus one; 0 stands for none. Release candidates wrote them as they are. */
function* fieldsWithExpiry(input: RdbInput, type: number): Elements {
  const earliest = type === TYPE.hashMetadata ? yield* readMilliseconds(input) : 1;
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    const time = yield* readLength(input);
    const field = yield* readString(input);
    const value = yield* readString(input);
    yield { kind: "field", field, value, expiresAtMs: time === 0 ? 0 : earliest + time - 1 };
  }
}

function* groups(items: Iterable<Buffer>, size: number): Generator<readonly Buffer[]> {
  let group: Buffer[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) throw rdbError("A packed value of the RDB file ends inside a group of items");
}
