import type { Element } from "./rdb-elements.ts";
import type { Reply } from "./resp-replies.ts";

export type Word = string | number | Uint8Array;

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

export const BATCH_BYTES = 256 * 1024;
export const BATCH_WORDS = 4096;

export const DONE: BatchResult = { kind: "done" };

export function expectNumber(expected: number, what: string): (reply: Reply) => BatchResult {
  return (reply) => (reply === expected ? DONE : { kind: "changed", what: `${what} ${JSON.stringify(reply)} instead of ${expected}` });
}
