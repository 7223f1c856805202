import type { DatabaseFunction } from "./function.ts";
import type { DatabaseParameters } from "./places.ts";

/** The part of a plan that is the function's own parameters, and how long to wait for the database. */
export function planOf(fn: DatabaseFunction, parameters: DatabaseParameters) {
  const values: Readonly<Record<string, unknown>> = parameters;
  const own = Object.fromEntries(Object.keys(fn.parameters).map((name) => [name, values[name]]));
  return { parameters: own, waitTimeoutMs: parameters.waitTimeout };
}
