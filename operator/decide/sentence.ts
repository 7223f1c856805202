import type { HoldfastError } from "../../runner/errors.ts";

/** An error's message, and what the person can do about it. */
export function sentence(error: HoldfastError): string {
  return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
}
