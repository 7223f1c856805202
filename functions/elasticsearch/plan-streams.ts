import { IncompleteError } from "../../runner/errors.ts";
import type { ClusterCatalog } from "./catalog.ts";
import type { NumberedEntry } from "./choose-restored.ts";
import { isAtLeast } from "./inspect-server.ts";
import { listed } from "./plan-objects.ts";
import type { RenameRule } from "./rename-rule.ts";
import type { ExistingTarget, Fault, JsonObject, Note, StreamPlan } from "./restore-plan.ts";
import { isObject } from "./same-json.ts";

export interface PlannedStream extends StreamPlan {
  /** Names of its indices in the target, by number. */
  readonly targets: ReadonlyMap<number, string>;
}

export interface PlannedStreams {
  readonly streams: readonly PlannedStream[];
  readonly notes: readonly Note[];
  readonly faults: readonly Fault[];
}

export interface StreamParts {
  readonly catalog: ClusterCatalog;
  readonly existing: ExistingTarget;
  readonly rule: RenameRule;
  readonly policy: "fail" | "skip" | "replace";
}

/** Which data streams come into being, by which way, and what stands in the way. @throws IncompleteError when the snapshot does not know a stream */
export function planStreams(chosen: readonly NumberedEntry[], parts: StreamParts): PlannedStreams {
  const { existing } = parts;
  const method = methodOf(existing);
  const members = membersOf(chosen, parts.catalog);
  if (method === undefined) {
    const why = `is nothing that ${existing.server.version} knows`;
    return {
      streams: [],
      notes: [],
      faults: [...members.keys()].map((source) => ({ kind: "unrestorable", what: `data stream ${source}`, why })),
    };
  }
  const planned = [...members].map(([source, numbers]) => planStream({ source, numbers, method }, parts));
  return {
    streams: planned.map(({ stream }) => stream),
    notes: planned.flatMap(({ notes }) => notes),
    faults: planned.flatMap(({ faults }) => faults),
  };
}

/** Stream → numbers of its chosen indices, by their names. */
function membersOf(chosen: readonly NumberedEntry[], catalog: ClusterCatalog): Map<string, Map<string, number>> {
  const members = new Map<string, Map<string, number>>();
  for (const { entry, number } of chosen) {
    if (entry.dataStream === undefined) continue;
    if (catalog.dataStreams[entry.dataStream] === undefined)
      throw new IncompleteError(`The snapshot holds index "${entry.name}", but not its data stream "${entry.dataStream}"`, {
        reason: "SnapshotContradictsItself",
      });
    const numbers = members.get(entry.dataStream) ?? new Map<string, number>();
    members.set(entry.dataStream, numbers.set(entry.name, number));
  }
  return members;
}

function planStream(
  { source, numbers, method }: { source: string; numbers: ReadonlyMap<string, number>; method: StreamPlan["method"] },
  { catalog, existing, rule, policy }: StreamParts,
): { stream: PlannedStream; notes: Note[]; faults: Fault[] } {
  const { indices: order, other } = catalog.dataStreams[source]!;
  const target = rule.rename(source);
  const ordered = order.filter((name) => numbers.has(name));
  const renamed = ordered.map((name) => rule.renameBacking(name, source));
  const names = backingNames(renamed, target, method);
  const targets = new Map(ordered.map((name, at) => [numbers.get(name)!, names[at]!]));
  const obstacles = obstaclesOf(target, method === "replay" ? [] : names, existing);
  const isSkipped = policy === "skip" && obstacles.length > 0;
  const lifecycle = lifecycleOf(other, existing);
  return {
    stream: {
      source,
      target,
      action: isSkipped ? "skip" : existing.dataStreams.has(target) ? "replace" : "create",
      method,
      numbers: [...targets.keys()],
      lifecycle: lifecycle === "unknown" ? undefined : lifecycle,
      targets,
    },
    notes: isSkipped
      ? [skipNote(source, obstacles)]
      : [
          ...missingNotes(
            source,
            order.filter((name) => !numbers.has(name)),
          ),
          ...(method === "migrate" ? [] : [wayNote(source, method)]),
          ...(lifecycle === "unknown" ? [lifecycleNote(source)] : []),
        ],
    faults: policy === "skip" ? [] : obstacles.filter(({ kind }) => policy === "fail" || kind === "unrestorable"),
  };
}

function methodOf({ server }: ExistingTarget): StreamPlan["method"] | undefined {
  if (server.flavour === "opensearch") return isAtLeast(server, "opensearch", "3.8") ? "modify" : "replay";
  if (isAtLeast(server, "elasticsearch", "7.11")) return "migrate";
  return isAtLeast(server, "elasticsearch", "7.9") ? "replay" : undefined;
}

/** A new stream of OpenSearch takes names such as .ds-logs-000001 for itself: one that had them gets others for all its indices. */
function backingNames(names: readonly string[], stream: string, method: StreamPlan["method"]): string[] {
  const prefix = `.ds-${stream}-`;
  const isTaken = (name: string) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length));
  if (method !== "modify" || !names.some(isTaken)) return [...names];
  return names.map((_, at) => `${prefix}restored-${String(at + 1).padStart(6, "0")}`);
}

function obstaclesOf(stream: string, indices: readonly string[], existing: ExistingTarget): Fault[] {
  const obstacles: Fault[] = [];
  if (existing.dataStreams.has(stream)) obstacles.push({ kind: "exists", what: `data stream ${stream}`, why: "exists" });
  if (existing.indices.has(stream))
    obstacles.push({ kind: "unrestorable", what: `data stream ${stream}`, why: "is an index in the target" });
  // A restore that broke off before its last step left an alias of the stream's name on its indices, which are replaced.
  const holders = [...(existing.aliases.get(stream)?.keys() ?? [])].filter((holder) => !indices.includes(holder));
  if (holders.length > 0) obstacles.push({ kind: "unrestorable", what: `data stream ${stream}`, why: "is an alias in the target" });
  for (const index of indices) {
    const there = existing.indices.get(index);
    if (there === undefined || there.dataStream === stream) continue;
    if (there.dataStream === undefined) obstacles.push({ kind: "exists", what: `index ${index}`, why: "exists" });
    else
      obstacles.push({ kind: "unrestorable", what: `index ${index}`, why: `belongs to the data stream ${there.dataStream} of the target` });
  }
  return obstacles;
}

/** Without what the server derives from its own settings. */
function lifecycleOf({ lifecycle }: JsonObject, { server }: ExistingTarget): JsonObject | "unknown" | undefined {
  if (!isObject(lifecycle)) return undefined;
  if (!isAtLeast(server, "elasticsearch", "8.11")) return "unknown";
  return Object.fromEntries(Object.entries(lifecycle).filter(([key]) => /^(enabled|data_retention|downsampling)$/.test(key)));
}

function wayNote(source: string, method: "modify" | "replay"): Note {
  const message =
    method === "modify"
      ? `Data stream "${source}" gets one new index more, to write into; those of OpenSearch are named anew`
      : `The documents of data stream "${source}" go through the stream: its indices are named anew, and have the settings and mappings of its template`;
  return { reason: "StreamChanged", message };
}

function skipNote(source: string, obstacles: readonly Fault[]): Note {
  const why = obstacles.map(({ what, why: reason }) => `${what} ${reason}`).join(", ");
  return { reason: "StreamSkipped", message: `Data stream "${source}" is skipped: ${why}` };
}

function missingNotes(source: string, missing: readonly string[]): Note[] {
  const message = `Data stream "${source}" lacks what the snapshot does not hold: ${listed(missing)}`;
  return missing.length === 0 ? [] : [{ reason: "StreamNotWhole", message }];
}

function lifecycleNote(source: string): Note {
  return { reason: "LifecycleNotRestored", message: `The target knows no lifecycle of data streams: that of "${source}" is left out` };
}
