import type { Log } from "../../runner/function.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { IndexPlan, RestorePlan } from "./restore-plan.ts";
import type { SearchTransport } from "./transport.ts";

export interface TargetOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  warn(reason: string, message: string): void;
}

/** Where the documents of one index go. */
export interface LoadTarget {
  /** Bulk requests name this: an index, or a data stream. */
  readonly writeTo: string;
  /** The index that holds the documents afterwards. */
  readonly index: string;
  /** Data streams and time series take "create" alone. */
  readonly operation: "index" | "create";
  /** Neither `_id` nor routing may be sent. */
  readonly omitIds: boolean;
}

export interface PreparedTarget {
  /** Names of the indices that this run created, in order: what is left when it fails from here on. */
  readonly created: readonly string[];
  /**
   * Must be called before the first document of an index; not for those that are skipped. Indices of one data stream come in the plan's order,
   * one after the other: the next may be asked for when the last one is loaded, for the stream may roll over in between.
   */
  loadTarget(index: IndexPlan): Promise<LoadTarget>;
  /** What `loadTarget` said of this index. @throws Error when it was not asked */
  loaded(index: IndexPlan): LoadTarget;
}

/**
 * Writes scripts, pipelines and policies, deletes what is replaced, and creates the indices with settings that suit loading. When the target
 * refuses one, those that were created here are deleted again, and the message names what is gone for good.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export declare function prepareTarget(
  transport: SearchTransport,
  server: SearchServer,
  plan: RestorePlan,
  options: TargetOptions,
): Promise<PreparedTarget>;
