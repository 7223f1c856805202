import { IncompleteError } from "../../runner/errors.ts";
import type { SearchServer } from "./inspect-server.ts";
import { inspectTarget } from "./inspect-target.ts";
import { nameGroups } from "./name-groups.ts";
import { OBJECT_WRITING } from "./object-writing.ts";
import { listed } from "./plan-objects.ts";
import type { PreparedTarget } from "./prepare-target.ts";
import type { ExistingTarget, JsonObject, RestorePlan } from "./restore-plan.ts";
import { compareJson, isSameJson } from "./same-json.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

export interface FinishedParts {
  readonly plan: RestorePlan;
  readonly prepared: PreparedTarget;
  /** What was put back, by index. */
  readonly settings: ReadonlyMap<string, JsonObject>;
}

/** Reads back what was written around the documents. @throws IncompleteError with everything that is not as it was to be */
export async function assertFinished(
  transport: SearchTransport,
  server: SearchServer,
  { plan, prepared, settings }: FinishedParts,
): Promise<void> {
  const target = await inspectTarget(transport, server);
  const differences = [
    ...(await settingDifferences(transport, settings)),
    ...objectDifferences(plan, target),
    ...streamDifferences(plan, prepared, target),
    ...aliasDifferences(plan, target),
  ];
  if (differences.length === 0) return;
  throw new IncompleteError(`All documents were restored, but not all around them: ${listed(differences)}`, {
    reason: "RestoredDiffers",
    facts: { differences },
    hint: "Does something else manage the same templates, aliases or settings?",
  });
}

async function settingDifferences(transport: SearchTransport, wanted: ReadonlyMap<string, JsonObject>): Promise<string[]> {
  const differences: string[] = [];
  for (const group of nameGroups([...wanted.keys()])) {
    const query = { flat_settings: true, expand_wildcards: "all" };
    const answer = (await transport.json({ method: "GET", path: pathOf(group, "_settings"), query })).json;
    const has = answer as Readonly<Record<string, { settings?: JsonObject }>>;
    for (const index of group)
      for (const [name, value] of Object.entries(wanted.get(index) ?? {}))
        if (!isSameJson(value, has[index]?.settings?.[name])) differences.push(`setting ${name} of index "${index}"`);
  }
  return differences;
}

/** What servers add by themselves is no difference. */
function objectDifferences({ objects }: RestorePlan, target: ExistingTarget): string[] {
  return objects.flatMap(({ kind, name, body }) => {
    const what = `${OBJECT_WRITING[kind].label} "${name}"`;
    const found = target.objects[kind]?.get(name);
    if (found === undefined) return [`${what} is not there`];
    return compareJson(body, found.body).changed.map((path) => `${path} of ${what}`);
  });
}

function streamDifferences({ dataStreams, indices }: RestorePlan, prepared: PreparedTarget, target: ExistingTarget): string[] {
  return dataStreams
    .filter(({ action }) => action !== "skip")
    .flatMap(({ target: name, numbers }) => {
      const has = target.dataStreams.get(name) ?? [];
      const plans = numbers.map((number) => indices.find((plan) => plan.number === number)!);
      const wanted = plans.map((plan) => prepared.loaded(plan).index);
      const found = has.filter((index) => wanted.includes(index));
      return isSameJson(wanted, found) ? [] : [`data stream "${name}" has the indices ${listed(has)} instead of ${listed(wanted)}`];
    });
}

function aliasDifferences({ aliases }: RestorePlan, target: ExistingTarget): string[] {
  return aliases.flatMap(({ alias, target: holder, attributes }) => {
    const found = target.aliases.get(alias)?.get(holder);
    if (found === undefined) return [`alias "${alias}" of "${holder}" is not there`];
    const { missing, changed } = compareJson(attributes, found);
    // False is what they are without a word.
    const lost = missing.filter((name) => String(attributes[name]) !== "false");
    return [...lost, ...changed].map((name) => `${name} of alias "${alias}" of "${holder}"`);
  });
}
