import { DatabaseRefusedError } from "../../runner/errors.ts";
import { describeKey, TYPE } from "./rdb-format.ts";
import { EVENT, type RdbWalker } from "./rdb-walker.ts";
import type { RespLink } from "./resp-link.ts";
import type { RestorePolicy, RestoreTally } from "./restore-tally.ts";
import type { RestoreWriter } from "./restore-writer.ts";

export interface LongValueParts {
  readonly link: RespLink;
  readonly walker: RdbWalker;
  readonly writer: RestoreWriter;
  readonly tally: RestoreTally;
  readonly policy: RestorePolicy;
  readonly maxBulkBytes: number;
}

/** Type, version and checksum; and some room for what a server may count besides. */
const PAYLOAD_BYTES = 64;

/** Takes the records that do not go the short way: those that must wait for room, and those whose values come in parts. */
export class LongValues {
  readonly #parts: LongValueParts;
  /** Whether the value that is under way was announced with its length, and goes as it comes. */
  #isStreaming = false;
  #isInside = false;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(parts: LongValueParts) {
    this.#parts = parts;
  }

  /** Whether a command stands half written in the link. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /** Takes one of the events record, part and lastPart. */
  async take(event: number): Promise<void> {
    const { walker, writer } = this.#parts;
    if (event === EVENT.record) {
      await writer.restore(walker);
      return;
    }
    const value = walker.buffer.subarray(walker.valueStart, walker.valueEnd);
    if (walker.partStart === 0) await this.#start();
    if (this.#isStreaming) await writer.feed(value);
    else this.#hold(value);
    if (event === EVENT.lastPart) await this.#finish();
  }

  async #start(): Promise<void> {
    const { walker, writer, maxBulkBytes } = this.#parts;
    this.#isStreaming = walker.valueBytes >= 0 && walker.valueBytes + PAYLOAD_BYTES <= maxBulkBytes;
    if (!this.#isStreaming) return;
    this.#isInside = true;
    await writer.begin(walker, walker.valueBytes);
  }

  #hold(value: Buffer): void {
    this.#held.push(Buffer.from(value));
    this.#heldBytes += value.length;
  }

  async #finish(): Promise<void> {
    const { walker, writer } = this.#parts;
    if (!this.#isStreaming) {
      this.#isInside = true;
      await writer.begin(walker, this.#heldBytes);
      for (const value of this.#held) await writer.feed(value);
      this.#held = [];
      this.#heldBytes = 0;
    }
    await writer.end(walker);
    this.#isInside = false;
    this.#isStreaming = false;
  }
}
void DatabaseRefusedError;
void describeKey;
void TYPE;
