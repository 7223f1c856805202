import { IncompleteError } from "../../runner/errors.ts";
import type { IndexEntry } from "./catalog.ts";
import type { NumberedEntry } from "./choose-restored.ts";
import { writableMappings } from "./index-mappings.ts";
import { type SortedSettings, sortSettings, vectorSettings } from "./index-settings.ts";
import { listed } from "./plan-objects.ts";
import type { PlannedStream } from "./plan-streams.ts";
import type { RenameRule } from "./rename-rule.ts";
import type { ExistingTarget, Fault, IndexPlan, Note } from "./restore-plan.ts";
import type { SnapshotFacts } from "./snapshot-facts.ts";

export interface IndexParts {
  readonly facts: SnapshotFacts;
  readonly streams: readonly PlannedStream[];
  readonly existing: ExistingTarget;
  readonly rule: RenameRule;
  readonly policy: "fail" | "skip" | "replace";
}

export interface PlannedIndices {
  readonly indices: readonly IndexPlan[];
  readonly notes: readonly Note[];
  readonly faults: readonly Fault[];
}

/** What becomes of each chosen index. @throws IncompleteError when the manifest does not know one */
export function planIndices(chosen: readonly NumberedEntry[], parts: IndexParts): PlannedIndices {
  const facts = new Map(parts.facts.indices.map((known) => [known.name, known]));
  const streamOf = new Map(parts.streams.flatMap((stream) => stream.numbers.map((number) => [number, stream] as const)));
  const faults: Fault[] = [];
  const left = new Map<string, string[]>();
  const indices = chosen.map(({ entry, number }): IndexPlan => {
    const known = facts.get(entry.name);
    if (known === undefined || known.uuid !== entry.uuid)
      throw new IncompleteError(`The snapshot's manifest does not tell the documents of index "${entry.name}"`, {
        reason: "SnapshotContradictsItself",
      });
    const place = placeOf({ entry, number }, streamOf.get(number), { ...parts, faults });
    const settings = sortSettings(entry.settings, parts.existing.server, parts.rule);
    if (place.action !== "skip" && place.loadThrough === "index")
      for (const { name, because } of settings.left) {
        const key = `${name}: ${because}`;
        left.set(key, [...(left.get(key) ?? []), entry.name]);
      }
    return { entry, number, facts: known, ...place, omitIds: hasDerivedIds(entry), ...contentOf(entry, settings, parts.existing) };
  });
  return { indices, notes: notesOn(indices, left), faults };
}

/** Where it comes to be, and by which way. */
function placeOf(
  { entry, number }: NumberedEntry,
  stream: PlannedStream | undefined,
  { existing, policy, rule, faults }: IndexParts & { readonly faults: Fault[] },
): Pick<IndexPlan, "target" | "action" | "stream" | "loadThrough"> {
  const target = stream?.targets.get(number) ?? rule.rename(entry.name);
  const action = stream === undefined ? actionFor(target, { existing, policy, faults }) : actionWithin(stream, target, existing);
  return { target, action, stream: stream?.target, loadThrough: stream?.method === "replay" ? "stream" : "index" };
}

function contentOf(
  entry: IndexEntry,
  { creation, held, blocks }: SortedSettings,
  { server }: ExistingTarget,
): Pick<IndexPlan, "creation" | "held" | "blocks"> {
  return { creation: { settings: { ...creation, ...vectorSettings(entry, server) }, mappings: writableMappings(entry) }, held, blocks };
}

function notesOn(indices: readonly IndexPlan[], left: ReadonlyMap<string, readonly string[]>): Note[] {
  const skipped = indices.filter(({ action, stream }) => action === "skip" && stream === undefined).map(({ target }) => target);
  const filtered = indices.filter(({ action, entry }) => action !== "skip" && entry.source === "filtered").map(({ entry }) => entry.name);
  return [
    ...[...left].map(([setting, names]) => ({ reason: "SettingLeftOut", message: `Without ${setting} (${listed(names, 5)})` })),
    ...(skipped.length === 0 ? [] : [{ reason: "IndicesSkipped", message: `Skipped, for they exist: ${listed(skipped)}` }]),
    ...(filtered.length === 0
      ? []
      : [{ reason: "SourceFiltered", message: `Fields that the source did not keep are not restored: ${listed(filtered)}` }]),
  ];
}

function actionFor(
  target: string,
  { existing, policy, faults }: { existing: ExistingTarget; policy: IndexParts["policy"]; faults: Fault[] },
): IndexPlan["action"] {
  const what = `index ${target}`;
  const there = existing.indices.get(target);
  const obstacle =
    there?.dataStream !== undefined
      ? `belongs to the data stream ${there.dataStream} of the target`
      : existing.aliases.has(target)
        ? "is an alias in the target"
        : existing.dataStreams.has(target)
          ? "is a data stream in the target"
          : undefined;
  if (there === undefined && obstacle === undefined) return "create";
  if (policy === "skip") return "skip";
  if (obstacle !== undefined) faults.push({ kind: "unrestorable", what, why: obstacle });
  else if (policy === "fail") faults.push({ kind: "exists", what, why: "exists" });
  return "replace";
}

/** What stands in the way of a stream was told of the stream. */
function actionWithin(stream: PlannedStream, target: string, existing: ExistingTarget): IndexPlan["action"] {
  if (stream.action === "skip") return "skip";
  const there = existing.indices.get(target);
  // Those of a replaced stream are deleted with it.
  return stream.method !== "replay" && there !== undefined && there.dataStream === undefined ? "replace" : "create";
}

/** The server makes ids from the documents themselves, and refuses others. */
function hasDerivedIds({ settings }: IndexEntry): boolean {
  return (
    settings["index.mode"] === "time_series" ||
    settings["index.routing_path"] !== undefined ||
    String(settings["index.logsdb.route_on_sort_fields"]) === "true"
  );
}
