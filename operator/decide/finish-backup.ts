import type { Status, StatusChange } from "../../runner/kubernetes/cluster.ts";
import { backupTargetPhase } from "../../runner/kubernetes/status-backup-phase.ts";
import { type Condition, findCondition, isAny, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import { type OutcomeType, outcomeCondition } from "../../runner/kubernetes/status-outcome.ts";
import type { TargetRef } from "../../runner/kubernetes/status-target.ts";
import type { PushResult } from "../../runner/metrics/push-metrics.ts";
import type { Action, Decision } from "../action.ts";
import { outdatedSessions, removals } from "./history.ts";
import type { DecideOptions, ObservedBackupSession } from "./observed-backup-session.ts";
import { completed, sessionEvent, sessionStatus } from "./session-facts.ts";
import { backupSessionPushes } from "./session-metrics.ts";
import { endOfJob } from "./stop-executor.ts";
import { disrupted, ensured, isEnded } from "./target-conditions.ts";

/**
 * The end of a session whose targets have all ended, or whose time is up: history, metrics, and last of all the condition that makes its phase final. `undefined` while
 * there is something to wait for that the other steps wait for.
 */
export function finishBackup(observed: ObservedBackupSession, { now }: DecideOptions): Decision | undefined {
  const { session, executor, job } = observed;
  const status: Status = session.status ?? {};
  const entries = listIn(status, "targets");
  const areEnded = entries.length > 0 && entries.every(isEnded);
  const isLate = isAny(status, "True", ["DeadlineExceeded"]);
  if (!areEnded && !isLate) return undefined;
  const isAllSaid = hasToldAll(status);
  const mayStillSay = areEnded && !isLate && job.kind === "ours" && executor.kind === "working" && entries.every(hasResult);
  if (mayStillSay && !isAllSaid) return undefined;
  const stop = isAllSaid ? { actions: [] } : endOfJob(observed, now);
  if (stop.wakeAt !== undefined) return stop;
  return { actions: [...stop.actions, ...lastSteps(observed, now)] };
}

function lastSteps(observed: ObservedBackupSession, now: Date): readonly Action[] {
  const { session, siblings, invoker } = observed;
  const status: Status = session.status ?? {};
  const ended = completed(session, ending(observed, now), now)(status);
  const refused = (message: string) => farewell(observed, { ended, cleaned: historyCleaned("False", message), now });
  return [
    ...(ended === status ? [] : [sessionStatus(session, ending(observed, now), now)]),
    ...removals(outdatedSessions(siblings, { current: session, isSkipped: false, invoker }), refused),
    ...farewell(observed, { ended, cleaned: historyCleaned("True", "Sessions beyond the limit are removed"), now }),
  ];
}

function historyCleaned(value: "True" | "False", message: string): Condition {
  const reason = value === "True" ? "SuccessfullyCleanedBackupHistory" : "FailedToCleanBackupHistory";
  return { type: "BackupHistoryCleaned", status: value, reason, message };
}

/** The history's outcome, then metrics, and with their outcome the end. */
function farewell(
  observed: ObservedBackupSession,
  { ended: before, cleaned, now }: { readonly ended: Status; readonly cleaned: Condition; readonly now: Date },
): readonly Action[] {
  const { session, invoker, appBindingTypes } = observed;
  const stands = findCondition(session.status ?? {}, cleaned.type)?.status === cleaned.status;
  const ended = withCondition(before, cleaned, now);
  return [
    ...(stands ? [] : [sessionStatus(session, (live) => withCondition(live, cleaned, now), now)]),
    {
      do: "push",
      pushes: backupSessionPushes({ session: { ...session, status: ended }, invoker, appBindingTypes, now }),
      afterwards: (result) => conclude(observed, { result, ended, now }),
    },
  ];
}

/** Whether the runs of all its targets have told everything: what is left to do is the operator's. */
export function hasToldAll(status: Status): boolean {
  const entries = listIn(status, "targets");
  return entries.length > 0 && entries.every((entry) => isEnded(entry) && hasResult(entry)) && unsaid(status).length === 0;
}

/** What the run was to say and did not, now that nobody will: an end without a word is no success. */
function ending({ executor, job, target }: ObservedBackupSession, now: Date): StatusChange {
  const why = executor.kind === "failed" ? ` (${executor.failure.reason}: ${executor.failure.message})` : "";
  const message = `The run ended before it came so far${why}`;
  const late = { reason: "DeadlineExceeded", message: "The backup did not end in time" };
  return (status) => {
    const seen = job.kind === "ours" ? ensured(target, now)(status) : status;
    const refs = listIn(seen, "targets").map(({ ref }) => ref as TargetRef);
    const ended = refs.reduce((before, ref) => disrupted(ref, late, now)(before), seen);
    return unsaid(ended).reduce((before, type) => withCondition(before, outcomeCondition(type, { isSuccess: false, message }), now), ended);
  };
}

const SAID_BY: Readonly<Record<string, OutcomeType>> = {
  ApplyRetentionPolicy: "RetentionPolicyApplied",
  VerifyRepositoryIntegrity: "RepositoryIntegrityVerified",
  SendRepositoryMetrics: "RepositoryMetricsPushed",
};

/** Conditions that a run writes after the result of its host, and has not written: only where the host is backed up. */
function unsaid(status: Status): readonly OutcomeType[] {
  const succeeded = listIn(status, "targets").filter((entry) => backupTargetPhase(entry) === "Succeeded");
  const wanted = succeeded.flatMap(({ postBackupActions }) => (Array.isArray(postBackupActions) ? postBackupActions : []) as string[]);
  const types = wanted.flatMap((action) => SAID_BY[action] ?? []);
  return types.filter((type) => findCondition(status, type) === undefined);
}

/** The run itself has told how it ended. */
function hasResult(entry: Status): boolean {
  return isEnded(entry) && listIn(entry, "stats").length > 0 && !isAny(entry, "True", ["BackupDisrupted"]);
}

interface Conclusion {
  /** Absent when there is no gateway. */
  readonly result: PushResult | undefined;
  readonly ended: Status;
  readonly now: Date;
}

function conclude({ session }: ObservedBackupSession, { result, ended, now }: Conclusion): readonly Action[] {
  const isSuccess = result?.isPushed !== false;
  const message =
    result === undefined ? "No Pushgateway is named: metrics are not pushed" : result.isPushed ? "Metrics are pushed" : result.message;
  const pushed: StatusChange = (status) => withCondition(status, outcomeCondition("MetricsPushed", { isSuccess, message }), now);
  const { phase } = completed(session, pushed, now)(ended);
  const told =
    phase === "Succeeded"
      ? ({ type: "Normal", reason: "BackupSucceeded", message: "The backup is complete" } as const)
      : ({ type: "Warning", reason: "BackupFailed", message: "The backup failed: the session's status says why" } as const);
  const warning = isSuccess ? [] : [sessionEvent(session, { type: "Warning", reason: "FailedToPushMetrics", message })];
  return [sessionStatus(session, pushed, now), sessionEvent(session, told), ...warning];
}
