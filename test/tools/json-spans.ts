// Finds where the parts of a JSON text lie, character by character and without changing one: slow, to judge fast readers by. A text is bytes as
// "latin1", so that an index is an offset.

export interface Span {
  readonly start: number;
  /** The first offset behind it. */
  readonly end: number;
}

/** The members of the object that starts at `at`: a value is all between its colon and the comma or bracket behind it, blanks included. */
export function membersAt(text: string, at: number): Map<string, Span> {
  const members = new Map<string, Span>();
  walk(text, at, (span) => {
    const key = stringAt(text, skipBlanks(text, span.start));
    const name = text.slice(key.start + 1, key.end - 1);
    if (members.has(name)) throw new Error(`Two members "${name}" in the object at ${at}`);
    members.set(name, { start: expect(text, skipBlanks(text, key.end), ":"), end: span.end });
  });
  return members;
}

/** The elements of the array that starts at `at`, blanks included. */
export function elementsAt(text: string, at: number): Span[] {
  const elements: Span[] = [];
  walk(text, at, (element) => elements.push(element));
  return elements;
}

/** The value that starts at `at`, which is no blank; throws when there is none. */
export function valueAt(text: string, at: number): Span {
  const first = text[at];
  if (first === "{" || first === "[") return { start: at, end: walk(text, at, () => undefined) };
  if (first === '"') return stringAt(text, at);
  SCALAR.lastIndex = at;
  if (!SCALAR.test(text)) throw new Error(`No value at ${at}: ${excerpt(text, at)}`);
  return { start: at, end: SCALAR.lastIndex };
}

const SCALAR = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null/y;
const BYTE_ORDER_MARK = "\xef\xbb\xbf";

/** The first offset from `at` on that is no blank. Servers store comments and a byte order mark too: they count as blanks. */
export function skipBlanks(text: string, at: number): number {
  for (;;) {
    if (" \t\r\n".includes(text[at] ?? "none")) at += 1;
    else if (text.startsWith("/*", at)) at = endOf(text, "*/", at + 2);
    else if (text.startsWith("//", at)) at = Math.min(endOf(text, "\n", at), endOf(text, "\r", at));
    else if (text.startsWith(BYTE_ORDER_MARK, at)) at += BYTE_ORDER_MARK.length;
    else return at;
  }
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

function stringAt(text: string, start: number): Span {
  let at = expect(text, start, '"');
  while (text[at] !== '"') {
    if (text[at] === undefined) throw new Error(`No end of the string at ${start}`);
    at += text[at] === "\\" ? 2 : 1;
  }
  return { start, end: at + 1 };
}

/** Calls `onPart` with each part between the commas; returns the first offset behind the closing bracket. */
function walk(text: string, start: number, onPart: (part: Span) => void): number {
  const isObject = text[start] === "{";
  const closing = isObject ? "}" : "]";
  let partStart = expect(text, start, isObject ? "{" : "[");
  let at = skipBlanks(text, partStart);
  if (text[at] === closing) return at + 1;
  for (;;) {
    if (isObject) at = skipBlanks(text, expect(text, skipBlanks(text, stringAt(text, at).end), ":"));
    at = skipBlanks(text, valueAt(text, at).end);
    onPart({ start: partStart, end: at });
    if (text[at] === closing) return at + 1;
    partStart = expect(text, at, ",");
    at = skipBlanks(text, partStart);
  }
}

function expect(text: string, at: number, wanted: string): number {
  if (text[at] !== wanted) throw new Error(`No "${wanted}" at ${at}: ${excerpt(text, at)}`);
  return at + 1;
}

function excerpt(text: string, at: number): string {
  return JSON.stringify(text.slice(at, at + 40));
}
