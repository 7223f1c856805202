import type { ApiAnswer } from "../../runner/kubernetes/api-request.ts";
import type { Kind } from "../kinds.ts";
import { apiStatusOf } from "./ask-api.ts";

export interface Page {
  readonly items: readonly unknown[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

/** The page of a list; `undefined` for any other answer. */
export function pageOf({ status, body }: ApiAnswer): Page | undefined {
  if (status !== 200 || typeof body !== "object" || body === null) return undefined;
  const { items, metadata } = body as Partial<Page>;
  // An empty list may come as null; anything else is no list, and must not pass for an empty one.
  const isList =
    (items === null || Array.isArray(items)) && typeof metadata?.resourceVersion === "string" && metadata.resourceVersion !== "";
  return isList ? { items: items ?? [], metadata } : undefined;
}

/** Not there, by the word of an API that knows the kind: an unknown path is no answer about an object. */
export function isMissing({ status, body }: ApiAnswer, kind: Kind): boolean {
  const details = apiStatusOf(body)?.details;
  return status === 404 && details?.kind === kind.plural && details.name !== undefined;
}

/** An object of that name is there, but it is another one. */
export function isAnother({ status, body }: ApiAnswer): boolean {
  return status === 409 && /UID in (the )?precondition/.test(apiStatusOf(body)?.message ?? "");
}
