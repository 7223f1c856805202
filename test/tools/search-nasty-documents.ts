// Documents that a careless backup changes, loses or trips over. All five servers of the tests take them, and store every byte as it was sent.
import { askServerOk, type SearchEndpoint } from "../servers/search-server.ts";
import { type IndexContent, keyOf } from "./search-equality.ts";

export interface SampleDocument {
  /** What is nasty about it. */
  readonly what: string;
  readonly id: string;
  readonly routing?: string;
  /** As it is sent, and stored. */
  readonly source: Buffer;
  /** As a restored one reads: the same, but each line break and each comment outside a string, and a byte order mark, has become as many blanks. */
  readonly restored: Buffer;
}

/** For PUT /index. Nothing is looked into, so that a source may have keys of any name; two shards, so that one id can be there twice. */
export const NASTY_INDEX = {
  settings: { number_of_shards: 2, number_of_replicas: 0 },
  mappings: { enabled: false },
};

/** Valid UTF-8 and, but for comments, valid JSON. */
export function nastyDocuments(): SampleDocument[] {
  return [...numbers(), ...strings(), ...shapes(), ...ourKeys(), ...blanks(), ...ids(), ...routings()];
}

/** Bytes that are no UTF-8, and a byte order mark: servers take them and give them back as they are. */
export function rawByteDocuments(): SampleDocument[] {
  return [
    document("a byte order mark", '\xef\xbb\xbf{"a":1}', { encoding: "latin1", restored: '   {"a":1}' }),
    document("a NUL in two bytes", '{"a":"\xc0\x80"}', { encoding: "latin1" }),
    document("half of a pair in three bytes", '{"a":"\xed\xa0\x80"}', { encoding: "latin1" }),
  ];
}

/** A comment that only the end of the source ends: the server's own answer to a search is no JSON any more, so that whoever backs this up must refuse. */
export function unreadableDocument(): SampleDocument {
  return document("a comment without an end", '{"a":1} // x');
}

/** A comment before the source: Elasticsearch 8 and 9 take it, and then fail every search that should give it back, 8 by cutting the connection. */
export function unsearchableDocument(): SampleDocument {
  return inPieces("a comment before it", comment("/* x */"), '{"a":1}');
}

/** Puts the documents into the index, byte by byte as they are, and refreshes it. */
export async function putDocuments(server: SearchEndpoint, index: string, documents: readonly SampleDocument[]): Promise<void> {
  const lines: Buffer[] = [];
  for (const { id, routing, source } of documents) {
    if (source.includes(10) || source.includes(13)) {
      // A line break ends an entry of _bulk.
      const query = routing === undefined ? "" : `?routing=${encodeURIComponent(routing)}`;
      await askServerOk(server, `PUT /${encodeURIComponent(index)}/_doc/${encodeURIComponent(id)}${query}`, source);
    } else lines.push(Buffer.from(`${JSON.stringify({ index: { _id: id, routing } })}\n`), source, Buffer.from("\n"));
  }
  if (lines.length > 0) {
    const answer = await askServerOk(server, `POST /${encodeURIComponent(index)}/_bulk`, Buffer.concat(lines));
    const { errors } = JSON.parse(answer.toString()) as { errors: boolean };
    if (errors) throw new Error(`The server refused a document: ${answer}`);
  }
  await askServerOk(server, `POST /${encodeURIComponent(index)}/_refresh`);
}

/** What readAll() finds where the documents were put. */
export function storedContent(documents: readonly SampleDocument[]): IndexContent {
  return new Map(documents.map(({ id, routing, source }) => [keyOf(id, routing), source]));
}

/** What readAll() finds where they were restored. */
export function restoredContent(documents: readonly SampleDocument[]): IndexContent {
  return new Map(documents.map(({ id, routing, restored }) => [keyOf(id, routing), restored]));
}

interface Extras {
  readonly id?: string;
  readonly routing?: string;
  readonly restored?: string;
  readonly encoding?: "utf8" | "latin1";
}

function document(what: string, source: string, { id = what, routing, restored = source, encoding = "utf8" }: Extras = {}): SampleDocument {
  const bytes = { source: Buffer.from(source, encoding), restored: Buffer.from(restored, encoding) };
  if (bytes.source.length !== bytes.restored.length) throw new Error(`"${what}" changes its length when it is restored`);
  return { what, id, ...(routing === undefined ? {} : { routing }), ...bytes };
}

function numbers(): SampleDocument[] {
  return [
    document("the largest and smallest longs", '{"max":9223372036854775807,"min":-9223372036854775808,"odd":9007199254740993}'),
    document("whole numbers with a point", '{"a":1.0,"b":100.00,"c":2.50,"d":-0.0,"e":0.0}'),
    document("exponents", '{"a":1e3,"b":1E3,"c":1E+3,"d":1e-7,"e":-1.5E-300,"f":1e999999}'),
    document("more digits than a double has", '{"pi":3.141592653589793238462643383279502884197,"tenth":0.10000000000000000555}'),
    document("30 and 400 digits", `{"a":123456789012345678901234567890,"b":-${"9".repeat(400)}}`),
    document("a number as a string beside the number", '{"a":"12345678901234567890","b":12345678901234567890}'),
  ];
}

function strings(): SampleDocument[] {
  return [
    document("escapes of controls", String.raw`{"nul":"a\u0000b","bell":"\u0007","tab":"\t","line":"\n\r","\u0000":1}`),
    document("halves of pairs as escapes", String.raw`{"high":"\ud800","low":"x\udc00y","turned":"\udc00\ud800","pair":"\ud83d\ude00"}`),
    document("quotes and backslashes", String.raw`{"a":"\"","b":"\\","c":"\\\"","d":"\\\\\"}","e":"\/","\"":"\\"}`),
    document("what looks like the end of a hit", String.raw`{"a":"}},{\"_index\":\"x\",\"_id\":\"y\"}]}}","b":"},{","c":"]}}"}`),
    document("what looks like comments", '{"url":"http://x/*y*/","b":"/* // */","c":"//"}'),
    document("characters of one to four bytes", '{"a":"Grüße 日本語 😀 ‮ \u2028\u2029 \u007f \ufeff é","ключ":"значение","😀":1}'),
    document("keys written as escapes", String.raw`{"\u0061":1,"caf\u00e9":2,"a\u002eb":3}`),
    document("a long string", `{"a":"${'x\\"'.repeat(100_000)}"}`),
    document("a long string of many bytes each", `{"a":"${"語".repeat(70_000)}"}`),
    document("an empty string", '{"a":"","":""}'),
  ];
}

function shapes(): SampleDocument[] {
  return [
    document("an empty document", "{}"),
    document("empty parts", '{"a":{},"b":[],"c":[[],{}],"d":null,"e":[null]}'),
    document("arrays in arrays", '{"a":[[1,[2,[3.0]]],[[["x"]]],[]],"b":[true,false,null,"1",1]}'),
    document("many levels", `${'{"a":'.repeat(50)}[1]${"}".repeat(50)}`),
    document("many levels of arrays", `{"a":${"[".repeat(200)}${"]".repeat(200)}}`),
    document("keys in no order", '{"z":1,"a":2,"m":3,"10":4,"2":5}'),
    document("keys with points and blanks", '{"a.b":1,"a":{"c":2}," ":3,".":4,"a..b":5}'),
    document("many keys", `{${Array.from({ length: 3_000 }, (_, index) => `"k${index}":${index}.0`).join(",")}}`),
  ];
}

function ourKeys(): SampleDocument[] {
  return [
    document(
      "the keys of a hit",
      '{"_index":"x","_id":"y","_score":1.0,"_routing":"r","_source":{"_source":{}},"sort":[1],"_version":3,"_seq_no":4,"_type":"_doc"}',
    ),
    document("the keys of a hit within", '{"o":{"_id":"y","_source":{"_index":"x"},"sort":[1]},"hits":{"hits":[{"_index":"x"}]}}'),
    document("the keys of an entry of bulk", '{"index":{"_id":"x"},"create":{},"delete":{"_id":"y"}}'),
    document("a key like that of a timestamp", '{"@timestamp":"2026-01-01T00:00:00Z","timestamp":1}'),
    document("fields and ignored", '{"fields":{"_ignored":["a"]},"_ignored":["a"],"ignored_field_values":{}}'),
  ];
}

function blanks(): SampleDocument[] {
  return [
    document("blanks everywhere", ' { "a" : [ 1 ,\t2 ] , "b" : { } } '),
    inPieces("several lines", '{\n  "a": [\n    1.0,\n    "x"\n  ],\r\n\t"b": {}\n}\n'),
    inPieces("line breaks around it", ' \r\n\t{"a":1}\n \r'),
    inPieces("comments", '{"a"', comment("/*x*/"), ":1,", comment('/* "b":2} */'), ' "c":3', comment("/**/"), "}", comment("/* end */")),
    inPieces(
      "comments to the end of a line",
      '{"a":1, ',
      comment('// "b": "c}'),
      '\n"d":2',
      comment("// ü /* "),
      "\r}",
      comment("//"),
      "\n",
    ),
    inPieces("comments and strings that look like them", '{"a":"/*",', comment('/*"*/'), '"b":"*/"', comment("/*\n'\n*/"), ',"c":"//"}'),
  ];
}

interface Comment {
  readonly comment: string;
}

function comment(text: string): Comment {
  return { comment: text };
}

/** Line breaks in the pieces, none of which is within a string, and whole comments become blanks, one for each byte. */
function inPieces(what: string, ...pieces: readonly (string | Comment)[]): SampleDocument {
  const source = pieces.map((piece) => (typeof piece === "string" ? piece : piece.comment));
  const restored = pieces.map((piece) =>
    typeof piece === "string" ? piece.replaceAll(/[\r\n]/g, " ") : " ".repeat(Buffer.byteLength(piece.comment)),
  );
  return document(what, source.join(""), { restored: restored.join("") });
}

function ids(): SampleDocument[] {
  const nasty = [
    "a/b",
    "..",
    ".",
    "_id",
    " blanks ",
    '"',
    "\\",
    "%2F%",
    "+?#&=",
    "a,b*c",
    "😀日本",
    '"},{"_index":"x',
    "\n",
    "\t\u0001",
    "-",
    "0012",
    "null",
  ];
  const longest = `${"/".repeat(100)}${"é".repeat(100)}${"😀".repeat(50)}${'"'.repeat(12)}`;
  return [...nasty, longest].map((id) => document(`the id ${id}`, `{"id":${JSON.stringify(id)}}`, { id }));
}

function routings(): SampleDocument[] {
  const nasty = ["a", "a/b", "a,b", '"', "😀", " ", "%", "x".repeat(600)];
  return [
    ...nasty.map((routing, index) => document(`the routing ${routing}`, `{"routing":${index}}`, { id: `routed ${index}`, routing })),
    // On different shards.
    document("an id that is there twice, once", '{"a":1}', { id: "twice", routing: "1" }),
    document("an id that is there twice, again", '{"a":2}', { id: "twice", routing: "4" }),
  ];
}
