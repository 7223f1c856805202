import * as z from "zod";
import type { LiveObject } from "../objects.ts";
import { observePod } from "./executor-objects.ts";

/** What our own program says of its end in its container's termination message. */
export interface ProgramResult {
  /** By the table of the runner's exit codes, also where the process itself had to exit with 0; `undefined` when the program never came to its end. */
  readonly code: number | undefined;
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  readonly hint: string | undefined;
}

const resultSchema = z.object({
  code: z.int().nullable(),
  reason: z.string().min(1),
  message: z.string().default(""),
  hint: z.string().optional(),
});

/** `undefined` for the last words of any other program. */
export function readProgramResult(terminationMessage: string | null | undefined): ProgramResult | undefined {
  const json = parseJson(terminationMessage ?? "");
  const parsed = resultSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { code, reason, message, hint } = parsed.data;
  return { code: code ?? undefined, reason, message, hint };
}

/**
 * The first failure that our program left behind in these pods, in the order in which their containers ran: also where it exited with 0 because the next
 * container had to run. `undefined` when there is none, or the pods are gone.
 */
export function resultCodeOf(pods: readonly LiveObject[]): (ProgramResult & { readonly code: number }) | undefined {
  for (const { containers } of pods.map(observePod)) {
    for (const { state } of containers) {
      const result = readProgramResult(state?.terminated?.message);
      if (result?.code !== undefined && result.code !== 0) return { ...result, code: result.code };
    }
  }
  return undefined;
}

function parseJson(text: string): unknown {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Cut off by the kubelet, or of another program: then it is a text like any other.
    return undefined;
  }
}
