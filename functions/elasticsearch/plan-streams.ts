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

/** Which data streams come into being, by which way, and what stands in the way. @throws IncompleteError when the snapshot does not know a stream */
export function planStreams(chosen: readonly NumberedEntry[], { catalog, existing, rule, policy }: StreamParts): PlannedStreams {
  const numbers = new Map<string, Map<string, number>>();
  for (const { entry, number } of chosen) {
    if (entry.dataStream === undefined) continue;
    if (catalog.dataStreams[entry.dataStream] === undefined)
      throw new IncompleteError(`The snapshot holds index "${entry.name}", but not its data stream "${entry.dataStream}"`);
    const members = numbers.get(entry.dataStream) ?? new Map<string, number>();
    numbers.set(entry.dataStream, members.set(entry.name, number));
  }
  const streams: PlannedStream[] = [];
  const notes: Note[] = [];
  const faults: Fault[] = [];
  const method = methodOf(existing);
  for (const [source, members] of numbers) {
    if (method === undefined) {
      faults.push({ kind: "unrestorable", what: `data stream ${source}`, why: `is nothing that ${existing.server.version} knows` });
      continue;
    }
    const order = catalog.dataStreams[source]!.indices;
    const missing = order.filter((name) => !members.has(name));
    if (missing.length > 0)
      notes.push({
        reason: "StreamNotWhole",
        message: `Data stream "${source}" lacks what the snapshot does not hold: ${listed(missing)}`,
      });
    const ordered = order.filter((name) => members.has(name));
    const target = rule.rename(source);
    const renamed = ordered.map((name) => rule.renameBacking(name, source));
    const names = backingNames(renamed, target, method);
    const targets = new Map(ordered.map((name, at) => [members.get(name)!, names[at]!]));
    const obstacles = obstaclesOf(target, method === "replay" ? [] : [...targets.values()], existing);
    if (policy === "fail" || (policy === "replace" && obstacles.some(({ kind }) => kind === "unrestorable")))
      faults.push(...obstacles.filter(({ kind }) => policy === "fail" || kind === "unrestorable"));
    const isSkipped = policy === "skip" && obstacles.length > 0;
    if (isSkipped) {
      const why = obstacles.map(({ what, why: reason }) => `${what} ${reason}`).join(", ");
      notes.push({ reason: "StreamSkipped", message: `Data stream "${source}" is skipped: ${why}` });
    }
    if (method !== "migrate" && !isSkipped) notes.push(wayNote(source, method));
    const action = isSkipped ? "skip" : existing.dataStreams.has(target) ? "replace" : "create";
    const lifecycle = lifecycleOf(catalog.dataStreams[source]!.other, existing);
    if (lifecycle === "unknown" && !isSkipped)
      notes.push({
        reason: "LifecycleNotRestored",
        message: `The target knows no lifecycle of data streams: that of "${source}" is left out`,
      });
    const known = lifecycle === "unknown" ? undefined : lifecycle;
    streams.push({ source, target, action, method, numbers: [...targets.keys()], lifecycle: known, targets });
  }
  return { streams, notes, faults };
}

export interface StreamParts {
  readonly catalog: ClusterCatalog;
  readonly existing: ExistingTarget;
  readonly rule: RenameRule;
  readonly policy: "fail" | "skip" | "replace";
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
