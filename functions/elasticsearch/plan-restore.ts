import type { ClusterCatalog, IndexEntry } from "./catalog.ts";
import type { ExistingTarget, RestorePlan } from "./restore-plan.ts";
import type { SnapshotFacts } from "./snapshot-facts.ts";

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
  readonly policy: "fail" | "skip" | "replace";
  readonly rename: string | undefined;
  readonly indicesOnly: boolean;
}

/**
 * Decides all that a restore will do; asks and writes nothing. What stands in its way is in the plan's `faults`.
 * @throws ParameterError when nothing is chosen or two things get one name, IncompleteError when the snapshot contradicts itself
 */
export declare function planRestore(snapshot: RestorableSnapshot, existing: ExistingTarget, parameters: PlanParameters): RestorePlan;
