/** Paths at which two JSON values differ: "properties.age.type". */
export interface JsonDifferences {
  /** Wanted, and not there. */
  readonly missing: readonly string[];
  readonly changed: readonly string[];
  /** There, and not wanted. */
  readonly surplus: readonly string[];
}

/** Compares as servers read settings and mappings: "1" is 1, the order of keys means nothing, that of a list does. */
export function compareJson(wanted: unknown, actual: unknown): JsonDifferences {
  const found: { missing: string[]; changed: string[]; surplus: string[] } = { missing: [], changed: [], surplus: [] };
  const walk = (one: unknown, other: unknown, path: string): void => {
    if (!isObject(one) || !isObject(other)) {
      if (canonical(one) !== canonical(other)) found.changed.push(path);
      return;
    }
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const here = path === "" ? key : `${path}.${key}`;
      if (!Object.hasOwn(other, key)) found.missing.push(here);
      else if (!Object.hasOwn(one, key)) found.surplus.push(here);
      else walk(one[key], other[key], here);
    }
  };
  walk(wanted, actual, "");
  return found;
}

/** As `compareJson`, in one word. */
export function isSameJson(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

/** Whether it is an object with keys: no list, no null, no number kept as it was written. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawJson(value);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isObject(value)) {
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  // A text, a number and a number as it was written are one when they read the same; null is like no text.
  return value === null || value === undefined ? "null" : JSON.stringify(isRawJson(value) ? JSON.stringify(value) : String(value));
}

// As in exact-json.ts: the types do not name it yet.
const isRawJson = Reflect.get(JSON, "isRawJSON") as (value: unknown) => boolean;
