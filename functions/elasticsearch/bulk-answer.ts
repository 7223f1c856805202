import * as z from "zod";
import { DatabaseUnavailableError, IncompleteError } from "../../runner/errors.ts";

/** All that an answer must say to prove what became of every item. Only answers to bulk requests are filtered: searches would be rewritten. */
export const BULK_FILTER = "took,errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by";

export interface BulkAnswer {
  readonly tookMs: number;
  /** One for each document sent, in the order of sending. */
  readonly items: readonly BulkItem[];
}

export interface BulkItem {
  readonly status: number;
  readonly error?: BulkItemError | undefined;
}

export interface BulkItemError {
  readonly type: string;
  /** May quote the document. */
  readonly reason: string;
  /** Of the innermost cause, likewise. */
  readonly cause: string | undefined;
}

/**
 * Reads the answer to a bulk request of so many documents.
 * @throws DatabaseUnavailableError when it is no answer to a bulk request: then it is not known what was done; IncompleteError when it does not account for every document
 */
export function readBulkAnswer(bytes: Buffer, count: number, description: string): BulkAnswer {
  const { took, errors, items } = parse(bytes, description);
  if (items.length !== count)
    throw new IncompleteError(`${description} answers for ${items.length} documents where ${count} were sent`, {
      reason: "AnswerIncomplete",
    });
  const read = items.map((item) => readItem(item, description));
  if (errors !== read.some(({ status }) => status >= 300))
    throw new IncompleteError(`${description} contradicts itself about whether documents were refused`, { reason: "AnswerIncomplete" });
  return { tookMs: took, items: read };
}

const answerSchema = z.object({ took: z.number(), errors: z.boolean(), items: z.array(z.unknown()) });

function parse(bytes: Buffer, description: string): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(bytes.toString("utf8")));
  } catch {
    // Neither message nor cause: what a proxy sends instead may quote what it was sent.
    throw new DatabaseUnavailableError(`${description} answers to a bulk request with something else`, { reason: "UnexpectedAnswer" });
  }
}

/** One for nearly all documents. */
const CREATED: BulkItem = { status: 201 };

interface CauseJson {
  readonly reason?: unknown;
  readonly caused_by?: CauseJson;
}

/** By hand, for there is one for each document. */
function readItem(item: unknown, description: string): BulkItem {
  const [outcome, another] = typeof item === "object" && item !== null ? Object.values(item) : [];
  const { status, error } = (outcome ?? {}) as { readonly status?: unknown; readonly error?: CauseJson & { readonly type?: unknown } };
  if (another !== undefined || typeof status !== "number")
    throw new IncompleteError(`${description} does not say what became of a document`, { reason: "AnswerIncomplete" });
  if (error === undefined) return status === 201 ? CREATED : { status };
  return { status, error: { type: String(error.type ?? ""), reason: String(error.reason ?? ""), cause: innermost(error.caused_by) } };
}

function innermost(cause: CauseJson | undefined): string | undefined {
  let reason: string | undefined;
  for (let current = cause; current !== undefined && current !== null; current = current.caused_by)
    if (typeof current.reason === "string") reason = current.reason;
  return reason;
}
