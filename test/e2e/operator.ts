// The operator's part in a session, played by the tests.
import type { Cluster, ObjectName, Status } from "../../runner/kubernetes/cluster.ts";
import { completedBackup, completedRestore } from "../../runner/kubernetes/status.ts";
import { type Condition, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { outcomeCondition } from "../../runner/kubernetes/status-outcome.ts";
import type { TargetRef } from "../../runner/kubernetes/status-target.ts";

export interface TargetActions {
  readonly pre?: readonly string[];
  readonly post?: readonly string[];
}

/** Names the targets as Pending, as it does before it makes the first Job. */
export async function nameTargets(operator: Cluster, session: ObjectName, refs: readonly TargetRef[]): Promise<void> {
  await change(operator, session, (status) => ({ ...status, targets: refs.map((ref) => ({ ref })) }));
}

/** What follows once the Job of a target is made, in two writes: its condition, then its hosts and actions. */
export async function admitTarget(operator: Cluster, session: ObjectName, target: { ref: TargetRef } & TargetActions): Promise<void> {
  const { ref, pre, post } = target;
  const actions = { ...(pre && { preBackupActions: pre }), ...(post && { postBackupActions: post }) };
  await changeTarget(operator, session, ref, (entry) => withCondition(entry, ensured("Backup"), new Date()));
  await changeTarget(operator, session, ref, (entry) => ({ ...entry, totalHosts: 1, ...actions }));
}

/** The last step of a session: only then its phase is final. */
export async function concludeSession(operator: Cluster, session: ObjectName): Promise<Status> {
  const cleaned = { type: "BackupHistoryCleaned", status: "True", reason: "SuccessfullyCleanedBackupHistory", message: "so" } as const;
  await change(operator, session, (status) => withCondition(withCondition(status, cleaned, new Date()), pushed, new Date()));
  return (await operator.backupSession(session)).status ?? {};
}

/** The same of a RestoreSession. */
export async function admitRestore(operator: Cluster, session: ObjectName): Promise<void> {
  await changeRestore(operator, session, (status) => withCondition({ ...status, totalHosts: 1 }, ensured("Restore"), new Date()));
}

export async function concludeRestore(operator: Cluster, session: ObjectName): Promise<Status> {
  await changeRestore(operator, session, (status) => withCondition(status, pushed, new Date()));
  return (await operator.restoreSession(session)).status ?? {};
}

const pushed = outcomeCondition("MetricsPushed", { isSuccess: true, message: "Successfully pushed metrics." });

function ensured(work: "Backup" | "Restore"): Condition {
  return { type: `${work}ExecutorEnsured`, status: "True", reason: `SuccessfullyEnsured${work}Executor`, message: "so" };
}

async function change(operator: Cluster, session: ObjectName, does: (status: Status) => Status): Promise<void> {
  const created = createdOf(await operator.backupSession(session));
  await operator.updateStatus("BackupSession", session, (status) => completedBackup(does(status), { created, now: new Date() }));
}

async function changeTarget(operator: Cluster, session: ObjectName, ref: TargetRef, does: (entry: Status) => Status): Promise<void> {
  await change(operator, session, (status) => {
    const targets = (status.targets ?? []) as Status[];
    const isOurs = (entry: Status) => JSON.stringify(sorted(entry.ref)) === JSON.stringify(sorted(ref));
    const all = targets.some(isOurs) ? targets : [...targets, { ref }];
    return { ...status, targets: all.map((entry) => (isOurs(entry) ? does(entry) : entry)) };
  });
}

async function changeRestore(operator: Cluster, session: ObjectName, does: (status: Status) => Status): Promise<void> {
  const created = createdOf(await operator.restoreSession(session));
  await operator.updateStatus("RestoreSession", session, (status) => completedRestore(does(status), { created, now: new Date() }));
}

function createdOf({ metadata }: { metadata: { creationTimestamp?: string | undefined } }): Date {
  return new Date(metadata.creationTimestamp ?? "");
}

function sorted(ref: unknown): unknown {
  return Object.entries(ref as object).toSorted();
}
