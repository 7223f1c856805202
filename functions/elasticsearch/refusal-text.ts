import { isObject } from "./same-json.ts";

const MOST_CHARACTERS = 600;

/** All that an error's body says, down to its innermost cause: the outermost often says only that something is invalid. */
export function refusalText(body: unknown): string {
  const error = isObject(body) ? body.error : undefined;
  if (typeof error === "string") return error.slice(0, MOST_CHARACTERS);
  const reasons: string[] = [];
  const collect = (cause: unknown): void => {
    if (!isObject(cause)) return;
    const reason = typeof cause.reason === "string" ? cause.reason : String(cause.type ?? "");
    if (reason !== "" && !reasons.some((known) => known.includes(reason))) reasons.push(reason);
    collect(cause.caused_by);
    if (Array.isArray(cause.suppressed)) cause.suppressed.forEach(collect);
  };
  collect(error);
  return reasons.join(": ").slice(0, MOST_CHARACTERS) || "an answer without a reason";
}
