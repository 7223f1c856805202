import { DeadlineExceededError, describeError, ParameterError } from "./errors.ts";
import type { BackupSession, Cluster, ClusterEvent, ObjectName, Status } from "./kubernetes/cluster.ts";
import { completedBackup } from "./kubernetes/status.ts";
import { backupTargetPhase } from "./kubernetes/status-backup-phase.ts";
import { type Condition, findCondition } from "./kubernetes/status-condition.ts";
import { type HostStats, withHostStats } from "./kubernetes/status-hosts.ts";
import { outcomeCondition } from "./kubernetes/status-outcome.ts";
import { describeRef, findTarget, otherTargets, type TargetRef, targetNotInSession } from "./kubernetes/status-target.ts";
import { openSessionObject, type SessionObject, type SessionOptions, type WriteOptions } from "./session-object.ts";

/** What the operator wrote of our target. */
export interface SessionTarget {
  readonly totalHosts: number;
  readonly preBackupActions: readonly string[];
  readonly postBackupActions: readonly string[];
}

/** The session of a backup, as seen by the run of one of its targets. Each write leaves everything of others as it is. */
export interface BackupSessionWriter {
  readonly name: ObjectName;
  readonly uid: string | undefined;
  readonly created: Date;
  readonly invoker: ObjectName & { readonly kind: string; readonly apiGroup?: string | undefined };
  /**
   * Waits until the operator has written our target: it does so after it made the Job, so a run may be faster.
   * @throws ParameterError with reason "TargetNotInSession", or "UnknownBackupAction" for a pre-backup action that we do not know
   */
  waitForTarget(): Promise<SessionTarget>;
  /** Says that there is a repository, or why there is none, when that is our target's to say and nobody has said it yet. */
  repositoryInitialized(outcome: { readonly error?: unknown }): Promise<void>;
  /** The outcome of our target; goes on after the run's abort, until `lastWordMs` later. */
  hostStats(stats: HostStats): Promise<void>;
  /** Says something of the session as a whole. */
  condition(condition: Condition, options?: WriteOptions): Promise<void>;
  /** As it stands in the session now. */
  findCondition(type: string): Promise<Status | undefined>;
  /** Waits until every other target has succeeded or failed. @throws DeadlineExceededError with reason "OtherTargetsNotFinished", naming them */
  waitForOtherTargets(): Promise<void>;
  /** Goes on after the run's abort, but not for long; a failure is a warning. */
  event(type: ClusterEvent["type"], reason: string, message: string): Promise<void>;
}

const INITIALIZE = "InitializeBackendRepository";

/** @throws ParameterError when there is no such session, or it is not valid */
export async function openBackupSession(cluster: Cluster, options: SessionOptions & { target: TargetRef }): Promise<BackupSessionWriter> {
  const { target } = options;
  const session = await openSessionObject<BackupSession>(cluster, options, {
    kind: "BackupSession",
    read: (from, ...parameters) => from.backupSession(...parameters),
    complete: completedBackup,
  });
  const { kind, name, apiGroup } = session.object.spec.invoker;
  return {
    name: session.name,
    uid: session.uid,
    created: session.created,
    invoker: { kind, name, namespace: session.name.namespace, apiGroup },
    waitForTarget: () => waitForTarget(session, target),
    repositoryInitialized: (outcome) => session.write((status) => withInitialized(status, outcome, { session, target })),
    hostStats: (stats) => session.write((status) => withHostStats(status, target, session.redactStats(stats)), { afterAbort: true }),
    condition: (condition, write) => session.writeCondition(condition, write),
    findCondition: (type) => session.findCondition(type),
    waitForOtherTargets: () => waitForOtherTargets(session, target),
    event: (...event) => session.event(...event),
  };
}

async function waitForTarget(session: SessionObject<BackupSession>, ref: TargetRef): Promise<SessionTarget> {
  const { firstPollMs, lastPollMs, targetWaitMs } = session.delays;
  let seen: Status = {};
  const look = (status: Status) => {
    seen = status;
    return readTarget(findTarget(status, ref));
  };
  const wait = { firstMs: firstPollMs, lastMs: lastPollMs, boundMs: targetWaitMs, for: "the session to name our target" };
  const target = await session.poll(look, wait);
  if (target === undefined) throw findTarget(seen, ref) === undefined ? targetNotInSession(seen, ref) : hostsNotCounted(describeRef(ref));
  assertKnown(target.preBackupActions);
  return target;
}

function readTarget(entry: Status | undefined): SessionTarget | undefined {
  if (typeof entry?.totalHosts !== "number") return undefined;
  return {
    totalHosts: entry.totalHosts,
    preBackupActions: namesIn(entry.preBackupActions),
    postBackupActions: namesIn(entry.postBackupActions),
  };
}

function withInitialized(
  status: Status,
  { error }: { readonly error?: unknown },
  { session, target: ref }: { session: SessionObject<BackupSession>; target: TargetRef },
): Status {
  const target = findTarget(status, ref);
  if (target === undefined) throw targetNotInSession(status, ref);
  const actions = namesIn(target.preBackupActions);
  assertKnown(actions);
  if (!actions.includes(INITIALIZE) || findCondition(status, "BackendRepositoryInitialized") !== undefined) return status;
  const isSuccess = error === undefined;
  const message = isSuccess ? "There is a repository in the backend" : describeError(error);
  return session.withCondition(status, outcomeCondition("BackendRepositoryInitialized", { isSuccess, message }));
}

async function waitForOtherTargets(session: SessionObject<BackupSession>, ref: TargetRef): Promise<void> {
  const { othersPollMs, othersWaitMs } = session.delays;
  let unfinished: string[] = [];
  const look = (status: Status) => {
    unfinished = otherTargets(status, ref).filter(isUnfinished).map(describeUnfinished);
    return unfinished.length === 0 ? true : undefined;
  };
  const wait = { firstMs: othersPollMs, lastMs: othersPollMs, boundMs: othersWaitMs, for: "the other targets of the session" };
  if (await session.poll(look, wait)) return;
  throw new DeadlineExceededError(`Other targets of the session did not end within ${othersWaitMs / 1000} s: ${unfinished.join(", ")}`, {
    reason: "OtherTargetsNotFinished",
    facts: { unfinished },
    hint: "Look for the Jobs of these targets; the backup of this one is not affected",
  });
}

function isUnfinished(target: Status): boolean {
  const phase = backupTargetPhase(target);
  return phase !== "Succeeded" && phase !== "Failed";
}

function describeUnfinished(target: Status): string {
  return `${describeRef(target.ref)} (${backupTargetPhase(target)})`;
}

function assertKnown(actions: readonly string[]): void {
  const unknown = actions.filter((action) => action !== INITIALIZE);
  if (unknown.length === 0) return;
  throw new ParameterError(
    `Cannot do pre-backup action ${unknown.map((action) => `"${action}"`).join(", ")}: only "${INITIALIZE}" is known`,
    {
      reason: "UnknownBackupAction",
    },
  );
}

function hostsNotCounted(ref: string): ParameterError {
  return new ParameterError(`Target ${ref} of the session has no totalHosts`, {
    reason: "TargetNotInSession",
    hint: "The operator writes it after it made the Job: does the operator run?",
  });
}

function namesIn(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}
