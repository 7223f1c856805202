import { ParameterError } from "../../runner/errors.ts";
import type { ClusterCatalog } from "./catalog.ts";
import { isAtLeast } from "./inspect-server.ts";
import { listed } from "./plan-objects.ts";
import type { RenameRule } from "./rename-rule.ts";
import type { AliasPlan, ExistingTarget, Fault, IndexPlan, JsonObject, Note, StreamPlan } from "./restore-plan.ts";

export interface AliasParts {
  readonly indices: readonly IndexPlan[];
  readonly streams: readonly StreamPlan[];
  readonly catalog: ClusterCatalog;
  readonly existing: ExistingTarget;
  readonly rule: RenameRule;
  readonly policy: "fail" | "skip" | "replace";
}

export interface PlannedAliases {
  readonly aliases: readonly AliasPlan[];
  readonly notes: readonly Note[];
  readonly faults: readonly Fault[];
}

interface Membership {
  readonly target: string;
  readonly attributes: JsonObject;
}

/** The aliases of what is restored. One that exists keeps its other members; whether it may be joined says the policy. @throws ParameterError */
export function planAliases(parts: AliasParts): PlannedAliases {
  const { existing, rule, policy } = parts;
  const planned: { aliases: AliasPlan[]; notes: Note[]; faults: Fault[] } = { aliases: [], notes: [], faults: [] };
  const sources = new Map<string, string>();
  const taken = new Set([...parts.indices, ...parts.streams].filter(({ action }) => action !== "skip").map(({ target }) => target));
  for (const [source, members] of membershipsOf(parts, planned.notes)) {
    const alias = rule.rename(source);
    const other = sources.get(alias);
    if (other !== undefined) throw new ParameterError(`Cannot rename: the aliases "${other}" and "${source}" both get the name "${alias}"`);
    if (taken.has(alias))
      throw new ParameterError(`Cannot rename: the alias "${source}" gets the name "${alias}" of an index or data stream`);
    sources.set(alias, source);
    const obstacle = obstacleOf(alias, taken, existing);
    if (obstacle?.kind === "unrestorable" && policy !== "skip") planned.faults.push(obstacle);
    else if (obstacle !== undefined && policy === "fail") planned.faults.push(obstacle);
    else if (obstacle !== undefined && policy === "skip")
      planned.notes.push({ reason: "AliasSkipped", message: `${obstacle.what} is left as it is: it ${obstacle.why}` });
    else planned.aliases.push(...joined(alias, members, { existing, taken, notes: planned.notes }));
  }
  return planned;
}

function membershipsOf({ indices, streams, catalog, existing }: AliasParts, notes: Note[]): Map<string, Membership[]> {
  const memberships = new Map<string, Membership[]>();
  const add = (alias: string, membership: Membership) => memberships.set(alias, [...(memberships.get(alias) ?? []), membership]);
  for (const { entry, target, action, loadThrough } of indices) {
    if (action === "skip" || loadThrough === "stream") continue;
    for (const [alias, attributes] of Object.entries(entry.aliases)) add(alias, { target, attributes });
  }
  const without: string[] = [];
  for (const [alias, attributesOf] of Object.entries(catalog.dataStreamAliases))
    for (const { source, target, action } of streams) {
      const attributes = attributesOf[source];
      if (attributes === undefined || action === "skip") continue;
      if (isAtLeast(existing.server, "elasticsearch", "7.14")) add(alias, { target, attributes });
      else without.push(`${alias} of ${source}`);
    }
  if (without.length > 0)
    notes.push({ reason: "AliasesNotRestored", message: `The target knows no aliases of data streams; left out: ${listed(without)}` });
  return memberships;
}

function holdersOf(alias: string, taken: ReadonlySet<string>, { aliases }: ExistingTarget): [string, JsonObject][] {
  return [...(aliases.get(alias) ?? [])].filter(([holder]) => !taken.has(holder));
}

function obstacleOf(alias: string, taken: ReadonlySet<string>, existing: ExistingTarget): Fault | undefined {
  const what = `alias ${alias}`;
  if (existing.indices.has(alias)) return { kind: "unrestorable", what, why: "is the name of an index in the target" };
  if (existing.dataStreams.has(alias)) return { kind: "unrestorable", what, why: "is the name of a data stream in the target" };
  const holders = holdersOf(alias, taken, existing).map(([holder]) => holder);
  return holders.length === 0 ? undefined : { kind: "exists", what, why: `exists on ${listed(holders, 5)}` };
}

/** The members' places in the alias; the one that is written to stays, when the target has one already. */
function joined(
  alias: string,
  members: readonly Membership[],
  { existing, taken, notes }: { existing: ExistingTarget; taken: ReadonlySet<string>; notes: Note[] },
): AliasPlan[] {
  const holders = holdersOf(alias, taken, existing);
  const writer = holders.find(([, attributes]) => isTrue(attributes.is_write_index))?.[0];
  if (holders.length > 0)
    notes.push({
      reason: "AliasJoined",
      message: `Alias "${alias}" stays on ${listed(
        holders.map(([holder]) => holder),
        5,
      )} too`,
    });
  return members.map(({ target, attributes }) => {
    if (writer === undefined || !isTrue(attributes.is_write_index)) return { alias, target, attributes };
    notes.push({ reason: "WriteIndexKept", message: `Alias "${alias}" goes on writing into "${writer}", not into "${target}"` });
    return { alias, target, attributes: { ...attributes, is_write_index: false } };
  });
}

function isTrue(value: unknown): boolean {
  return String(value) === "true";
}
