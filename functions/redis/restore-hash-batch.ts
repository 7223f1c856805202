import type { Element } from "./rdb-elements.ts";
import type { Reply } from "./resp-replies.ts";
import {
  BATCH_BYTES,
  BATCH_WORDS,
  type BatchResult,
  type CheckedCommand,
  type CommandBatch,
  DONE,
  expectNumber,
  type Word,
} from "./restore-command-batch.ts";

/** Fields by HSET, and the times of those that expire by HPEXPIREAT. */
export class HashBatch implements CommandBatch {
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
