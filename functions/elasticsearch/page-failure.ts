import * as z from "zod";
import { DatabaseUnavailableError } from "../../runner/errors.ts";
import { MalformedPageError, type PageHead } from "./page-reading.ts";
import { faultOf } from "./server-error.ts";

/** A page's answer grew beyond what we take. */
export class PageTooLargeError extends Error {
  override readonly name = "PageTooLargeError";
}

/** A page that is whole as JSON, but by its own words not whole as an answer. */
export class UnsoundPageError extends Error {
  override readonly name = "UnsoundPageError";
  /** Of failed shards: "circuit_breaking_exception". Undefined when the server tells of no failure, but the answer cannot be right. */
  readonly failureTypes: readonly string[] | undefined;

  constructor(message: string, failureTypes?: readonly string[]) {
    super(message);
    this.failureTypes = failureTypes;
  }
}

/** What to do about a request for a page that failed. */
export type PageVerdict =
  /** Ask again, as long as there is patience. */
  | "repeat"
  /** Ask again a few times: it may be chance, but waiting helps no more than that. */
  | "repeat-few"
  /** Ask for fewer hits. */
  | "smaller"
  /** Ask again, and less at once. */
  | "slower"
  /** Nobody answers for the shard: ask again, unless its index is not there any more. */
  | "absent"
  /** The cursor is gone. */
  | "gone"
  | "final";

const GONE: ReadonlySet<string> = new Set([
  "search_context_missing_exception",
  "index_not_found_exception",
  "index_closed_exception",
  "shard_not_found_exception",
]);
const ABSENT: ReadonlySet<string> = new Set(["no_shard_available_action_exception", "illegal_index_shard_state_exception"]);
const BUSY: ReadonlySet<string> = new Set(["es_rejected_execution_exception", "rejected_execution_exception"]);

export function judgePageFailure(error: unknown): PageVerdict {
  if (error instanceof PageTooLargeError) return "smaller";
  if (error instanceof MalformedPageError) return error.fault === "unexpected" ? "repeat-few" : "repeat";
  if (error instanceof UnsoundPageError)
    return error.failureTypes === undefined ? "repeat-few" : (judgeTypes(error.failureTypes) ?? "repeat");
  const fault = faultOf(error);
  if (fault === undefined) return error instanceof DatabaseUnavailableError ? "repeat" : "final";
  const byType = judgeTypes([fault.type]);
  if (byType !== undefined) return byType;
  if (/Data too large|(Result window|Batch size) is too large/.test(fault.message)) return "smaller";
  if (fault.status === 404) return "gone";
  if (fault.status === 429) return "slower";
  if (error instanceof DatabaseUnavailableError) return "repeat";
  return fault.status >= 500 ? "repeat-few" : "final";
}

/** @throws UnsoundPageError for an answer that says itself that something is missing */
export function assertSound({ shards, timedOut, terminatedEarly }: PageHead): void {
  if (shards.failed !== 0 || shards.failures.length > 0) {
    const types = shards.failures.map(typeOf);
    throw new UnsoundPageError(`The shard failed to answer: ${types.join(", ") || "no reason given"}`, types);
  }
  if (timedOut) throw new UnsoundPageError("The search timed out inside the server", []);
  if (terminatedEarly) throw new UnsoundPageError("The search was ended early inside the server", []);
  // One cursor is one shard: an answer of more or none would be of something else.
  if (shards.total !== 1 || shards.successful !== 1)
    throw new UnsoundPageError(`The answer is of ${shards.successful} of ${shards.total} shards and not of one`);
}

function judgeTypes(types: readonly string[]): PageVerdict | undefined {
  if (types.some((type) => GONE.has(type))) return "gone";
  if (types.some((type) => ABSENT.has(type))) return "absent";
  if (types.includes("circuit_breaking_exception")) return "smaller";
  return types.some((type) => BUSY.has(type)) ? "slower" : undefined;
}

const failure = z.object({ reason: z.object({ type: z.string(), caused_by: z.object({ type: z.string() }).optional() }) });

function typeOf(value: unknown): string {
  const parsed = failure.safeParse(value);
  if (!parsed.success) return "unknown";
  const { type, caused_by } = parsed.data.reason;
  return caused_by !== undefined && !isTelling(type) ? caused_by.type : type;
}

function isTelling(type: string): boolean {
  return judgeTypes([type]) !== undefined;
}
