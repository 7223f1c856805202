import type { Element } from "./rdb-elements.ts";
import type { PendingEntry, StreamCounters } from "./rdb-stream-elements.ts";
import type { Reply } from "./resp-replies.ts";
import {
  BATCH_BYTES,
  BATCH_WORDS,
  type BatchResult,
  type CheckedCommand,
  type CommandBatch,
  DONE,
  type Word,
} from "./restore-command-batch.ts";

/** Entries by XADD, then the counters, groups, consumers and what is pending for them. */
export class StreamBatch implements CommandBatch {
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
    if (element.kind === "entry") this.#addEntry(element.id, element.words);
    else if (element.kind === "state") this.#setState(element.lastId, element.added);
    else if (element.kind === "group") this.#addGroup(element);
    else if (element.kind === "consumer") {
      this.#push(["XGROUP", "CREATECONSUMER", this.#key, element.group, element.consumer], (reply) => reply === 1);
      this.#claim(element.group, element.consumer, element.pending);
    }
  }

  take(): CheckedCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    this.#bytes = 0;
    return commands;
  }

  #addEntry(id: string, words: readonly Buffer[]): void {
    this.#entries += 1;
    this.#bytes += words.reduce((sum, word) => sum + word.length, 64);
    this.#push(["XADD", this.#key, id, ...words], (reply) => String(reply) === id);
  }

  #setState(lastId: string, added: StreamCounters | undefined): void {
    // A stream without entries comes into being by a group of it, which goes again.
    if (this.#entries === 0) {
      this.#push(["XGROUP", "CREATE", this.#key, "holdfast", "0", "MKSTREAM"], isOk);
      this.#push(["XGROUP", "DESTROY", this.#key, "holdfast"], (reply) => reply === 1);
    }
    const counters = added === undefined ? [] : ["ENTRIESADDED", String(added.entriesAdded), "MAXDELETEDID", added.maxDeletedId];
    this.#push(["XSETID", this.#key, lastId, ...counters], isOk);
  }

  #addGroup({ group, lastId, entriesRead }: { group: Buffer; lastId: string; entriesRead: bigint | undefined }): void {
    const read = entriesRead === undefined ? [] : ["ENTRIESREAD", String(entriesRead)];
    this.#push(["XGROUP", "CREATE", this.#key, group, lastId, ...read], isOk);
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
