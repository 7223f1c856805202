// What an index holds, read by plain searches and cut out of the answers by a slow reader that shares nothing with the program: it judges the program.
import { createHash } from "node:crypto";
import { askServer, askServerOk, type SearchEndpoint } from "../servers/search-server.ts";
import { elementsAt, membersAt, type Span, skipBlanks, valueAt } from "./json-spans.ts";

/** Under keyOf(id, routing), the bytes of each document's source as they are stored. */
export type IndexContent = ReadonlyMap<string, Buffer>;

/** One key for a document: its id alone is not enough, another may have it under other routing. */
export function keyOf(id: string, routing: string | undefined): string {
  return JSON.stringify(routing === undefined ? [id] : [id, routing]);
}

/** Every document of the index, all in memory; rejects when the server tells of less than all. */
export async function readAll(server: SearchEndpoint, index: string): Promise<IndexContent> {
  const content = new Map<string, Buffer>();
  await readEach(server, index, (key, source) => {
    if (content.has(key)) throw new Error(`Two documents ${key} in "${index}"`);
    content.set(key, Buffer.from(source, "latin1"));
  });
  return content;
}

/** Count and digest of all documents whatever their order, for an index too large to hold; about 20 MB a second. */
export async function fingerprint(server: SearchEndpoint, index: string): Promise<{ readonly count: number; readonly digest: string }> {
  let count = 0;
  const sum = Buffer.alloc(32);
  await readEach(server, index, (key, source) => {
    count += 1;
    const digest = createHash("sha256").update(key).update("\n").update(source, "latin1").digest();
    for (let at = 0; at < 32; at += 8)
      sum.writeBigUInt64LE((sum.readBigUInt64LE(at) + digest.readBigUInt64LE(at)) & 0xffff_ffff_ffff_ffffn, at);
  });
  return { count, digest: sum.toString("hex") };
}

/** A line for each document that is missing, surplus or different; at most `limit` of them, and one that counts the rest. Empty when both are equal. */
export function diffIndices(expected: IndexContent, actual: IndexContent, limit = 10): string[] {
  const differences: string[] = [];
  for (const [key, source] of expected) {
    const found = actual.get(key);
    if (found === undefined) differences.push(`${shorten(key)} is missing`);
    else if (!found.equals(source)) differences.push(`${shorten(key)} differs ${whereTheyDiffer(source, found)}`);
  }
  for (const key of actual.keys()) if (!expected.has(key)) differences.push(`${shorten(key)} is surplus`);
  const rest = differences.length - limit;
  return rest > 0 ? [...differences.slice(0, limit), `and ${rest} more`] : differences;
}

const PAGE = 1_000;

async function readEach(server: SearchEndpoint, index: string, onDocument: (key: string, source: string) => void): Promise<void> {
  const query = JSON.stringify({ size: PAGE, sort: ["_doc"], track_total_hits: true });
  let page = readPage(await askServerOk(server, `POST /${encodeURIComponent(index)}/_search?scroll=2m`, query));
  let count = 0;
  for (;;) {
    for (const hit of page.hits) {
      const { key, source } = readHit(page.text, hit);
      onDocument(key, source);
    }
    count += page.hits.length;
    if (page.hits.length === 0) break;
    page = readPage(await askServerOk(server, "POST /_search/scroll", JSON.stringify({ scroll: "2m", scroll_id: page.scrollId })));
  }
  await askServerOk(server, "DELETE /_search/scroll", JSON.stringify({ scroll_id: [page.scrollId] }));
  if (count !== page.total) throw new Error(`"${index}" holds ${page.total} documents, but ${count} came`);
}

interface Page {
  readonly text: string;
  readonly scrollId: string;
  readonly total: number;
  readonly hits: readonly Span[];
}

function readPage(answer: Buffer): Page {
  const text = answer.toString("latin1");
  const members = membersAt(text, 0);
  const part = (name: string, of = members) => required(of, name, text);
  if (part("timed_out") !== "false") throw new Error("A search ran out of time");
  const shards = JSON.parse(part("_shards")) as { total: number; successful: number; failed: number };
  if (shards.failed !== 0 || shards.successful !== shards.total) throw new Error(`Shards failed: ${JSON.stringify(shards)}`);
  const hits = membersAt(text, (members.get("hits") as Span).start);
  const total = JSON.parse(part("total", hits)) as number | { value: number; relation: string };
  if (typeof total !== "number" && total.relation !== "eq") throw new Error("The server did not count exactly");
  return {
    text,
    scrollId: JSON.parse(part("_scroll_id")) as string,
    total: typeof total === "number" ? total : total.value,
    hits: elementsAt(text, (hits.get("hits") as Span).start),
  };
}

function readHit(text: string, hit: Span): { key: string; source: string } {
  const members = membersAt(text, hit.start);
  const routing = members.get("_routing");
  const key = keyOf(readString(required(members, "_id", text)), routing && readString(text.slice(routing.start, routing.end)));
  const source = required(members, "_source", text);
  // Whoever cuts wrongly should not compare it.
  const first = skipBlanks(source, 0);
  if (skipBlanks(source, valueAt(source, first).end) !== source.length) throw new Error(`The source of ${key} is more than one value`);
  return { key, source };
}

function required(members: Map<string, Span>, name: string, text: string): string {
  const span = members.get(name);
  if (span === undefined) throw new Error(`No "${name}" among ${[...members.keys()].join(", ")}`);
  return text.slice(span.start, span.end);
}

function readString(latin1: string): string {
  return JSON.parse(Buffer.from(latin1, "latin1").toString()) as string;
}

function whereTheyDiffer(expected: Buffer, found: Buffer): string {
  let at = 0;
  while (at < expected.length && expected[at] === found[at]) at += 1;
  const near = (bytes: Buffer) => JSON.stringify(bytes.subarray(Math.max(0, at - 20), at + 40).toString("latin1"));
  return `at byte ${at} of ${expected.length}: expected ${near(expected)}, found ${near(found)} (${found.length} bytes)`;
}

function shorten(key: string): string {
  return key.length > 120 ? `${key.slice(0, 120)}…` : key;
}

export interface IndexDescription {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly mappings: unknown;
  readonly aliases: unknown;
}

// Of one index on one server: no restored one can have the same.
const OWN_SETTINGS = /^index\.(uuid|creation_date(_string)?|provided_name|history\.uuid|version\..*|resize\..*)$/;

/** Settings, mappings and aliases of one index without what is its own, for toEqual(); numbers stand there as they are written. */
export async function describeIndex(server: SearchEndpoint, index: string): Promise<IndexDescription> {
  const request = `GET /${encodeURIComponent(index)}?flat_settings=true&expand_wildcards=all`;
  const answer = await askServer(server, request);
  if (answer.status !== 200) throw new Error(`${request} was answered with ${answer.status}: ${answer.body}`);
  const found = Object.values(parseExactly(answer.body.toString())) as [IndexDescription];
  if (found.length !== 1) throw new Error(`"${index}" names ${found.length} indices`);
  const { settings, mappings, aliases } = found[0];
  const common = Object.entries(settings).filter(([name]) => !OWN_SETTINGS.test(name));
  return { settings: Object.fromEntries(common), mappings, aliases };
}

/** As JSON.parse, but a number becomes `number 1.0`: none is changed. */
function parseExactly(text: string): object {
  return JSON.parse(text, (_key, value, context?: { source?: string }) =>
    typeof value === "number" ? `number ${context?.source}` : value,
  ) as object;
}
