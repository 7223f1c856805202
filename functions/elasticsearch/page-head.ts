import { z } from "zod";
import { MalformedPageError, type PageHead } from "./page-reading.ts";

/** Reads an answer without its hits: `json` is the whole of it around an empty array. @throws MalformedPageError */
export function readPageHead(json: string, offset: number): PageHead {
  const parsed = envelope.safeParse(parse(json, offset));
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => `"${issue.path.join(".")}"`).join(", ");
    throw new MalformedPageError(`The answer to a search is not shaped as expected: ${fields}`, { fault: "unexpected", offset });
  }
  const { pit_id, _scroll_id, took, timed_out, terminated_early, _shards, hits } = parsed.data;
  return {
    pitId: pit_id,
    scrollId: _scroll_id,
    tookMs: took,
    timedOut: timed_out,
    terminatedEarly: terminated_early ?? false,
    shards: { ..._shards, skipped: _shards.skipped ?? 0, failures: _shards.failures ?? [] },
    total: typeof hits.total === "number" ? { value: hits.total, isLowerBound: false } : readTotal(hits.total),
  };
}

/** What an answer without hits is. */
export function readErrorAnswer(json: string, offset: number): MalformedPageError {
  const parsed = errorAnswer.safeParse(parse(json, offset));
  if (!parsed.success) return new MalformedPageError("The answer to a search holds no hits", { fault: "unexpected", offset });
  const { error, status } = parsed.data;
  const type = typeof error === "string" ? undefined : error.type;
  return new MalformedPageError(`The search was answered by an error: ${type ?? "without a type"}, status ${status ?? "unknown"}`, {
    fault: "error-answer",
    offset,
  });
}

const count = z.int().nonnegative();

const envelope = z.object({
  pit_id: z.string().optional(),
  _scroll_id: z.string().optional(),
  took: count,
  timed_out: z.boolean(),
  terminated_early: z.boolean().optional(),
  _shards: z.object({
    total: count,
    successful: count,
    skipped: count.optional(),
    failed: count,
    failures: z.array(z.unknown()).optional(),
  }),
  hits: z.object({
    total: z.union([count, z.object({ value: count, relation: z.enum(["eq", "gte"]) })]).optional(),
    // Another key of this name behind the hits would have taken their place.
    hits: z.array(z.unknown()).length(0),
  }),
});

// Types of errors are fixed words: a reason could quote a document.
const errorAnswer = z.object({
  error: z.union([
    z.string(),
    z.object({
      type: z
        .string()
        .regex(/^[\w.-]{1,100}$/)
        .optional()
        .catch(undefined),
    }),
  ]),
  status: z.int().optional(),
});

function readTotal(total: { value: number; relation: "eq" | "gte" } | undefined): PageHead["total"] {
  return total === undefined ? undefined : { value: total.value, isLowerBound: total.relation === "gte" };
}

function parse(json: string, offset: number): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's own message quotes what it read.
    const fault = json.endsWith("}") ? "unexpected" : "cut-short";
    throw new MalformedPageError("The answer to a search is not whole JSON", { fault, offset });
  }
}
