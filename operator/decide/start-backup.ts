import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { Status, StatusChange } from "../../runner/kubernetes/cluster.ts";
import { formatTime } from "../../runner/kubernetes/go-format.ts";
import { isAny, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { findTarget } from "../../runner/kubernetes/status-target.ts";
import type { Action, Decision } from "../action.ts";
import { backupSessionFor } from "../build/backup-session.ts";
import { sessionJob } from "../build/session-job.ts";
import { controllerOf, identityOf, isBeingDeleted, type LiveObject, type WantedObject } from "../objects.ts";
import { admission } from "./admission.ts";
import { outdatedSessions, removals } from "./history.ts";
import type { DecideOptions, ObservedBackupSession, StartParts } from "./observed-backup-session.ts";
import {
  after,
  createdAt,
  durationOf,
  hasBegun,
  isFinalStatus,
  isStarted,
  sessionEvent,
  sessionStatus,
  withEntry,
} from "./session-facts.ts";
import { ensured, isEnded, isEnsured, notEnsured } from "./target-conditions.ts";

/** A session that has not begun: it begins, waits, or is left out. */
export function admitBackup(observed: ObservedBackupSession, { now }: DecideOptions): Decision {
  const { session, target } = observed;
  const admitted = admission(observed, now);
  switch (admitted.kind) {
    case "skip":
      // One that has begun ends with a result: of several targets, this one never gets its Job.
      if (hasBegun(observed.session.status ?? {})) return { actions: failStart(observed, admitted.message, now) };
      return { actions: skip(observed, admitted.message, now) };
    case "wait": {
      const event = { type: "Normal", reason: "BackupWaits", message: admitted.message } as const;
      const change: StatusChange = (status) => withDeadline(withEntry(status, target, same), observed);
      const written = [sessionStatus(session, change, now), sessionEvent(session, event)];
      // Of an invoker that nobody has looked at, neither target nor time limit are known for sure.
      return { actions: admitted.isInLine ? written : [], wakeAt: admitted.wakeAt };
    }
    case "start":
      return { actions: startActions(observed, now) };
  }
}

/**
 * Makes what the Job needs, then says what it has to do, then makes the Job: whoever runs in it finds its orders. Cut short anywhere, it is done again from the start, and
 * the Job's name sees to it that there is one only.
 */
export function startActions(observed: ObservedBackupSession, now: Date): readonly Action[] {
  const { session, target, start, invoker } = observed;
  if (invoker === undefined) return failStart(observed, "The invoker was deleted before the Job was made", now);
  if (start === undefined) throw new Error("A backup was to begin without anything to begin with");
  if (start.kind === "fault") return failStart(observed, start.message, now);
  const refused = (message: string) => failStart(observed, message, now);
  const deadline = deadlineOf(observed);
  const job = sessionJob(start.job as Parameters<typeof sessionJob>[0], { deadline, now });
  return [
    ...adoptSession(session, invoker),
    ...preparations(start, refused),
    sessionStatus(session, (status) => begun(status, observed), now),
    { do: "create", object: job as unknown as WantedObject, refused },
    sessionStatus(session, ensured(target, now), now),
  ];
}

/** The Job cannot be made, and will not by itself: a session that hangs would say nothing. */
export function failStart({ session, target }: ObservedBackupSession, message: string, now: Date): readonly Action[] {
  return [
    sessionStatus(session, notEnsured(target, message, now), now),
    sessionEvent(session, { type: "Warning", reason: "FailedToEnsureBackupExecutor", message }),
  ];
}

/** When the session counts as failed. It is set when it begins or waits, once: whoever changes the invoker's timeOut changes that of later sessions. */
export function deadlineOf({ session, invoker }: Pick<ObservedBackupSession, "session" | "invoker">): Date | undefined {
  const status: Status = session.status ?? {};
  if (typeof status.sessionDeadline === "string") return new Date(status.sessionDeadline);
  const timeOutMs = hasBegun(status) ? undefined : durationOf(invoker?.spec?.timeOut);
  return timeOutMs === undefined ? undefined : after(createdAt(session), timeOutMs);
}

export function withDeadline(status: Status, observed: Pick<ObservedBackupSession, "session" | "invoker">): Status {
  const deadline = deadlineOf(observed);
  if (deadline === undefined || status.sessionDeadline !== undefined) return status;
  return { ...status, sessionDeadline: formatTime(deadline) };
}

const ORDERS = {
  totalHosts: 1,
  preBackupActions: ["InitializeBackendRepository"],
  postBackupActions: ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"],
} as const;

/** One write: a run that sees its target sees all of its orders. @throws ClusterUnavailableError when there is to be no Job any more */
function begun(status: Status, observed: ObservedBackupSession): Status {
  const { session, target } = observed;
  const entry = findTarget(status, target);
  const isDecided = isFinalStatus(status) || isAny(status, "True", ["BackupSkipped", "DeadlineExceeded", "MetricsPushed"]);
  // Of a Job that was there, nobody makes a second one: this look was long ago.
  if (isDecided || isEnded(entry) || isEnsured(entry)) {
    throw new ClusterUnavailableError(`Somebody else has begun or ended BackupSession "${session.metadata.name}" meanwhile`);
  }
  return withDeadline(isStarted(entry) ? status : withEntry(status, target, (each) => ({ ...each, ...ORDERS })), observed);
}

function preparations({ rights, claim }: StartParts, refused: (message: string) => readonly Action[]): readonly Action[] {
  const made = rights.map((object): Action => ({ do: "ensure", object, refused }));
  return claim === undefined ? made : [...made, { do: "create", object: claim, refused }];
}

/** One made by hand gets the labels that others have, and goes with its invoker, as they do. */
function adoptSession(session: LiveObject, invoker: LiveObject): readonly Action[] {
  const { metadata } = backupSessionFor(invoker, { name: session.metadata.name, retryLeft: 0 });
  const adopt = (live: LiveObject): LiveObject => {
    if (isBeingDeleted(live)) return live;
    const labels = { ...metadata.labels, ...live.metadata.labels };
    const missing = Object.keys(labels).filter((label) => live.metadata.labels?.[label] === undefined);
    const isOwned = controllerOf(live) !== undefined;
    if (missing.length === 0 && isOwned) return live;
    const others = (live.metadata.ownerReferences ?? []).filter(({ uid }) => isOwned || uid !== invoker.metadata.uid);
    const owners = [...others, ...(isOwned ? [] : (metadata.ownerReferences ?? []))];
    return { ...live, metadata: { ...live.metadata, labels, ownerReferences: owners } };
  };
  return adopt(session) === session ? [] : [{ do: "metadata", kind: "BackupSession", object: identityOf(session), change: adopt }];
}

function skip({ session, siblings, invoker }: ObservedBackupSession, message: string, now: Date): readonly Action[] {
  const condition = { type: "BackupSkipped", status: "True", reason: "SkippedTakingNewBackup", message } as const;
  return [
    // Another operator may have been faster, and thought otherwise.
    sessionStatus(session, (status) => (hasBegun(status) ? status : withCondition(status, condition, now)), now),
    sessionEvent(session, { type: "Warning", reason: "BackupSkipped", message }),
    ...removals(outdatedSessions(siblings, { current: session, isSkipped: true, invoker })),
  ];
}

function same(entry: Status): Status {
  return entry;
}
