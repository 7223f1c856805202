// load: what brings the hit lines of one index into the target. body: one bulk request. item: one document of it.
// refused document, dead letter: one that the target does not take, and its record.
import type { Log } from "../../runner/function.ts";
import type { BulkGate } from "./bulk-gate.ts";
import type { Refusals } from "./refusals.ts";

export interface LoadRequest {
  /** The target's name of the index or data stream; it exists. */
  readonly index: string;
  /** Whose lines belong into it, in whatever order. */
  readonly streams: readonly LoadStream[];
  /** `create` for data streams, which take nothing else; it never writes over a document. */
  readonly action: "index" | "create";
  /** Time series: ids and routing are made by the server from the documents, and it refuses others. */
  readonly omitIds?: boolean;
  /** One stream after the other, each begun when everything of the one before was answered. */
  readonly ordered?: boolean;
}

export interface LoadStream {
  readonly name: string;
  /** Chunks of hit lines, cut anywhere. Called once; the chunk's memory is the loader's until it asks for the next. */
  readonly lines: () => AsyncIterable<Uint8Array>;
}

export interface LoadParts {
  /** Shared by all indices of a restore. */
  readonly gate: BulkGate;
  readonly refusals: Refusals;
  readonly signal: AbortSignal;
  /** Aborted with the first failure of any load that shares it, which ends all of them; a load's own when absent. */
  readonly failure?: AbortController;
  readonly log: Log;
  /** Called with what was accepted since it was called last. */
  readonly progress: (accepted: { readonly documents: number; readonly bytes: number }) => void;
}

/** Every line that was read was either accepted or refused: `read = documents + refused`. */
export interface LoadResult {
  /** Accepted by the target. */
  readonly documents: number;
  readonly refused: number;
  /** Of `documents`: those that took the place of another with the same id, which no repetition of ours explains. */
  readonly overwritten: number;
  /** Items that were sent again because the target had no room for them, or because its answer was lost. */
  readonly retriedItems: number;
  /** Lines of all streams. */
  readonly read: number;
  /** Of what was read: the sum over all documents, to compare with the manifest's. */
  readonly digest: bigint;
  readonly streams: readonly StreamReading[];
}

export interface StreamReading {
  readonly name: string;
  readonly read: number;
  readonly digest: bigint;
}
