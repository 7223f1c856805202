// What hit lines, digests and bulk bodies must be: a tokenizer that looks at one byte after the other. Texts are latin1, so that a character is a byte.
import { xxh64 } from "./xxh64.ts";

export interface ReferenceHit {
  /** JSON text between the quotes. */
  readonly id: string | undefined;
  readonly routing: string | undefined;
  /** With the blanks around it. */
  readonly source: string | undefined;
  readonly sort: string | undefined;
  readonly line: string;
  readonly hash: bigint;
}

/** Reads a hit as a server sends it: newlines and comments outside of strings become blanks. */
export function readReferenceHit(text: string): ReferenceHit {
  const line = blankOutsideStrings(text);
  const fields = new Map<string, string>();
  let at = 0;
  do {
    const keyAt = line.indexOf('"', at + 1);
    const keyEnd = endOfValue(line, keyAt);
    const colon = line.indexOf(":", keyEnd);
    let valueAt = colon + 1;
    while (" \t".includes(line[valueAt]!)) valueAt += 1;
    at = endOfValue(line, valueAt);
    while (" \t".includes(line[at]!)) at += 1;
    fields.set(line.slice(keyAt + 1, keyEnd - 1), line.slice(colon + 1, at));
  } while (line[at] === ",");
  if (line[at] !== "}" || at !== line.length - 1) throw new Error(`Not a hit: ${line}`);
  const id = fields.get("_id")?.trim().slice(1, -1);
  const routing = fields.get("_routing")?.trim().slice(1, -1);
  const source = fields.get("_source");
  return { id, routing, source, sort: fields.get("sort")?.trim(), line, hash: hashOf(id, routing, source) };
}

export function sumOf(hits: readonly ReferenceHit[]): bigint {
  return hits.reduce((sum, hit) => BigInt.asUintN(64, sum + (hit.source === undefined ? 0n : hit.hash)), 0n);
}

function hashOf(id: string | undefined, routing: string | undefined, source: string | undefined): bigint {
  let hash = id === undefined ? 0n : xxh64(decode(id), 0n);
  if (routing !== undefined) hash = xxh64(decode(routing), hash);
  return xxh64(Buffer.from(source ?? "", "latin1"), hash);
}

/** What a JSON text says, in UTF-8; half of a surrogate pair has three bytes. */
function decode(text: string): Buffer {
  const escapes = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\./g;
  const decoded = text.replace(escapes, (written) => {
    const said = JSON.parse(`"${written}"`) as string;
    const unit = said.charCodeAt(0);
    const isHalf = said.length === 1 && unit >= 0xd800 && unit <= 0xdfff;
    const bytes = isHalf ? [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)] : Buffer.from(said);
    return Buffer.from(bytes).toString("latin1");
  });
  return Buffer.from(decoded, "latin1");
}

function blankOutsideStrings(text: string): string {
  let out = "";
  while (out.length < text.length) {
    const at = out.length;
    if (text[at] === '"') out += text.slice(at, endOfValue(text, at));
    else if (text.startsWith("/*", at)) out += " ".repeat(text.indexOf("*/", at) + 2 - at);
    else if (text.startsWith("//", at)) out += " ".repeat(/[\n\r]/.exec(text.slice(at))!.index);
    else out += "\n\r".includes(text[at]!) ? " " : text[at];
  }
  return out;
}

/** Behind the value that begins at `start`; comments are gone. */
function endOfValue(text: string, start: number): number {
  let at = start;
  if (text[at] === '"') {
    for (at += 1; text[at] !== '"'; at += 1) if (text[at] === "\\") at += 1;
    return at + 1;
  }
  if (text[at] !== "{" && text[at] !== "[") {
    while (/[\w.+-]/.test(text[at]!)) at += 1;
    return at;
  }
  const open: string[] = [];
  do {
    const character = text[at];
    if (character === undefined) throw new Error(`Not closed: ${text}`);
    if (character === '"') {
      at = endOfValue(text, at);
      continue;
    }
    if (character === "{" || character === "[") open.push(character === "{" ? "}" : "]");
    if ((character === "}" || character === "]") && open.pop() !== character) throw new Error(`Closed by another: ${text}`);
    at += 1;
  } while (open.length > 0);
  return at;
}
