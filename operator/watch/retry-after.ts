import { HoldfastError } from "../../runner/errors.ts";

/** How long the server asked to be left alone when it gave this error; 0 when it did not. */
export function retryAfterMsOf(error: unknown): number {
  const asked = error instanceof HoldfastError ? error.facts.retryAfterMs : undefined;
  return typeof asked === "number" ? asked : 0;
}
