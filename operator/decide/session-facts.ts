// What a BackupSession says of itself, read in one way by everybody who decides about it.
import { ParameterError } from "../../runner/errors.ts";
import type { Status, StatusChange } from "../../runner/kubernetes/cluster.ts";
import { parseDuration } from "../../runner/kubernetes/go-format.ts";
import { completedBackup } from "../../runner/kubernetes/status.ts";
import { isAny } from "../../runner/kubernetes/status-condition.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import { findTarget, type TargetRef } from "../../runner/kubernetes/status-target.ts";
import type { Action, TellEvent } from "../action.ts";
import { NO_RETRY } from "../names.ts";
import { identityOf, type LiveObject } from "../objects.ts";

export interface InvokerName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Whom a session belongs to: what its spec says, whatever labels it has. */
export function invokerOf({ metadata, spec }: LiveObject): InvokerName {
  const { kind = "", name = "" } = (spec?.invoker ?? {}) as { readonly kind?: string; readonly name?: string };
  return { kind, namespace: metadata.namespace ?? "", name };
}

export function isSameInvoker(one: LiveObject, other: LiveObject): boolean {
  const [mine, its] = [invokerOf(one), invokerOf(other)];
  return mine.kind === its.kind && mine.name === its.name && mine.namespace === its.namespace;
}

export function createdAt({ metadata }: LiveObject): Date {
  return new Date(metadata.creationTimestamp);
}

export function phaseOf({ status }: LiveObject): string {
  return String(status?.phase ?? "");
}

/** Nothing of it changes any more, but for the notes about its next try. */
export function isFinal(session: LiveObject): boolean {
  return isFinalStatus(session.status ?? {});
}

export function isFinalStatus({ phase }: Status): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Skipped";
}

/** A try after this failed one is still to come, or to be decided about. */
export function isRetryOpen(session: LiveObject): boolean {
  const { metadata, spec, status } = session;
  const { retryLeft = 0 } = (spec ?? {}) as { readonly retryLeft?: number };
  return phaseOf(session) === "Failed" && retryLeft > 0 && status?.retried !== true && metadata.annotations?.[NO_RETRY] === undefined;
}

/** By age, then by name, then by uid: the same for everybody who looks. */
export function byAge(one: LiveObject, other: LiveObject): number {
  const key = ({ metadata }: LiveObject) => [metadata.namespace ?? "", metadata.name, metadata.uid].join("/");
  const older = createdAt(one).getTime() - createdAt(other).getTime();
  return older !== 0 ? older : key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0;
}

/** Whether its Job was made, or is about to be. Stash says first that the Job is there, and then what it has to do: its operator may have ended in between. */
export function isStarted(entry: Status | undefined): boolean {
  return entry !== undefined && (typeof entry.totalHosts === "number" || isAny(entry, "True", ["BackupExecutorEnsured"]));
}

/** Whether any of its targets was given orders. */
export function hasBegun(status: Status): boolean {
  return listIn(status, "targets").some(isStarted);
}

/** Writes to the session's status what changes, and the phases that follow; nothing over an end that somebody wrote since the session was looked at. */
export function sessionStatus(session: LiveObject, change: StatusChange, now: Date): Action {
  const complete = completed(session, change, now);
  const changeUnlessOver: StatusChange = (status) => {
    // Made all the same: it may say that the whole pass is to end.
    const changed = complete(status);
    return isFinalStatus(status) && !isFinal(session) ? status : changed;
  };
  return { do: "status", kind: "BackupSession", object: identityOf(session), change: changeUnlessOver };
}

export function completed(session: LiveObject, change: StatusChange, now: Date): StatusChange {
  return (status) => completedBackup(change(status), { created: createdAt(session), now });
}

export function sessionEvent(session: LiveObject, event: Pick<TellEvent, "type" | "reason" | "message">): Action {
  return { do: "event", kind: "BackupSession", object: identityOf(session), ...event };
}

/** The status with this target's entry changed; made when it is not there. */
export function withEntry(status: Status, ref: TargetRef, change: (entry: Status) => Status): Status {
  const entry = findTarget(status, ref);
  const changed = change(entry ?? { ref });
  if (changed === entry) return status;
  const targets = (status.targets ?? []) as readonly Status[];
  return { ...status, targets: entry === undefined ? [...targets, changed] : targets.map((each) => (each === entry ? changed : each)) };
}

/** Milliseconds; `undefined` for what is no duration: that keeps an invoker from being Ready, and is said there. */
export function durationOf(value: unknown): number | undefined {
  try {
    return typeof value === "string" && value !== "" ? parseDuration(value) : undefined;
  } catch (error) {
    if (error instanceof ParameterError) return undefined;
    throw error;
  }
}

export function after(time: Date, milliseconds: number): Date {
  return new Date(time.getTime() + milliseconds);
}
