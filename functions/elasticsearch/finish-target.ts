import type { SearchServer } from "./inspect-server.ts";
import type { PreparedTarget, TargetOptions } from "./prepare-target.ts";
import type { RestorePlan } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";

export interface FinishReport {
  /** By kind: templates, pipelines and the like that were written; data streams; aliases. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface FinishOptions extends TargetOptions {
  readonly prepared: PreparedTarget;
}

/**
 * Puts back what loading had to do without: settings, replicas, templates, data streams, aliases, blocks, closed indices; reads it back and compares.
 * Call it when the counts are right (`countDocuments`).
 * @throws IncompleteError naming what is not as in the snapshot, DatabaseRefusedError, DatabaseUnavailableError
 */
export declare function finishTarget(
  transport: SearchTransport,
  server: SearchServer,
  plan: RestorePlan,
  options: FinishOptions,
): Promise<FinishReport>;
