import * as z from "zod";
import { parseDuration } from "./kubernetes/go-format.ts";
import type { Parameter } from "./parameters.ts";

const optionalText = z.string().min(1).optional();

/** A parameter whose value is text as it stands. */
export function textParameter(parts: Omit<Parameter, "schema">): Parameter<string | undefined> {
  return { ...parts, schema: optionalText };
}

/** A switch: the flag alone, or "true" and "false" in the environment. */
export function switchParameter(parts: Omit<Parameter, "schema" | "expected" | "placeholder" | "default">): Parameter<boolean> {
  const schema = z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true");
  return { ...parts, expected: "true or false", default: "false", schema };
}

/** 24 days. A timer that is set for 25 fires at once. */
export const MOST_TIMER_MS = 576 * 3_600_000;

/** Seconds ("90"), or a duration as Kubernetes writes it ("1h30m", "45s"); the value is in milliseconds. */
export function durationParameter(
  parts: Omit<Parameter, "schema" | "expected" | "placeholder" | "default"> & { default: string; leastMs?: number },
): Parameter<number> {
  const { leastMs = 0, ...rest } = parts;
  const schema = z
    .string()
    .default(parts.default)
    .transform((text) => parseSeconds(text) ?? Number.NaN)
    .refine((milliseconds) => milliseconds >= leastMs && milliseconds <= MOST_TIMER_MS);
  const least = leastMs === 0 ? "" : `, at least ${leastMs / 1000} s`;
  return {
    ...rest,
    placeholder: "DURATION",
    expected: `seconds or a duration such as "90", "45s" or "1h30m"${least}, at most 576h`,
    schema,
  };
}

function parseSeconds(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  try {
    return parseDuration(text);
  } catch {
    // The parameter's own message says what was expected.
    return undefined;
  }
}
