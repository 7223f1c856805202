/** What the sign behind a variable's name does with its value. */
export interface Form {
  readonly sign: string;
  /** "template": a default, used for an unknown variable; "text": taken as it stands. */
  readonly argument: "none" | "text" | "template";
}

const argumentOfSign = {
  "=": "template",
  ":=": "template",
  ":-": "template",
  ":": "text",
  "#": "text",
  "##": "text",
  "%": "text",
  "%%": "text",
  "/": "text",
  "//": "text",
  "/#": "text",
  "/%": "text",
  "^": "none",
  "^^": "none",
  ",": "none",
  ",,": "none",
  length: "none",
} as const;

export const FORMS: ReadonlyMap<string, Form> = new Map(
  Object.entries(argumentOfSign).map(([sign, argument]) => [sign, { sign, argument }]),
);

/** The changed value; `undefined` for an argument that is not understood. Lengths and offsets count characters. */
export function evaluateForm({ sign }: Form, value: string, argument: string): string | undefined {
  const characters = [...value];
  const [first = "", ...others] = characters;
  if (sign === "length") return String(characters.length);
  if (sign === "^") return first.toUpperCase() + others.join("");
  if (sign === "^^") return value.toUpperCase();
  if (sign === ",") return first.toLowerCase() + others.join("");
  if (sign === ",,") return value.toLowerCase();
  if (sign === ":") return cut(characters, argument);
  if (sign.startsWith("/")) return replace(sign, value, argument);
  return trim(sign, value, argument);
}

function cut(characters: readonly string[], argument: string): string | undefined {
  const match = /^(\d+)(?::(\d+))?$/.exec(argument);
  if (match === null) return undefined;
  const offset = Number(match[1]);
  return characters.slice(offset, match[2] === undefined ? undefined : offset + Number(match[2])).join("");
}

function replace(sign: string, value: string, argument: string): string | undefined {
  const match = /^((?:\\.|[^\\/])+)\/((?:\\.|[^\\])*)$/s.exec(argument);
  if (match === null) return undefined;
  const [from, to] = [unescaped(match[1] as string), unescaped(match[2] as string)];
  if (sign === "//") return value.split(from).join(to);
  if (sign === "/#") return value.startsWith(from) ? to + value.slice(from.length) : value;
  if (sign === "/%") return value.endsWith(from) ? value.slice(0, value.length - from.length) + to : value;
  // A function, since a text would be searched for patterns such as $&.
  return value.replace(from, () => to);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, "$1");
}

/** Patterns are plain text with at most one asterisk. */
function trim(sign: string, value: string, pattern: string): string | undefined {
  const [head = "", tail, ...more] = pattern.split("*");
  if (pattern === "" || more.length > 0 || /[?[\]\\]/.test(pattern)) return undefined;
  const matches = (piece: string) =>
    tail === undefined ? piece === head : piece.length >= head.length + tail.length && piece.startsWith(head) && piece.endsWith(tail);
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  if (sign.length === 2) lengths.reverse();
  const isPrefix = sign.startsWith("#");
  const piece = (length: number) => (isPrefix ? value.slice(0, length) : value.slice(value.length - length));
  const found = lengths.find((length) => matches(piece(length)));
  if (found === undefined) return value;
  return isPrefix ? value.slice(found) : value.slice(0, value.length - found);
}
