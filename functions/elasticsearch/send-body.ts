import { DatabaseRefusedError, DatabaseUnavailableError, IncompleteError } from "../../runner/errors.ts";
import type { BulkAnswer, BulkItem } from "./bulk-answer.ts";
import type { BulkGate } from "./bulk-gate.ts";
import { type BulkPiece, halve, idOf, keepOnly } from "./bulk-piece.ts";
import { type BulkOutcome, type BulkTransport, sendBulk } from "./send-bulk.ts";
import { refuseDocument, type SettleParts, settleItems } from "./settle-items.ts";

export interface SendParts extends SettleParts {
  readonly transport: BulkTransport;
  /** The target makes the ids, always the same for the same document. */
  readonly idsAreDerived: boolean;
  readonly gate: BulkGate;
  readonly signal: AbortSignal;
}

/**
 * Sends a body until the target has taken or refused every document of it, counted in the tally. What is refused for the moment is sent again,
 * as is everything whose answer was lost: with their ids, documents take their own places. Changes the body's bytes.
 * @throws HoldfastError when going on has no use, or nothing moves any more
 */
export async function sendBody(body: BulkPiece, parts: SendParts): Promise<void> {
  const sinceMs = performance.now();
  const trouble = { repetitions: 0, sinceMs, isUncertain: false, lostAnswers: 0, failures: 0, diskFullSinceMs: undefined };
  await new Delivery(body, parts, trouble).send();
}

/** A server that failed at an item so often does so because of the item. */
const MOST_FAILURES = 5;
/** Some proxies cut a request that is too large for them, without a word; below this size none does. */
const SMALLEST_SPLIT_BYTES = 256 * 1024;
const LOST_BEFORE_SPLIT = 3;
const TOO_LARGE: BulkItem = {
  status: 413,
  error: {
    type: "request_too_large",
    reason: "The target takes no request that large (http.max_content_length, or a proxy's limit)",
    cause: undefined,
  },
};

/** What happened to a piece so far. */
interface Trouble {
  /** Times that it was sent again since something of it was settled, and since when it is in trouble. */
  repetitions: number;
  sinceMs: number;
  /** What became of its documents is not known. */
  isUncertain: boolean;
  lostAnswers: number;
  /** Answers that told of failures at items. */
  failures: number;
  diskFullSinceMs: number | undefined;
}

class Delivery {
  readonly #parts: SendParts;
  readonly #trouble: Trouble;
  #piece: BulkPiece;

  constructor(piece: BulkPiece, parts: SendParts, trouble: Trouble) {
    this.#piece = piece;
    this.#parts = parts;
    this.#trouble = trouble;
  }

  async send(): Promise<void> {
    for (;;) {
      const cause = await this.#sendOnce();
      if (cause === undefined) return;
      await this.#waitToRepeat(cause);
      this.#parts.tally.retriedItems += this.#piece.count;
      const isSuspect = this.#trouble.lostAnswers >= LOST_BEFORE_SPLIT && this.#piece.bytes.length > SMALLEST_SPLIT_BYTES;
      if (isSuspect && this.#piece.count > 1) return this.#sendHalves();
    }
  }

  /** Resolves with the reason why the piece, or what is left of it, is to be sent again; undefined when nothing is. */
  async #sendOnce(): Promise<Error | undefined> {
    const { gate, signal } = this.#parts;
    const { outcome, sentAtMs } = await this.#inTurn();
    if (outcome.kind === "answered") return this.#settle(outcome.answer, sentAtMs);
    if (outcome.kind === "too-large") {
      gate.wasTooLarge(this.#piece.bytes.length);
      if (this.#piece.count > 1) await this.#sendHalves();
      else await refuseDocument(this.#piece, { document: 0, item: TOO_LARGE }, this.#parts);
      return undefined;
    }
    signal.throwIfAborted();
    this.#noteDiskFull(outcome.kind === "disk-full");
    if (outcome.kind !== "disk-full") gate.wasRefusedRoom(sentAtMs);
    if (outcome.kind === "lost") {
      this.#trouble.lostAnswers += 1;
      this.#becomeUncertain(outcome.error);
    }
    return outcome.error;
  }

  async #inTurn(): Promise<{ readonly outcome: BulkOutcome; readonly sentAtMs: number }> {
    const { gate, signal } = this.#parts;
    using _ = await gate.enter(signal);
    const sentAtMs = performance.now();
    return { outcome: await sendBulk(this.#piece, this.#parts), sentAtMs };
  }

  async #settle(answer: BulkAnswer, sentAtMs: number): Promise<Error | undefined> {
    const { gate, index, description } = this.#parts;
    const trouble = this.#trouble;
    const doubts = { isUncertain: trouble.isUncertain, isPatienceOver: trouble.failures >= MOST_FAILURES };
    const { settled, again, hasNoRoom, hasFailed, isDiskFull } = await settleItems(this.#piece, { answer, doubts }, this.#parts);
    if (settled > 0) {
      gate.settled();
      trouble.repetitions = 0;
      trouble.sinceMs = performance.now();
    }
    const [first] = again;
    if (first === undefined) {
      gate.wasTaken(this.#piece.bytes.length, answer.tookMs);
      return undefined;
    }
    const { status, error } = answer.items[first]!;
    this.#piece = keepOnly(this.#piece, again);
    const cause = new DatabaseUnavailableError(`${description} answers ${status} to documents of "${index}": ${error?.type}`);
    if (hasNoRoom) gate.wasRefusedRoom(sentAtMs);
    this.#noteDiskFull(isDiskFull);
    if (hasFailed) {
      trouble.failures += 1;
      this.#becomeUncertain(cause);
    }
    return cause;
  }

  async #sendHalves(): Promise<void> {
    for (const half of halve(this.#piece)) await new Delivery(half, this.#parts, { ...this.#trouble, lostAnswers: 0 }).send();
  }

  #noteDiskFull(isDiskFull: boolean): void {
    this.#trouble.diskFullSinceMs = isDiskFull ? (this.#trouble.diskFullSinceMs ?? performance.now()) : undefined;
  }

  /** @throws IncompleteError when sending the documents again could leave some twice */
  #becomeUncertain(cause: Error): void {
    this.#trouble.isUncertain = true;
    const { index, idsAreDerived, description } = this.#parts;
    const piece = this.#piece;
    const isNamed = (document: number) => idOf(piece, document) !== undefined;
    if (idsAreDerived || Array.from({ length: piece.count }, (_, document) => document).every(isNamed)) return;
    throw new IncompleteError(`An answer of ${description} was lost, and documents of "${index}" have no ids: they cannot be sent again`, {
      reason: "AnswerLost",
      cause,
      hint: "Whether they are there is not known: restore again with --policy replace",
    });
  }

  async #waitToRepeat(cause: Error): Promise<void> {
    const { gate, index, description, signal } = this.#parts;
    const { diskFullSinceMs, sinceMs } = this.#trouble;
    if (diskFullSinceMs !== undefined && performance.now() - diskFullSinceMs >= gate.diskPatienceMs)
      throw new DatabaseRefusedError(`${description} takes nothing more for "${index}": a disk has passed the flood-stage watermark`, {
        reason: "TargetDiskFull",
        cause,
        hint: "Make room on the data nodes; the target then lifts index.blocks.read_only_allow_delete by itself, old versions do not",
      });
    this.#trouble.repetitions += 1;
    await gate.backOff(this.#trouble.repetitions, { sinceMs, cause, signal });
  }
}
