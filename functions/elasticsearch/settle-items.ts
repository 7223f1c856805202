import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import type { BulkAnswer, BulkItem } from "./bulk-answer.ts";
import { type BulkPiece, documentOf, idOf } from "./bulk-piece.ts";
import { judgeItem } from "./judge-item.ts";
import type { Refusals } from "./refusals.ts";

/** Counts of one load. */
export interface LoadTally {
  documents: number;
  overwritten: number;
  refused: number;
  retriedItems: number;
}

export interface SettleParts {
  readonly index: string;
  readonly action: "index" | "create";
  /** Of the endpoint. */
  readonly description: string;
  readonly refusals: Refusals;
  readonly tally: LoadTally;
  readonly log: Log;
  readonly progress: (accepted: { readonly documents: number; readonly bytes: number }) => void;
}

export interface Settlement {
  /** Documents with their final answer: accepted or refused. */
  readonly settled: number;
  /** Those without, in ascending order. */
  readonly again: readonly number[];
  readonly hasNoRoom: boolean;
  readonly isDiskFull: boolean;
  /** The target failed at some of those that are to be sent again: what became of them is not known. */
  readonly hasFailed: boolean;
}

/** What is known of the documents from answers before. */
export interface Doubts {
  readonly isUncertain: boolean;
  /** No failure at an item is taken for an accident any more. */
  readonly isPatienceOver: boolean;
}

/** So many refusals and nothing else are no accident. */
const HOPELESS_REFUSALS = 10_000;

/** Counts and records what an answer settles. @throws DatabaseRefusedError when nothing is taken at all */
export async function settleItems(
  piece: BulkPiece,
  { answer, doubts }: { readonly answer: BulkAnswer; readonly doubts: Doubts },
  parts: SettleParts,
): Promise<Settlement> {
  const { tally, index, action, description } = parts;
  const context = { index, action, description, isUncertain: doubts.isUncertain };
  const again: number[] = [];
  const met = new Set<string>();
  let accepted = 0;
  let bytes = piece.bytes.length;
  for (const [document, item] of answer.items.entries()) {
    const verdict = judgeItem(item, context);
    if (verdict === "accepted" || verdict === "overwritten") {
      accepted += 1;
      tally.documents += 1;
      if (verdict === "overwritten") tally.overwritten += 1;
      continue;
    }
    bytes -= documentOf(piece, document).length;
    if (verdict === "refused" || (verdict === "failed" && doubts.isPatienceOver)) await refuseDocument(piece, { document, item }, parts);
    else {
      met.add(verdict);
      again.push(document);
    }
  }
  if (accepted > 0) parts.progress({ documents: accepted, bytes });
  return {
    settled: answer.items.length - again.length,
    again,
    hasNoRoom: met.has("no-room"),
    isDiskFull: met.has("disk-full"),
    hasFailed: met.has("failed"),
  };
}

/** Records a document that the target does not take. @throws DatabaseRefusedError when it took none of very many */
export async function refuseDocument(
  piece: BulkPiece,
  { document, item }: { readonly document: number; readonly item: BulkItem },
  { tally, index, refusals, description, log }: SettleParts,
): Promise<void> {
  const { status, error = { type: "", reason: "no reason was given", cause: undefined } } = item;
  const { type, reason, cause } = error;
  if (tally.refused === 0) log.warn("The target refuses documents", { index, status, type });
  tally.refused += 1;
  await refusals.add({ index, id: idOf(piece, document), status, type, reason, cause, lines: documentOf(piece, document) });
  // Whoever asked for a file of all of them gets all of them.
  if (tally.documents > 0 || tally.refused < HOPELESS_REFUSALS || refusals.isKept) return;
  throw new DatabaseRefusedError(`${description} refused the first ${tally.refused} documents of "${index}" and took none`, {
    reason: "DocumentsRefused",
    facts: refusals.facts(),
    hint: "--dead-letters FILE goes on, and keeps what is refused, with the reasons",
  });
}
