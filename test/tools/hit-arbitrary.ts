// Hits as servers send them, with everything in them that misleads a scanner. Texts are latin1: a character is a byte, and need not be UTF-8.
import fc from "fast-check";

/** The JSON text of a string, with its quotes. */
const rawString = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc
          .integer({ min: 0x20, max: 0xff })
          .filter((byte) => byte !== 0x22 && byte !== 0x5c)
          .map((byte) => String.fromCharCode(byte)),
      },
      fc.constantFrom('\\"', "\\\\", '\\\\\\"', "\\/", "\\n", "\\ud800"),
      fc.constantFrom("{", "}", "[", "]", "/", "//", "/*", "*/", ",", ":", "\u0000", "\u0001", "\t"),
      fc.constantFrom("_source", "sort", "x".repeat(63), "x".repeat(16), "\\\\".repeat(33), `${"\\\\".repeat(32)}\\"`),
    ),
    { maxLength: 12 },
  )
  .map((parts) => `"${parts.join("")}"`);

/** Of a hit's own fields, which the server writes itself. */
const cleanString = rawString.map((text) => text.replaceAll(/[^ -\u{10ffff}]/gu, "?"));

const scalar = fc.constantFrom("0", "-0.0", "1.0", "1E3", "9223372036854775807", "1e-7", "true", "false", "null", "12345678901234567890");

/** How a body may be laid out; the last ones make a page take the slow path. */
const PLAIN_BLANKS = ["", "", "", " ", "\n", "\r\n", "\t", `\n${" ".repeat(70)}`];
const COMMENTS = ["// it's \"here\n", "/* } */", "//\r", '/* \n // \\" */', "/**/"];

function sourceWith(blank: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const { object } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
    value: fc.oneof({ maxDepth: 3, withCrossShrink: true }, rawString, scalar, tie("object"), tie("array")),
    object: fc
      .array(
        fc.tuple(
          blank,
          fc.oneof(rawString, fc.constantFrom('"_id"', '"_index"', '"_source"', '"sort"', '"hits"')),
          blank,
          blank,
          tie("value"),
          blank,
        ),
        { maxLength: 4 },
      )
      .chain((fields) =>
        blank.map(
          (inside) =>
            `{${fields.length === 0 ? inside : fields.map(([a, key, b, c, value, d]) => `${a}${key}${b}:${c}${value}${d}`).join(",")}}`,
        ),
      ),
    array: fc
      .array(fc.tuple(blank, tie("value"), blank), { maxLength: 4 })
      .map((values) => `[${values.map((parts) => parts.join("")).join(",")}]`),
  }));
  return fc.tuple(blank, object, blank).map((parts) => parts.join(""));
}

export interface HitOptions {
  readonly hasComments?: boolean;
  /** Sources on one line, as hit lines have them. */
  readonly isLine?: boolean;
}

/** One hit without its sort values: `}` and they are still to come. */
export function hitStart(options: HitOptions = {}): fc.Arbitrary<string> {
  const blanks = options.isLine ? ["", "", " ", "\t"] : options.hasComments ? [...PLAIN_BLANKS, ...COMMENTS] : PLAIN_BLANKS;
  return fc
    .record({
      index: fc.constantFrom("x", "logs-2026.11.21", '{\\"odd'),
      hasType: fc.boolean(),
      id: fc.option(cleanString, { freq: 8 }),
      routing: fc.option(cleanString, { freq: 3 }),
      ignored: fc.boolean(),
      source: sourceWith(fc.constantFrom(...blanks)),
      fields: fc.option(rawString, { freq: 4 }),
    })
    .map(({ index, hasType, id, routing, ignored, source, fields }) =>
      [
        `{"_index":"${index}"`,
        hasType ? '"_type":"_doc"' : undefined,
        id === null ? undefined : `"_id":${id}`,
        '"_score":null',
        routing === null ? undefined : `"_routing":${routing}`,
        ignored ? '"_ignored":["f","}"]' : undefined,
        `"_source":${source}`,
        fields === null ? undefined : `"fields":{"_id":[${fields}]}`,
      ]
        .filter((part) => part !== undefined)
        .join(","),
    );
}
