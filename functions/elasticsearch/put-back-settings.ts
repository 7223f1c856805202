import pLimit from "p-limit";
import { DatabaseRefusedError } from "../../runner/errors.ts";
import { askAgain } from "./ask-again.ts";
import { listed } from "./plan-objects.ts";
import type { TargetOptions } from "./prepare-target.ts";
import type { JsonObject } from "./restore-plan.ts";
import { settleCreation } from "./settle-creation.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

const AT_ONCE = 4;

/** Gives indices the settings that loading had to do without. Resolves with what was put, by index: without those that the target does not know, which are told. */
export async function putBackSettings(
  transport: SearchTransport,
  settingsByIndex: ReadonlyMap<string, JsonObject>,
  options: TargetOptions,
): Promise<ReadonlyMap<string, JsonObject>> {
  const put = new Map<string, JsonObject>();
  const droppedFrom = new Map<string, string[]>();
  const atOnce = pLimit(AT_ONCE);
  const putOne = async (index: string, settings: JsonObject) => {
    const path = pathOf(index, "_settings");
    const send = (body: JsonObject) =>
      askAgain(() => transport.json({ method: "PUT", path, body, statuses: [400] }), { ...options, subject: `settings of "${index}"` });
    const settled = await settleCreation({ settings, mappings: {} }, (current) => send(current.settings));
    if ("refusal" in settled)
      throw new DatabaseRefusedError(`Cannot put back the settings of index "${index}" at ${transport.description}: ${settled.refusal}`, {
        reason: "SettingsRefused",
        hint: "The documents are all there; settings that were held back are not",
      });
    put.set(index, settled.creation.settings);
    for (const name of settled.dropped) droppedFrom.set(name, [...(droppedFrom.get(name) ?? []), index]);
  };
  await Promise.all([...settingsByIndex].map(([index, settings]) => atOnce(putOne, index, settings)));
  for (const [name, indices] of droppedFrom)
    options.warn("SettingDropped", `The target does not know the setting "${name}": left out of ${listed(indices, 5)}`);
  return put;
}
