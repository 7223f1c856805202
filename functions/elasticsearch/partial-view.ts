// A user may be shown a part of the documents only, or of their fields. Such a reader sees nothing amiss: searches, counts and cursors all agree.
import * as z from "zod";
import { DatabaseRefusedError } from "../../runner/errors.ts";
import { readAnswer } from "./read-answer.ts";
import type { SearchTransport } from "./transport.ts";

const fieldsSchema = z.object({ grant: z.array(z.string()).optional(), except: z.array(z.string()).optional() });
const entrySchema = z.object({
  names: z.array(z.string()),
  privileges: z.array(z.string()),
  query: z.array(z.string()).optional(),
  field_security: z.array(fieldsSchema).optional(),
});
const answerSchema = z.object({ indices: z.array(entrySchema) });

// There are privileges to read something else: what other clusters ask for, what a data stream refused.
const READS = /^(all|read|indices:(data\/(read\/)?)?\*)$/;
const MAY_READ = /^all$|read|^indices:/;

const ABSENT = [400, 403, 404, 405, 410, 500];

/** All names of an index: a role may name any of them. */
export interface NamedIndex {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly dataStream?: string | undefined;
}

/**
 * Fails when Elasticsearch shows this user only some documents or fields of one of the indices. OpenSearch does not tell a user; neither does
 * Elasticsearch for some API keys: then nothing is known, and the README says so.
 * @throws DatabaseRefusedError "PartialView"
 */
export async function assertWholeView(transport: SearchTransport, indices: readonly NamedIndex[]): Promise<void> {
  const path = "/_security/user/_privileges";
  const answer = await transport.json({ method: "GET", path, statuses: ABSENT });
  if (answer.status !== 200) return;
  const entries = readAnswer(answerSchema, answer, { transport, request: `GET ${path}` }).indices;
  const whole = entries.filter((entry) => !isPartial(entry) && entry.privileges.some((name) => READS.test(name)));
  const partial = entries.filter((entry) => isPartial(entry) && entry.privileges.some((name) => MAY_READ.test(name)));
  const hidden = indices.filter((index) => isNamed(index, partial, true) && !isNamed(index, whole, false)).map(({ name }) => name);
  if (hidden.length === 0) return;
  const named = hidden.length > 10 ? `${hidden.slice(0, 10).join(", ")} and ${hidden.length - 10} more` : hidden.join(", ");
  throw new DatabaseRefusedError(`${transport.description} shows this user only a part of the documents or fields of ${named}`, {
    reason: "PartialView",
    facts: { indices: hidden.slice(0, 10) },
    hint: "Give the backup a user whose roles have no document level and no field level security on these indices",
  });
}

type Entry = z.infer<typeof entrySchema>;

function isPartial({ query, field_security: fields }: Entry): boolean {
  const showsAllFields = fields?.some(({ grant, except }) => grant?.includes("*") && (except ?? []).length === 0) ?? true;
  return (query ?? []).length > 0 || !showsAllFields;
}

/** A regular expression between slashes is Lucene's and is not read: `unread` says what it is taken for. */
function isNamed({ name, aliases, dataStream }: NamedIndex, entries: readonly Entry[], unread: boolean): boolean {
  const names = [name, ...aliases, ...(dataStream === undefined ? [] : [dataStream])];
  const patterns = entries.flatMap((entry) => entry.names);
  return patterns.some((pattern) => (pattern.startsWith("/") ? unread : names.some((each) => wildcard(pattern).test(each))));
}

/** `*` and `?` stand for anything. */
function wildcard(pattern: string): RegExp {
  const expression = [...pattern].map((each) => (each === "*" ? ".*" : each === "?" ? "." : RegExp.escape(each))).join("");
  return new RegExp(`^${expression}$`, "s");
}
