import type { Action, Remove } from "../action.ts";
import { identityOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import { byAge, isFinal, isRetryOpen, phaseOf } from "./session-facts.ts";

export interface HistoryFacts {
  /** The session that has just come to its end; it stays in any case. */
  readonly current: LiveObject;
  readonly isSkipped: boolean;
  /** Whose limit it is; one that is gone takes its sessions with it. */
  readonly invoker: LiveObject | undefined;
}

/**
 * Sessions of one invoker that are beyond its limit, oldest first. Never one that runs, one that is to be tried again, or the last one that says how a backup went, unless no
 * history is wanted at all.
 */
export function outdatedSessions(siblings: readonly LiveObject[], { current, isSkipped, invoker }: HistoryFacts): readonly LiveObject[] {
  if (invoker === undefined) return [];
  const limit = limitOf(invoker);
  const others = siblings.filter((session) => session.metadata.uid !== current.metadata.uid && !isBeingDeleted(session));
  const newestFirst = [current, ...others].toSorted(byAge).toReversed();
  const hasTold = (session: LiveObject) =>
    session === current ? !isSkipped : phaseOf(session) === "Succeeded" || phaseOf(session) === "Failed";
  const last = newestFirst.find(hasTold);
  const beyond = newestFirst.slice(Math.max(0, limit));
  const mayGo = (session: LiveObject) =>
    session !== current && isFinal(session) && !isRetryOpen(session) && (session !== last || limit <= 0);
  return beyond.filter(mayGo).toReversed();
}

/** Each by its uid: with its Job, its pods and its volume. */
export function removals(sessions: readonly LiveObject[], refused?: Remove["refused"]): readonly Action[] {
  const otherwise = refused === undefined ? {} : { refused };
  return sessions.map((session) => ({ do: "remove", kind: "BackupSession", object: identityOf(session), ...otherwise }));
}

function limitOf({ spec }: LiveObject): number {
  const limit = spec?.backupHistoryLimit;
  return typeof limit === "number" ? limit : 1;
}
