import { describeError, IncompleteError, ParameterError } from "./errors.ts";
import { examineRepository, type RepositoryExtent } from "./examine-repository.ts";
import type { BackupInvoker, Status } from "./kubernetes/cluster.ts";
import { type OutcomeType, outcomeCondition } from "./kubernetes/status-outcome.ts";
import type { RepositoryPlace } from "./places.ts";
import { type RepositoryFacts, recordRepository } from "./record-repository.ts";
import { retentionScope } from "./retention-scope.ts";
import type { RunParts } from "./run.ts";
import type { BackupSessionWriter } from "./session.ts";
import { applyRetention, type RetentionResult } from "./snapshot/apply-retention.ts";
import type { Repository } from "./snapshot/repository.ts";
import { verifySnapshots } from "./snapshot/verify.ts";

export interface PostBackupPlan {
  readonly session: BackupSessionWriter;
  /** Of the session's target: what the operator wants done once all targets have ended. */
  readonly actions: readonly string[];
  /** Called once the other targets have ended. */
  open(): Promise<OpenedRepository>;
  readonly samplePercent: number;
}

export interface OpenedRepository {
  readonly repository: Repository;
  readonly object: NonNullable<RepositoryPlace["object"]>;
  readonly invoker: BackupInvoker;
}

/** What was found out and done; what was not looked at is absent. */
export interface PostBackupOutcome extends Partial<RepositoryExtent> {
  readonly verification?: { readonly isWhole: boolean; readonly finished: Date };
  readonly retention?: RetentionResult;
  /** The first step that failed. */
  readonly failure?: unknown;
  /** Whether the session's conditions say that it failed. */
  readonly isFailureTold?: boolean;
}

const VERIFY = "VerifyRepositoryIntegrity";
const RETAIN = "ApplyRetentionPolicy";
const SEND = "SendRepositoryMetrics";

/**
 * Verifies, then applies the retention policy, each when it is wanted and no earlier try has done it; writes a condition for each and the Repository's
 * status, also when the verification finds damage. Nothing is removed from a repository that is not whole. The host's own stats have to be written
 * before. Never rejects: the backup stands, and what failed is in the outcome.
 */
export async function runPostBackupActions(plan: PostBackupPlan, parts: RunParts): Promise<PostBackupOutcome> {
  if (plan.actions.length === 0) return {};
  const steps = new Steps(plan, parts);
  await steps.run({ name: "waiting for the other targets" }, async () => {
    await plan.session.waitForOtherTargets();
    return {};
  });
  const opened = await steps.run({ name: "opening the repository" }, () => plan.open());
  // What needs it and has a condition is not begun after a failure.
  const { repository, object, invoker } = (opened ?? {}) as OpenedRepository;
  const verification = await steps.run({ name: "verification", action: VERIFY, type: "RepositoryIntegrityVerified" }, () =>
    verify(repository, plan, parts),
  );
  const retention = await steps.run({ name: "retention", action: RETAIN, type: "RetentionPolicyApplied" }, () =>
    retain({ repository, invoker }, plan, parts),
  );
  const size = opened && (await steps.run({ name: "looking at the repository" }, () => examineRepository(repository, parts)));
  const unknown = plan.actions.filter((action) => ![VERIFY, RETAIN, SEND].includes(action));
  if (unknown.length > 0) steps.failure ??= new ParameterError(`Cannot do post-backup action "${unknown.join('", "')}"`);
  const facts: RepositoryFacts = {
    integrity: verification?.isWhole,
    totalBytes: size?.sizeBytes,
    snapshotCount: size?.snapshots.count,
    snapshotsRemoved: retention?.forgotten.length,
    oldest: size?.snapshots.oldest?.toISOString(),
    lastBackup: plan.session.created.toISOString(),
  };
  const recorded = opened && (await recordRepository(object, facts, recordOptions(parts)));
  steps.failure ??= recorded?.error;
  return {
    ...(verification && { verification }),
    ...(retention && { retention }),
    ...size,
    ...(steps.failure !== undefined && { failure: steps.failure, isFailureTold: recorded?.error === undefined && steps.isTold }),
  };
}

const STATUS_PATIENCE_MS = 10 * 60_000;
const LAST_WORD_MS = 10_000;

/** Damage that was found is told by a run that is being stopped, too. */
function recordOptions({ signal, warn }: RunParts) {
  return { signal: signal.aborted ? AbortSignal.timeout(LAST_WORD_MS) : signal, warn, patienceMs: STATUS_PATIENCE_MS };
}

interface Step {
  readonly name: string;
  /** Done only when the session wants it. */
  readonly action?: string;
  /** The condition that tells how it went; once it stands, the step is not done again. */
  readonly type?: OutcomeType;
}

interface StepResult {
  readonly message?: string;
  /** A result all the same: what was looked at is not as it should be. */
  readonly error?: unknown;
}

/** Runs one step after the other; after a failure the rest that changes anything is not done, and its condition says why. */
class Steps {
  failure: unknown;
  isTold = false;
  readonly #plan: PostBackupPlan;
  readonly #parts: RunParts;

  constructor(plan: PostBackupPlan, parts: RunParts) {
    this.#plan = plan;
    this.#parts = parts;
  }

  async run<T extends object>(step: Step, work: () => Promise<T & StepResult>): Promise<T | undefined> {
    const { session, actions } = this.#plan;
    const { name, action, type } = step;
    if (action !== undefined && !actions.includes(action)) return undefined;
    try {
      const earlier = type && (await session.findCondition(type));
      if (earlier !== undefined) return this.#heed(earlier);
      if (type !== undefined && this.failure !== undefined) throw this.failure;
      const result = await work();
      this.failure ??= result.error;
      if (type !== undefined) await this.#say(type, result);
      return result;
    } catch (error) {
      this.#parts.log.error(`The backup stands, but ${name} failed`, { error: describeError(error) });
      this.failure ??= error;
      if (type !== undefined) await this.#say(type, { error }).catch((cause: unknown) => this.#notSaid(type, cause));
      return undefined;
    }
  }

  /** What an earlier try said stands; what it found wrong stops this one too. */
  #heed({ type, status, message }: Status): undefined {
    if (status === "True") return;
    this.isTold = true;
    this.failure ??= new IncompleteError(`An earlier try says in condition "${type}": ${message}`, { reason: "FailedBefore" });
  }

  async #say(type: OutcomeType, { error, message = "" }: StepResult): Promise<void> {
    const isSuccess = error === undefined;
    const condition = outcomeCondition(type, { isSuccess, message: isSuccess ? message : describeError(error) });
    await this.#plan.session.condition(condition, { afterAbort: true });
    if (!isSuccess) this.isTold = true;
    if (!isSuccess) await this.#plan.session.event("Warning", condition.reason, condition.message);
  }

  #notSaid(type: string, error: unknown): void {
    this.#parts.warn("StatusNotWritten", `Condition "${type}" of the session could not be written: ${describeError(error)}`);
  }
}

async function verify(repository: Repository, { samplePercent }: PostBackupPlan, { signal, progress }: RunParts) {
  const { problems, objects, objectsRead, snapshots } = await verifySnapshots(repository, {
    samplePercent,
    signal,
    progress: ({ bytes, objects: items, totalObjects: totalItems }) => progress({ phase: "Verifying", bytes, items, totalItems }),
  });
  const finished = new Date();
  const [first] = problems;
  if (first === undefined) {
    const message = `Every object of every snapshot (${snapshots}) is there with its size; ${objectsRead} of ${objects} were read back`;
    return { isWhole: true, finished, message };
  }
  const error = new IncompleteError(`Verification found ${problems.length} problem(s), the first in "${first.key}": ${first.problem}`, {
    reason: "VerificationFailed",
    facts: { problems },
    hint: "The backup of this run is committed; look for the fault in the store",
  });
  return { isWhole: false, finished, error };
}

async function retain(
  { repository, invoker }: Pick<OpenedRepository, "repository" | "invoker">,
  { session }: PostBackupPlan,
  { signal, warn, log }: RunParts,
) {
  const policy = invoker.spec.retentionPolicy;
  const result = await applyRetention(repository, policy, {
    scope: retentionScope(invoker),
    holder: `${invoker.kind} ${session.name.namespace}/${session.name.name}`,
    signal,
    warn,
    onForgotten: (snapshot) => log.info("Snapshot forgotten", { snapshot }),
  });
  const kept = result.groups.reduce((sum, group) => sum + group.kept.length, 0);
  const removable = result.groups.reduce((sum, group) => sum + group.removed.length, 0);
  const done = result.dryRun ? `would remove ${removable}` : `removed ${result.forgotten.length}`;
  const pruned = result.pruned === undefined ? "" : `; pruned ${result.pruned.removed.objects} objects`;
  return { ...result, message: `Policy "${policy.name}": ${done} snapshots, kept ${kept}${pruned}` };
}
