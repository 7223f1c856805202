import type { Element, Family } from "./rdb-elements.ts";
import type { PendingEntry } from "./rdb-stream-elements.ts";
import type { Reply } from "./resp-replies.ts";

type Word = string | number | Uint8Array;

export type BatchResult = { readonly kind: "done" } | { readonly kind: "changed" | "lost"; readonly what: string };

/** A command, and what its reply must be for the key to be ours alone. */
export interface CheckedCommand {
  readonly words: readonly Word[];
  check(reply: Reply): BatchResult;
}

/** Gathers elements of one value into commands. */
export interface CommandBatch {
  /** Time to `take` the commands. */
  readonly isFull: boolean;
  /** Whether the key may be gone at the end although all is well. */
  readonly mayVanish: boolean;
  add(element: Element): void;
  take(): CheckedCommand[];
}

const BATCH_BYTES = 256 * 1024;
const BATCH_WORDS = 4096;

/** The commands that add to a value of this family. */
export function commandsFor(family: Family | undefined, key: Buffer): CommandBatch {
  switch (family) {
    case "string":
      return new AddingBatch(["APPEND", key], "length");
    case "list":
      return new AddingBatch(["RPUSH", key], "total");
    case "set":
      return new AddingBatch(["SADD", key], "added");
    case "sorted set":
      return new AddingBatch(["ZADD", key], "added");
    case "hash":
      return new HashBatch(key);
    case "stream":
      return new StreamBatch(key);
    default:
      throw new Error("only RESTORE can write this value");
  }
}

const DONE: BatchResult = { kind: "done" };

function expectNumber(expected: number, what: string): (reply: Reply) => BatchResult {
  return (reply) => (reply === expected ? DONE : { kind: "changed", what: `${what} ${JSON.stringify(reply)} instead of ${expected}` });
}

/** One command whose arguments are the elements. It answers how many are new, or how many (bytes) there are now in all. */
class AddingBatch implements CommandBatch {
  readonly mayVanish = false;
  readonly #head: readonly Word[];
  readonly #answer: "length" | "total" | "added";
  #words: Word[] = [];
  #bytes = 0;
  #elements = 0;
  #total = 0;

  constructor(head: readonly Word[], answer: "length" | "total" | "added") {
    this.#head = head;
    this.#answer = answer;
  }

  get isFull(): boolean {
    // APPEND takes one piece at a time.
    return this.#bytes >= BATCH_BYTES || this.#words.length >= BATCH_WORDS || (this.#answer === "length" && this.#words.length > 0);
  }

  add(element: Element): void {
    const words: Word[] =
      element.kind === "piece"
        ? [element.bytes]
        : element.kind === "item"
          ? [element.item]
          : element.kind === "member"
            ? [element.score, element.member]
            : [];
    for (const word of words) this.#bytes += Buffer.byteLength(word as string | Uint8Array);
    this.#words.push(...words);
    this.#elements += 1;
  }

  take(): CheckedCommand[] {
    if (this.#words.length === 0) return [];
    const [name = ""] = this.#head;
    const gained = this.#answer === "length" ? this.#bytes : this.#elements;
    this.#total += gained;
    const expected = this.#answer === "added" ? gained : this.#total;
    const command = { words: [...this.#head, ...this.#words], check: expectNumber(expected, `${String(name)} answered`) };
    this.#words = [];
    this.#bytes = 0;
    this.#elements = 0;
    return [command];
  }
}

/** Fields by HSET, and the times of those that expire by HPEXPIREAT. */
class HashBatch implements CommandBatch {
  readonly #key: Buffer;
  #words: Word[] = [];
  #bytes = 0;
  /** Fields by their time. */
  #expiring = new Map<number, Buffer[]>();
  #hasExpiring = false;

  constructor(key: Buffer) {
    this.#key = key;
  }

  get isFull(): boolean {
    return this.#bytes >= BATCH_BYTES || this.#words.length >= BATCH_WORDS;
  }

  get mayVanish(): boolean {
    return this.#hasExpiring;
  }

  add(element: Element): void {
    if (element.kind !== "field") return;
    const { field, value, expiresAtMs } = element;
    this.#words.push(field, value);
    this.#bytes += field.length + value.length;
    if (expiresAtMs === 0) return;
    this.#hasExpiring = true;
    const others = this.#expiring.get(expiresAtMs);
    if (others === undefined) this.#expiring.set(expiresAtMs, [field]);
    else others.push(field);
  }

  take(): CheckedCommand[] {
    if (this.#words.length === 0) return [];
    const commands: CheckedCommand[] = [
      { words: ["HSET", this.#key, ...this.#words], check: expectNumber(this.#words.length / 2, "HSET answered") },
    ];
    for (const [expiresAtMs, fields] of this.#expiring)
      commands.push({ words: ["HPEXPIREAT", this.#key, expiresAtMs, "FIELDS", fields.length, ...fields], check: expectFieldTimes });
    this.#words = [];
    this.#bytes = 0;
    this.#expiring = new Map();
    return commands;
  }
}

/** 1: set. 2: the time had passed, so the field is gone. */
function expectFieldTimes(reply: Reply): BatchResult {
  const isGood = Array.isArray(reply) && reply.every((answer) => answer === 1 || answer === 2);
  return isGood ? DONE : { kind: "changed", what: "a field vanished" };
}

/** Entries by XADD, then the counters, groups, consumers and what is pending for them. */
class StreamBatch implements CommandBatch {
  readonly mayVanish = false;
  readonly #key: Buffer;
  #commands: CheckedCommand[] = [];
  #bytes = 0;
  #entries = 0;

  constructor(key: Buffer) {
    this.#key = key;
  }

  get isFull(): boolean {
    return this.#bytes >= BATCH_BYTES || this.#commands.length >= BATCH_WORDS;
  }

  add(element: Element): void {
    const key = this.#key;
    switch (element.kind) {
      case "entry":
        this.#entries += 1;
        this.#bytes += element.words.reduce((sum, word) => sum + word.length, 64);
        return this.#push(["XADD", key, element.id, ...element.words], (reply) => String(reply) === element.id);
      case "state": {
        const { lastId, added } = element;
        // A stream without entries comes into being by a group of it, which goes again.
        if (this.#entries === 0) {
          this.#push(["XGROUP", "CREATE", key, "holdfast", "0", "MKSTREAM"], isOk);
          this.#push(["XGROUP", "DESTROY", key, "holdfast"], (reply) => reply === 1);
        }
        const counters = added === undefined ? [] : ["ENTRIESADDED", String(added.entriesAdded), "MAXDELETEDID", added.maxDeletedId];
        return this.#push(["XSETID", key, lastId, ...counters], isOk);
      }
      case "group": {
        const read = element.entriesRead === undefined ? [] : ["ENTRIESREAD", String(element.entriesRead)];
        return this.#push(["XGROUP", "CREATE", key, element.group, element.lastId, ...read], isOk);
      }
      case "consumer":
        this.#push(["XGROUP", "CREATECONSUMER", key, element.group, element.consumer], (reply) => reply === 1);
        return this.#claim(element.group, element.consumer, element.pending);
      default:
    }
  }

  take(): CheckedCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    this.#bytes = 0;
    return commands;
  }

  /** Entries with the same time and count go together. Those that were deleted from the stream since cannot be claimed. */
  #claim(group: Buffer, consumer: Buffer, pending: readonly PendingEntry[]): void {
    const alike = Map.groupBy(pending, ({ deliveredAtMs, deliveries }) => `${deliveredAtMs} ${deliveries}`);
    for (const [how, entries] of alike) {
      const [time = "", count = ""] = how.split(" ");
      for (let from = 0; from < entries.length; from += 1000) {
        const ids = entries.slice(from, from + 1000).map(({ id }) => id);
        this.#commands.push({
          words: ["XCLAIM", this.#key, group, consumer, 0, ...ids, "TIME", time, "RETRYCOUNT", count, "FORCE", "JUSTID"],
          check: (reply) => claimResult(reply, ids.length),
        });
        this.#bytes += 40 * ids.length;
      }
    }
  }

  #push(words: readonly Word[], isExpected: (reply: Reply) => boolean): void {
    const name = String(words[0]);
    this.#commands.push({
      words,
      check: (reply) => (isExpected(reply) ? DONE : { kind: "changed", what: `${name} was not answered as expected` }),
    });
  }
}

function claimResult(reply: Reply, expected: number): BatchResult {
  const claimed = Array.isArray(reply) ? reply.length : 0;
  if (claimed === expected) return DONE;
  return { kind: "lost", what: `${expected - claimed} pending entries whose messages were deleted were not restored: a group` };
}

function isOk(reply: Reply): boolean {
  return String(reply) === "OK";
}
