import { isDroppable } from "./index-settings.ts";
import { refusalText } from "./refusal-text.ts";
import type { IndexPlan, JsonObject } from "./restore-plan.ts";
import type { SearchAnswer } from "./transport.ts";

export type Creation = IndexPlan["creation"];

export type Settled =
  | { readonly creation: Creation; readonly dropped: readonly string[]; readonly answer: SearchAnswer }
  /** What the target says, when it is none of the settings that an index can do without. */
  | { readonly refusal: string };

/** Sends until the target takes it, each time without the settings that it named and an index can do without. `send` lets 400 pass. */
export async function settleCreation(creation: Creation, send: (creation: Creation) => Promise<SearchAnswer>): Promise<Settled> {
  const dropped: string[] = [];
  for (let current = creation; ; ) {
    const answer = await send(current);
    if (answer.status !== 400) return { creation: current, dropped: dropped.filter((name) => creation.settings[name] !== null), answer };
    const refusal = refusalText(answer.json);
    const refused = namedSettings(refusal, current.settings);
    if (refused.length === 0) return { refusal };
    dropped.push(...refused);
    const settings = Object.fromEntries(Object.entries(current.settings).filter(([name]) => !refused.includes(name)));
    current = { ...current, settings };
  }
}

/** Settings that were sent, stand in the refusal by their whole name, and can be done without. Private ones no user ever set. */
function namedSettings(refusal: string, settings: JsonObject): string[] {
  return Object.keys(settings).filter(
    (name) =>
      refusal.includes(`[${name}]`) &&
      (isDroppable(name) || settings[name] === null || refusal.includes(`private index setting [${name}]`)),
  );
}
