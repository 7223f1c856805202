import { ParameterError } from "../../runner/errors.ts";
import { findCondition, isAny, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { restoreTargetPhase } from "../../runner/kubernetes/status-restore-phase.ts";
import type { Action, Decision } from "../action.ts";
import { LAST_WORDS_MS, restoreDeadline } from "../build/restore-job.ts";
import type { ExecutorState } from "../executor.ts";
import type { LiveObject } from "../objects.ts";
import { exceedDeadline, finishRestore } from "./finish-restore.ts";
import { type JudgeOptions, judgeExecutor } from "./judge-executor.ts";
import type { StartedRestore } from "./observed-restore.ts";
import { resultCodeOf } from "./program-result.ts";
import { changeRestore, failRestore, hasEnded, type RestoreMoment, tellOfRestore } from "./restore-status.ts";

/** What is done for a restore whose Job was made, or may have been: it is never made again. */
export function followRestore(observed: StartedRestore, { now, settings }: JudgeOptions): Decision {
  const { session, job, pods } = observed;
  const moment: RestoreMoment = { session, now };
  const status = session.status ?? {};
  const executor = judgeExecutor(job, pods, { now, settings });
  const finish = () => finishRestore(moment, { ...observed, executor });
  if (hasEnded(restoreTargetPhase(status))) return finish();
  const deadline = deadlineOf(session);
  const isExceeded = isAny(status, "True", ["DeadlineExceeded"]);
  // What ended before anybody looked at the clock has its own reason.
  const isInTime = deadline === undefined || now < deadline || (executor.kind !== "working" && !isExceeded);
  if (isInTime) return { actions: whileInTime(observed, { moment, executor }), wakeAt: earliest([wakeOf(executor), deadline], now) };
  const lastWords = new Date(deadline.getTime() + LAST_WORDS_MS);
  if (isExceeded && (executor.kind !== "working" || now >= lastWords)) return finish();
  return { actions: exceedDeadline(moment, deadline), wakeAt: lastWords };
}

/** As it was set when the restore began: what somebody writes into its spec later changes nothing, be it nonsense. */
function deadlineOf(session: LiveObject): Date | undefined {
  const set = Date.parse(String(session.status?.sessionDeadline));
  if (!Number.isNaN(set)) return new Date(set);
  try {
    return restoreDeadline(session);
  } catch (error) {
    if (error instanceof ParameterError) return undefined;
    throw error;
  }
}

/** A Job that has just succeeded may have written its result a moment before. */
const RESULT_GRACE_MS = 30_000;

const JOB_MISSING = {
  reason: "JobMissing",
  message:
    "The Job of this restore is gone, or was never made, and a restore is not begun twice: look at what is in the database, and create a new RestoreSession",
};

interface Look {
  readonly moment: RestoreMoment;
  readonly executor: ExecutorState;
}

function whileInTime({ session, job, pods }: StartedRestore, { moment, executor }: Look): readonly Action[] {
  if (executor.kind === "absent") return failRestore(moment, JOB_MISSING);
  if (executor.kind === "failed") return failRestore(moment, executor.failure);
  const ensured =
    findCondition(session.status ?? {}, "RestoreExecutorEnsured") === undefined ? [confirm(moment, job?.metadata.name ?? "")] : [];
  if (executor.kind === "working") return executor.trouble === undefined ? ensured : [...ensured, tellOfRestore(moment, executor.trouble)];
  if (moment.now < graceEnd(executor.finished)) return ensured;
  const told = resultCodeOf(pods);
  const said = told === undefined ? "" : `: ${told.message}`;
  const message = `The Job succeeded, and yet nobody wrote what came of the restore${said}; look at what is in the database, and create a new RestoreSession`;
  return failRestore(moment, { reason: told?.reason ?? "NoResult", message });
}

/** A pass before this one was cut short behind the Job. */
function confirm(moment: RestoreMoment, name: string): Action {
  const condition = {
    type: "RestoreExecutorEnsured",
    status: "True",
    reason: "SuccessfullyEnsuredRestoreExecutor",
    message: `Job "${name}" is created`,
  } as const;
  return changeRestore(moment, (status) => withCondition(status, condition, moment.now));
}

function wakeOf(executor: ExecutorState): Date | undefined {
  if (executor.kind === "working") return executor.wakeAt;
  return executor.kind === "succeeded" ? graceEnd(executor.finished) : undefined;
}

function graceEnd(finished: Date): Date {
  return new Date(finished.getTime() + RESULT_GRACE_MS);
}

/** Of those that are yet to come. */
function earliest(times: readonly (Date | undefined)[], now: Date): Date | undefined {
  const coming = times.filter((time) => time !== undefined && time > now).map((time) => time?.getTime() as number);
  return coming.length === 0 ? undefined : new Date(Math.min(...coming));
}
