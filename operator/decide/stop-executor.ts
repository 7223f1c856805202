import { findCondition } from "../../runner/kubernetes/status-condition.ts";
import { findTarget } from "../../runner/kubernetes/status-target.ts";
import type { Decision } from "../action.ts";
import { type Fields, identityOf, type LiveObject } from "../objects.ts";
import type { ObservedBackupSession } from "./observed-backup-session.ts";

/** A run knows its deadline too, and tells how far it came. */
const GRACE_MS = 30_000;
/** A pod that does not end within this after it was told to is on a node that does not answer. */
const ENDING_MS = 60_000;

/**
 * What is to be done until a Job that is to end has ended: `wakeAt` says that it has not. A session is not over as long as its Job may still write, unless its node is lost:
 * then the lock on the target is what keeps two backups apart.
 */
export function endOfJob({ session, target, job }: ObservedBackupSession, now: Date): Decision {
  if (job.kind !== "ours" || isOver(job.object)) return { actions: [] };
  const status = session.status ?? {};
  const entry = findTarget(status, target) ?? {};
  const [late, broken] = [findCondition(status, "DeadlineExceeded"), findCondition(entry, "BackupDisrupted")];
  const stop: Decision = { actions: isStopped(job.object) ? [] : [{ do: "stop", job: identityOf(job.object) }] };
  const stopAt = timeOf(broken) ?? after(timeOf(late), GRACE_MS);
  // The run has told its result; of what it was still about, nobody waits for the end.
  if (stopAt === undefined) return stop;
  if (now < stopAt) return { actions: [], wakeAt: stopAt };
  const endAt = new Date(stopAt.getTime() + ENDING_MS);
  return now < endAt ? { ...stop, wakeAt: endAt } : stop;
}

export function isOver({ status }: LiveObject): boolean {
  const conditions = (status?.conditions ?? []) as readonly Fields[];
  return conditions.some(({ type, status: value }) => (type === "Complete" || type === "Failed") && value === "True");
}

/** As StopJob leaves it. */
export function isStopped({ spec }: LiveObject): boolean {
  return spec?.activeDeadlineSeconds !== undefined;
}

function timeOf(condition: Fields | undefined): Date | undefined {
  const time = new Date(String(condition?.lastTransitionTime));
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function after(time: Date | undefined, milliseconds: number): Date | undefined {
  return time && new Date(time.getTime() + milliseconds);
}
