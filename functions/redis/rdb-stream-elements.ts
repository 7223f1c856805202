import { rdbError, TYPE } from "./rdb-format.ts";
import type { NEED, RdbInput } from "./rdb-input.ts";
import { listpackItems } from "./rdb-listpack.ts";
import { readBytes, readInt64, readLength, readLength64, readString } from "./rdb-read.ts";

/** Identifiers are text, as commands take them: "1526919030474-55". */
export type StreamElement =
  | { readonly kind: "entry"; readonly id: string; readonly words: readonly Buffer[] }
  | { readonly kind: "state"; readonly lastId: string; readonly added: StreamCounters | undefined }
  | { readonly kind: "group"; readonly group: Buffer; readonly lastId: string; readonly entriesRead: bigint | undefined }
  | { readonly kind: "consumer"; readonly group: Buffer; readonly consumer: Buffer; readonly pending: readonly PendingEntry[] };

/** Since 7.0. */
export interface StreamCounters {
  readonly entriesAdded: bigint;
  readonly maxDeletedId: string;
}

export interface PendingEntry {
  readonly id: string;
  readonly deliveredAtMs: bigint;
  readonly deliveries: number;
}

type Reading = Generator<typeof NEED | StreamElement, void, void>;

/** Entries in order, then the stream's counters, then each group followed by its consumers with what is pending for them. */
export function* streamElements(input: RdbInput, type: number): Reading {
  for (let nodes = yield* readLength(input); nodes > 0; nodes -= 1) {
    const nodeKey = yield* readString(input);
    if (nodeKey.length !== 16) throw rdbError("A stream's node has no identifier");
    yield* entriesOf(nodeKey, listpackItems(yield* readString(input)));
  }
  yield* readLength64(input);
  const lastId = yield* readId(input);
  if (type === TYPE.stream) yield { kind: "state", lastId, added: undefined };
  else {
    yield* readId(input);
    const maxDeletedId = yield* readId(input);
    yield { kind: "state", lastId, added: { maxDeletedId, entriesAdded: yield* readLength64(input) } };
  }
  for (let groups = yield* readLength(input); groups > 0; groups -= 1) yield* readGroup(input, type);
}

const DELETED = 1;
const SAME_FIELDS = 2;

/** A node begins with counts and the fields that its entries share; each entry ends with the number of its items. */
function* entriesOf(nodeKey: Buffer, items: Iterator<Buffer>): Reading {
  const milliseconds = nodeKey.readBigUInt64BE(0);
  const sequence = nodeKey.readBigUInt64BE(8);
  const next = () => {
    const { value, done } = items.next();
    if (done) throw rdbError("A stream's node of the RDB file is damaged");
    return value as Buffer;
  };
  const nextNumber = () => Number(next().toString());
  let left = nextNumber() + nextNumber();
  const shared = Array.from({ length: nextNumber() }, next);
  next();
  for (; left > 0; left -= 1) {
    const flags = nextNumber();
    const id = `${milliseconds + BigInt(next().toString())}-${sequence + BigInt(next().toString())}`;
    const words = (flags & SAME_FIELDS) !== 0 ? shared.flatMap((field) => [field, next()]) : Array.from({ length: 2 * nextNumber() }, next);
    next();
    if ((flags & DELETED) === 0) yield { kind: "entry", id, words };
  }
}

/** The group's pending entries come with times and counts; the consumers' lists name the same ones. */
function* readGroup(input: RdbInput, type: number): Reading {
  const group = yield* readString(input);
  const lastId = yield* readId(input);
  const read = type === TYPE.stream ? undefined : yield* readLength64(input);
  // -1 as an unsigned number: the server does not know.
  const entriesRead = read === 0xffff_ffff_ffff_ffffn ? -1n : read;
  yield { kind: "group", group, lastId, entriesRead };
  const pending = new Map<string, PendingEntry>();
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    const id = rawId(yield* readBytes(input, 16));
    pending.set(id, { id, deliveredAtMs: yield* readInt64(input), deliveries: yield* readLength(input) });
  }
  for (let left = yield* readLength(input); left > 0; left -= 1) {
    const consumer = yield* readString(input);
    yield* readBytes(input, type === TYPE.stream3 ? 16 : 8);
    const own: PendingEntry[] = [];
    for (let entries = yield* readLength(input); entries > 0; entries -= 1) {
      const entry = pending.get(rawId(yield* readBytes(input, 16)));
      if (entry === undefined) throw rdbError("A consumer's pending entry is unknown to its group");
      own.push(entry);
    }
    yield { kind: "consumer", group, consumer, pending: own };
  }
}

function* readId(input: RdbInput): Generator<typeof NEED, string, void> {
  return `${yield* readLength64(input)}-${yield* readLength64(input)}`;
}

function rawId(bytes: Buffer): string {
  return `${bytes.readBigUInt64BE(0)}-${bytes.readBigUInt64BE(8)}`;
}
