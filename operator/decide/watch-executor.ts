import type { Status } from "../../runner/kubernetes/cluster.ts";
import { findTarget } from "../../runner/kubernetes/status-target.ts";
import type { Action, Decision } from "../action.ts";
import type { ExecutorTrouble } from "../executor.ts";
import { identityOf } from "../objects.ts";
import type { DecideOptions, ObservedBackupSession } from "./observed-backup-session.ts";
import { after, sessionEvent, sessionStatus } from "./session-facts.ts";
import { deadlineOf, failStart, startActions } from "./start-backup.ts";
import { disrupted, ensured, isEnded, isEnsured } from "./target-conditions.ts";

/** Its last words may still be on their way. */
const LAST_WORDS_MS = 30_000;
const LOOK_AGAIN_MS = 5_000;

/** A session that has begun and has no result yet: what becomes of its Job. */
export function watchExecutor(observed: ObservedBackupSession, options: DecideOptions): Decision {
  const { now } = options;
  const { session, target, job, executor } = observed;
  const entry = findTarget(session.status ?? {}, target);
  const wakeAt = earliest(executor.kind === "working" ? executor.wakeAt : undefined, deadlineOf(observed));
  // What the run has still to say of the repository: the end of the Job, or the deadline, ends that.
  if (isEnded(entry)) return { actions: [], wakeAt };
  if (job.kind !== "ours" && isEnsured(entry)) return { actions: disruption(observed, JOB_DELETED, now) };
  if (job.kind === "foreign") return foreignJob(observed, { name: job.name, isGoing: job.isGoing }, now);
  if (job.kind === "absent") return { actions: startActions(observed, now) };
  if (executor.kind === "failed") return { actions: disruption(observed, executor.failure, now) };
  const told = isEnsured(entry) ? [] : [sessionStatus(session, ensured(target, now), now)];
  if (executor.kind === "succeeded") {
    const lost = after(executor.finished, LAST_WORDS_MS);
    return now < lost ? { actions: told, wakeAt: lost } : { actions: disruption(observed, NO_RESULT, now) };
  }
  const trouble = executor.kind === "working" ? executor.trouble : undefined;
  return { actions: [...told, ...(trouble === undefined ? [] : [sessionEvent(session, { type: "Warning", ...trouble })])], wakeAt };
}

const JOB_DELETED: ExecutorTrouble = {
  reason: "JobDeleted",
  message: "The Job of the backup is gone before it told of a result: somebody deleted it; make a new BackupSession to back up now",
};

const NO_RESULT: ExecutorTrouble = {
  reason: "NoResult",
  message:
    "The Job ended without a failure, and without telling of a result: its Task has to end with a step that does, such as update-status",
};

/** The one write that says why, then the Event, then the end of what may still run: a pod that comes late must not back up for a session that is over. */
function disruption({ session, target, job }: ObservedBackupSession, failure: ExecutorTrouble, now: Date): readonly Action[] {
  const stop: readonly Action[] = job.kind === "ours" ? [{ do: "stop", job: identityOf(job.object) }] : [];
  const seen = job.kind === "ours" ? ensured(target, now) : (status: Status) => status;
  return [
    sessionStatus(session, (status) => disrupted(target, failure, now)(seen(status)), now),
    sessionEvent(session, { type: "Warning", reason: failure.reason, message: failure.message }),
    ...stop,
  ];
}

function foreignJob(observed: ObservedBackupSession, { name, isGoing }: { name: string; isGoing: boolean }, now: Date): Decision {
  if (isGoing) return { actions: [], wakeAt: after(now, LOOK_AGAIN_MS) };
  const message = `Job "${name}" is there already and is not of this session: delete it, and make a new BackupSession`;
  return { actions: failStart(observed, message, now) };
}

function earliest(...times: readonly (Date | undefined)[]): Date | undefined {
  return times.filter((time) => time !== undefined).toSorted((one, other) => one.getTime() - other.getTime())[0];
}
