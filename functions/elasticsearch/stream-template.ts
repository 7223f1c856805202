import type { JsonObject } from "./restore-plan.ts";
import { isObject } from "./same-json.ts";

/** The index template that a new index or data stream of this name would get: the one of the highest priority. */
export function templateFor(name: string, templates: ReadonlyMap<string, JsonObject>): JsonObject | undefined {
  const fitting = [...templates.values()].filter(({ index_patterns: patterns }) =>
    (Array.isArray(patterns) ? (patterns as unknown[]) : [patterns]).some((pattern) => fits(name, String(pattern))),
  );
  return fitting.sort((one, other) => Number(other.priority ?? 0) - Number(one.priority ?? 0))[0];
}

/** Whether data streams of this name can be made. */
export function makesStreams(template: JsonObject | undefined): boolean {
  return isObject(template?.data_stream);
}

function fits(name: string, pattern: string): boolean {
  return new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`, "s").test(name);
}
