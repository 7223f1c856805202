import type { Status } from "../../runner/kubernetes/cluster.ts";
import { formatTime } from "../../runner/kubernetes/go-format.ts";
import { sessionName } from "../../runner/kubernetes/resolve-names.ts";
import { isAny } from "../../runner/kubernetes/status-condition.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import { type Action, type Decision, NOTHING } from "../action.ts";
import { backupSessionFor } from "../build/backup-session.ts";
import { NO_RETRY, RETRY_OF } from "../names.ts";
import { identityOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import { isPassing } from "./container-failure.ts";
import type { DecideOptions, ObservedBackupSession } from "./observed-backup-session.ts";
import { resultCodeOf } from "./program-result.ts";
import { after, byAge, durationOf, isFinal, isRetryOpen, phaseOf, sessionEvent, sessionStatus } from "./session-facts.ts";

/** A newer backup that is under way may make the next try needless. */
const NET_MS = 60_000;

/** A failed session: whether, when and how it is tried again. Nothing for one that is not to be, or has been. */
export function decideRetry(observed: ObservedBackupSession, { now }: DecideOptions): Decision {
  const { session, invoker, siblings, executor } = observed;
  if (!isRetryOpen(session)) return NOTHING;
  if (siblings.some(({ metadata }) => metadata.annotations?.[RETRY_OF] === session.metadata.uid)) {
    return { actions: [sessionStatus(session, (status) => ({ ...status, retried: true }), now)] };
  }
  // It goes with its invoker.
  if (invoker === undefined || isBeingDeleted(invoker)) return NOTHING;
  const newer = siblings.filter((other) => byAge(other, session) > 0);
  const successor = newer.find((other) => phaseOf(other) === "Succeeded" || isRetryOpen(other));
  if (successor !== undefined) return { actions: giveUp(session, { reason: "Superseded", message: superseded(successor) }) };
  if (executor.kind === "working") return { actions: [], wakeAt: after(now, NET_MS) };
  const { nextRetry } = session.status ?? {};
  if (typeof nextRetry !== "string") return plan(observed, now);
  const due = new Date(nextRetry);
  if (now < due) return { actions: [], wakeAt: due };
  if (newer.some((other) => !isFinal(other))) return { actions: [], wakeAt: after(now, NET_MS) };
  return { actions: [{ do: "create", object: nextTry(session, { invoker, siblings, due }) }], wakeAt: after(now, NET_MS) };
}

function plan({ session, invoker, executor, pods }: ObservedBackupSession, now: Date): Decision {
  const hopeless = hopelessness(session.status ?? {}, { executor, pods });
  if (hopeless !== undefined) return { actions: giveUp(session, hopeless) };
  const { delay } = (invoker?.spec?.retryConfig ?? {}) as { readonly delay?: unknown };
  const due = after(now, durationOf(delay) ?? 0);
  const change = (status: Status) => (status.nextRetry === undefined ? { ...status, nextRetry: formatTime(due) } : status);
  return { actions: [sessionStatus(session, change, now)], wakeAt: due };
}

interface Reason {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** Why another try would end as this one did. Where nothing is known of the reason, the user's wish counts: another backup harms nobody. */
function hopelessness(status: Status, { executor, pods }: Pick<ObservedBackupSession, "executor" | "pods">): Reason | undefined {
  if (isAny(status, "True", ["DeadlineExceeded"])) {
    return {
      reason: "DeadlineExceeded",
      message: "it did not end in time, and would not the next time; raise spec.timeOut of its invoker",
    };
  }
  if (listIn(status, "targets").some((entry) => isAny(entry, "False", ["BackupExecutorEnsured"]))) {
    return { reason: "NoExecutor", message: "its Job cannot be made until somebody corrects what the session's status says" };
  }
  if (isAny(status, "False", ["BackupHistoryCleaned"]) && listIn(status, "targets").every(({ phase }) => phase === "Succeeded")) {
    return { reason: "HistoryNotCleaned", message: "the backup was taken; the operator may not remove older sessions, as its status says" };
  }
  // What the program itself says comes first: the container behind it may have failed because of that.
  const result = resultCodeOf(pods);
  if (result !== undefined) {
    return isPassing(result.code) ? undefined : { reason: result.reason, message: `${result.message} (exit code ${result.code})` };
  }
  if (executor.kind !== "failed" || executor.failure.isWorthRetry) return undefined;
  return executor.failure;
}

/** The Event first: with the annotation nobody looks again. */
function giveUp(session: LiveObject, { reason, message }: Reason): readonly Action[] {
  const annotate = (live: LiveObject): LiveObject => {
    const { annotations } = live.metadata;
    if (annotations?.[NO_RETRY] !== undefined) return live;
    return { ...live, metadata: { ...live.metadata, annotations: { ...annotations, [NO_RETRY]: reason } } };
  };
  return [
    sessionEvent(session, { type: "Warning", reason: "BackupNotRetried", message: `The backup is not tried again: ${message}` }),
    { do: "metadata", kind: "BackupSession", object: identityOf(session), change: annotate },
  ];
}

function superseded(successor: LiveObject): string {
  const { name } = successor.metadata;
  return phaseOf(successor) === "Succeeded"
    ? `the newer BackupSession "${name}" succeeded`
    : `the newer BackupSession "${name}" failed too, and is tried again itself`;
}

interface NextTry {
  readonly invoker: LiveObject;
  readonly siblings: readonly LiveObject[];
  readonly due: Date;
}

/** Its name comes from when it is due, so that a second look makes no second session; a second that is taken by another is passed over. */
function nextTry(session: LiveObject, { invoker, siblings, due }: NextTry) {
  const taken = new Set([session, ...siblings].map(({ metadata }) => metadata.name));
  let at = due;
  while (taken.has(sessionName(invoker.metadata.name, at))) at = after(at, 1000);
  const { retryLeft = 0 } = (session.spec ?? {}) as { readonly retryLeft?: number };
  return backupSessionFor(invoker, {
    name: sessionName(invoker.metadata.name, at),
    retryLeft: retryLeft - 1,
    annotations: { [RETRY_OF]: session.metadata.uid },
  });
}
