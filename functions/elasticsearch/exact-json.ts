/** Parses JSON so that `formatExactJson` gives back every number as it was written: 9223372036854775807, 1.0 and 1e3 included. @throws SyntaxError */
export function parseExactJson(text: string): unknown {
  return parse(text, (_, value, context) =>
    typeof value === "number" && context.source !== undefined && String(value) !== context.source ? rawJson(context.source) : value,
  );
}

/** The JSON text of what `parseExactJson` returned, or of any plain value. */
export function formatExactJson(value: unknown): string {
  return JSON.stringify(value);
}

// Node has both; the types of its ECMAScript edition do not name them yet.
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;
const rawJson = Reflect.get(JSON, "rawJSON") as (text: string) => unknown;
