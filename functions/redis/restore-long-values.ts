import { familyOf } from "./rdb-elements.ts";
import { EVENT } from "./rdb-events.ts";
import { TYPE } from "./rdb-format.ts";
import type { RdbWalker } from "./rdb-walker.ts";
import { type PiecewiseParts, PiecewiseValue } from "./restore-piecewise.ts";
import type { RestoreWriter } from "./restore-writer.ts";

export interface LongValueParts extends PiecewiseParts {
  readonly walker: RdbWalker;
  readonly writer: RestoreWriter;
}

/** Room in a command for what stands around a value. */
const PAYLOAD_BYTES = 64;
/**
 * Lists, sets, sorted sets and hashes longer than this are written in pieces, although one command could carry them: nothing tells how long they
 * are before their end, so that they must be held, and the target stands still while it takes them whole. Streams and modules lose by pieces.
 */
const MAX_HELD_BYTES = 128 * 1024 * 1024;

/** In front of a long string. */
const LENGTH_BYTES = 5;

type Mode = "streamed" | "held" | "piecewise" | "ignored";

/** Takes the records that do not go the short way: those that must wait for room, and those whose values come in parts. */
export class LongValues {
  readonly #parts: LongValueParts;
  #mode: Mode = "held";
  #held: Buffer[] = [];
  #heldBytes = 0;
  #piecewise: PiecewiseValue | undefined;
  #isInsideCommand = false;

  constructor(parts: LongValueParts) {
    this.#parts = parts;
  }

  /** Whether a command stands half written in the link, so that no other can be sent. */
  get isInsideCommand(): boolean {
    return this.#isInsideCommand;
  }

  /** Takes one of the events record, part and lastPart. */
  async take(event: number): Promise<void> {
    const { walker, writer } = this.#parts;
    const value = walker.buffer.subarray(walker.valueStart, walker.valueEnd);
    if (event === EVENT.record) {
      if (value.length + PAYLOAD_BYTES <= this.#parts.maxBulkBytes) return writer.restore(walker);
      await this.#startPiecewise();
    } else if (walker.partStart === 0) await this.#start();
    await this.#feed(value);
    if (event !== EVENT.part) await this.#finish();
  }

  /** After a failure: removes what was written of a value in pieces, if that can still be done. */
  async abandon(): Promise<void> {
    // When the link is gone, the key vanishes by itself.
    if (!this.#isInsideCommand) await this.#piecewise?.abandon().catch(() => undefined);
  }

  async #start(): Promise<void> {
    const { walker, writer, maxBulkBytes } = this.#parts;
    this.#held = [];
    this.#heldBytes = 0;
    this.#mode = "held";
    if (walker.valueBytes < 0) return;
    if (walker.valueBytes + PAYLOAD_BYTES > maxBulkBytes) return this.#startPiecewise();
    this.#mode = "streamed";
    this.#isInsideCommand = true;
    await writer.begin(walker, walker.valueBytes);
  }

  async #startPiecewise(): Promise<void> {
    const { walker, tally, maxBulkBytes } = this.#parts;
    const key = walker.key();
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) {
      this.#mode = "ignored";
      tally.refuse(key, `ERR ${obstacle} is longer than the target takes (proto-max-bulk-len ${maxBulkBytes})`);
      return;
    }
    this.#mode = "piecewise";
    const isValkey = walker.header.flavour === "valkey";
    this.#piecewise = new PiecewiseValue({ key, type: walker.type, isValkey, expiresAtMs: walker.expiresAtMs }, this.#parts);
    await this.#piecewise.start();
  }

  /** What cannot be written in pieces either. A string may not grow beyond what a command may carry. */
  #obstacle(): string | undefined {
    const { walker, maxBulkBytes } = this.#parts;
    if (familyOf(walker.type) === undefined) return `the value of module type ${walker.module}`;
    const isTooLong = walker.type === TYPE.string && walker.valueBytes > maxBulkBytes + LENGTH_BYTES;
    return isTooLong ? "the string" : undefined;
  }

  async #feed(value: Buffer): Promise<void> {
    if (this.#mode === "streamed") await this.#parts.writer.feed(value);
    else if (this.#mode === "piecewise") await this.#piecewise?.feed(value);
    else if (this.#mode === "held") await this.#hold(value);
  }

  async #hold(value: Buffer): Promise<void> {
    this.#held.push(Buffer.from(value));
    this.#heldBytes += value.length;
    if (this.#heldBytes <= this.#mostHeld()) return;
    const held = this.#held;
    this.#held = [];
    await this.#startPiecewise();
    for (const part of held) await this.#feed(part);
  }

  #mostHeld(): number {
    const most = this.#parts.maxBulkBytes - PAYLOAD_BYTES;
    const family = familyOf(this.#parts.walker.type);
    return family === undefined || family === "stream" ? most : Math.min(most, MAX_HELD_BYTES);
  }

  async #finish(): Promise<void> {
    const { walker, writer } = this.#parts;
    if (this.#mode === "held") {
      this.#isInsideCommand = true;
      await writer.begin(walker, this.#heldBytes);
      for (const part of this.#held) await writer.feed(part);
      this.#held = [];
    }
    if (this.#isInsideCommand) await writer.end(walker);
    this.#isInsideCommand = false;
    await this.#piecewise?.finish();
    this.#piecewise = undefined;
  }
}
