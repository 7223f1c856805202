import { LockedError } from "../errors.ts";
import { forgetSnapshots } from "./forget.ts";
import { listEverySnapshot } from "./list-every-snapshot.ts";
import { type PruneOptions, type PruneReport, prune } from "./prune.ts";
import type { Repository } from "./repository.ts";
import { applyPolicy, type RetentionPlan, type RetentionPolicy, type RetentionScope } from "./retention.ts";

export interface RetentionOptions extends Omit<PruneOptions, "dryRun"> {
  /** Whose snapshots may be touched; everybody's when absent. */
  readonly scope?: RetentionScope | undefined;
  /** Told of each snapshot that is gone. */
  onForgotten?(id: string): void;
}

export interface RetentionResult extends RetentionPlan {
  /** Empty with `dryRun`. */
  readonly forgotten: readonly string[];
  /** Undefined when nothing was to be pruned, or somebody else was pruning. */
  readonly pruned: PruneReport | undefined;
}

/**
 * Lists, judges, forgets, and prunes when the policy says so. That somebody else prunes at this moment is a warning: what this call forgot goes with the
 * next pruning. @throws ParameterError, IncompleteError as `applyPolicy`, `forgetSnapshots` and `prune` do
 */
export async function applyRetention(repository: Repository, policy: RetentionPolicy, options: RetentionOptions): Promise<RetentionResult> {
  const plan = applyPolicy(await listEverySnapshot(repository, options), policy, options.scope);
  if (plan.dryRun) return { ...plan, forgotten: [], pruned: undefined };
  const forgotten = await forgetSnapshots(repository, plan.groups, options);
  return { ...plan, forgotten, pruned: plan.prune ? await pruneUnlessLocked(repository, options) : undefined };
}

async function pruneUnlessLocked(repository: Repository, options: RetentionOptions): Promise<PruneReport | undefined> {
  try {
    return await prune(repository, options);
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    options.warn("PruneSkipped", `${error.message}; what was forgotten goes with the next pruning`);
    return undefined;
  }
}
