import { DatabaseUnavailableError, HoldfastError } from "../../runner/errors.ts";
import { BULK_FILTER, type BulkAnswer, readBulkAnswer } from "./bulk-answer.ts";
import type { BulkPiece } from "./bulk-piece.ts";
import { isDiskFull } from "./judge-item.ts";
import { faultOf } from "./server-error.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

export type BulkTransport = Pick<SearchTransport, "bytes" | "json" | "description">;

export type BulkOutcome =
  | { readonly kind: "answered"; readonly answer: BulkAnswer }
  /** Nothing was done: the request is larger than the target, or a proxy, takes. */
  | { readonly kind: "too-large" }
  /** Nothing was done, for the moment. */
  | { readonly kind: "no-room" | "disk-full"; readonly error: Error }
  /** What was done is not known. */
  | { readonly kind: "lost"; readonly error: Error };

/** Sends one bulk request, once. @throws what would only come again, and the signal's reason */
export async function sendBulk(
  piece: BulkPiece,
  { transport, index, signal }: { readonly transport: BulkTransport; readonly index: string; readonly signal: AbortSignal },
): Promise<BulkOutcome> {
  const chunks: Buffer[] = [];
  const request = {
    method: "POST",
    path: pathOf(index, "_bulk"),
    query: { refresh: false, pipeline: "_none", filter_path: BULK_FILTER },
    body: piece.bytes,
  } as const;
  try {
    await transport.bytes(request, (chunk) => chunks.push(Buffer.from(chunk)));
    return { kind: "answered", answer: readBulkAnswer(Buffer.concat(chunks), piece.count, transport.description) };
  } catch (error) {
    signal.throwIfAborted();
    return outcomeOf(error);
  }
}

function outcomeOf(error: unknown): BulkOutcome {
  if (!(error instanceof HoldfastError)) throw error;
  const fault = faultOf(error);
  if (fault === undefined && error instanceof DatabaseUnavailableError) return { kind: "lost", error };
  if (fault === undefined) throw error;
  const { status, type, message } = fault;
  if (status === 413 || type === "too_long_frame_exception") return { kind: "too-large" };
  if (isDiskFull({ status, error: { type, reason: message, cause: undefined } })) return { kind: "disk-full", error };
  if (status === 429) return { kind: "no-room", error };
  // A gateway gave up waiting, or the server broke; either may have passed the request on.
  if (status === 408 || status >= 500) return { kind: "lost", error };
  throw error;
}
