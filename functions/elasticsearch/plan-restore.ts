import { ParameterError } from "../../runner/errors.ts";
import type { ClusterCatalog, IndexEntry } from "./catalog.ts";
import { chooseRestored, isSelection } from "./choose-restored.ts";
import { missingPipelines } from "./missing-pipelines.ts";
import { neededObjects } from "./needed-objects.ts";
import { planAliases } from "./plan-aliases.ts";
import { planIndices } from "./plan-indices.ts";
import { planObjects } from "./plan-objects.ts";
import { type PlannedStream, planStreams } from "./plan-streams.ts";
import { renameRule } from "./rename-rule.ts";
import type { ExistingTarget, IndexPlan, RestorePlan } from "./restore-plan.ts";
import type { SnapshotFacts } from "./snapshot-facts.ts";
import { templateFaults } from "./template-faults.ts";

export interface RestorableSnapshot {
  readonly catalog: ClusterCatalog;
  /** All lines of meta/indices.ndjson, in order. */
  readonly entries: readonly IndexEntry[];
  readonly facts: SnapshotFacts;
}

/** The parameters of es-restore that decide what is restored. */
export interface PlanParameters {
  readonly match: string | undefined;
  readonly matchRegex: string | undefined;
  readonly matchNamesOnly?: boolean | undefined;
  readonly policy: "fail" | "skip" | "replace";
  readonly rename: string | undefined;
  readonly indicesOnly: boolean;
}

/**
 * Decides all that a restore will do; asks and writes nothing. What stands in its way is in the plan's `faults`.
 * @throws ParameterError when nothing is chosen or two things get one name, IncompleteError when the snapshot contradicts itself
 */
export function planRestore(snapshot: RestorableSnapshot, existing: ExistingTarget, parameters: PlanParameters): RestorePlan {
  const { catalog, facts } = snapshot;
  const { policy } = parameters;
  const rule = renameRule(parameters.rename);
  const chosen = chooseRestored(snapshot, parameters);
  const { streams, ...ofStreams } = planStreams(chosen, { catalog, existing, rule, policy });
  const { indices, ...ofIndices } = planIndices(chosen, { facts, streams, existing, rule, policy });
  assertDistinct(indices, streams);
  const { aliases, ...ofAliases } = planAliases({ indices, streams, catalog, existing, rule, policy });
  const hasReplay = streams.some(({ action, method }) => action !== "skip" && method === "replay");
  const { objects, ...ofObjects } = planObjects(catalog, existing, {
    policy,
    isRenaming: rule.isActive,
    hasReplay,
    ...wantedObjects(snapshot, indices, parameters),
  });
  const parts = [ofStreams, ofIndices, ofAliases, ofObjects];
  return {
    indices,
    objects,
    dataStreams: streams,
    aliases,
    notes: [...parts.flatMap(({ notes }) => notes), ...missingPipelines(indices, objects, existing)],
    faults: [...parts.flatMap(({ faults }) => faults), ...templateFaults({ indices, streams, objects, existing })],
  };
}

function wantedObjects(
  { catalog }: RestorableSnapshot,
  indices: readonly IndexPlan[],
  parameters: PlanParameters,
): { wanted: ReadonlySet<string> | undefined; because: string } {
  if (parameters.indicesOnly) return { wanted: new Set(), because: "--indices-only" };
  if (!isSelection(parameters)) return { wanted: undefined, because: "" };
  const restored = indices.filter(({ action }) => action !== "skip").map(({ entry }) => entry);
  return { wanted: neededObjects(catalog, restored), because: "the chosen indices do not need them" };
}

/** Names of indices that a data stream makes by itself are not ours to judge. */
function assertDistinct(indices: readonly IndexPlan[], streams: readonly PlannedStream[]): void {
  const sources = new Map<string, string>();
  const named = [
    ...indices.filter(({ loadThrough }) => loadThrough === "index").map(({ entry, target }) => [entry.name, target] as const),
    ...streams.map(({ source, target }) => [source, target] as const),
  ];
  for (const [source, target] of named) {
    const other = sources.get(target);
    if (other !== undefined)
      throw new ParameterError(`Cannot rename: "${other}" and "${source}" both get the name "${target}"`, {
        hint: "Use a part of the old name in the new one, such as (.+)=restored-$1",
      });
    sources.set(target, source);
  }
}
