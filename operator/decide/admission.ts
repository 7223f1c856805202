import { isBeingDeleted, type LiveObject } from "../objects.ts";
import { hasToldAll } from "./finish-backup.ts";
import type { ObservedBackupSession } from "./observed-backup-session.ts";
import { after, byAge, createdAt, invokerOf, isStarted, phaseOf } from "./session-facts.ts";

/** Whether a session that has not begun may begin. */
export type Admission =
  | { readonly kind: "start" }
  | { readonly kind: "skip"; readonly message: string }
  /** `isInLine`: behind other backups of the same target. */
  | { readonly kind: "wait"; readonly message: string; readonly isInLine: boolean; readonly wakeAt: Date };

/** A new BackupConfiguration and a session of it may come in one file: the first look at it takes a moment. */
const FIRST_LOOK_MS = 60_000;
const LOOK_AGAIN_MS = 5_000;
/** Whoever waits is woken by the end of the others; this is for the case that he is not. */
const NET_MS = 60_000;

export type AdmissionFacts = Pick<ObservedBackupSession, "session" | "invoker" | "siblings" | "rivals">;

/** The first rule that fits. The order among sessions is the same whoever looks, so that two of them never wait for each other. */
export function admission(facts: AdmissionFacts, now: Date): Admission {
  const { session, invoker, siblings } = facts;
  const refused = refusal(session, invoker);
  if (refused !== undefined) return skip(refused);
  const unready = readiness(facts, now);
  if (unready !== undefined) return unready;
  // One that wants nothing but our own last steps is soon over: while the operator was away, it was over long ago. That is waited for, as for any other of the same target.
  const running = siblings.find((sibling) => phaseOf(sibling) === "Running" && !hasToldAll(sibling.status ?? {}));
  if (running !== undefined) {
    return skip(`BackupSession "${running.metadata.name}" of the same BackupConfiguration is still running`);
  }
  const first = facts.rivals.filter((rival) => precedes(rival, session)).toSorted(byAge)[0];
  if (first === undefined) return { kind: "start" };
  const { namespace, name } = first.metadata;
  const message = `BackupSession "${namespace}/${name}" backs up the same target, and comes first`;
  return { kind: "wait", message, isInLine: true, wakeAt: after(now, NET_MS) };
}

function refusal(session: LiveObject, invoker: LiveObject | undefined): string | undefined {
  const { kind, namespace, name } = invokerOf(session);
  const label = `${kind} "${namespace}/${name}"`;
  if (kind === "BackupBatch") {
    return `${label}: BackupBatches are not supported; make one BackupConfiguration for each of its members`;
  }
  if (kind !== "BackupConfiguration") return `spec.invoker.kind is "${kind}": expected BackupConfiguration`;
  if (invoker === undefined || isBeingDeleted(invoker)) return `${label} is missing: create it, and then a new BackupSession`;
  return undefined;
}

function readiness({ session, invoker }: AdmissionFacts, now: Date): Admission | undefined {
  const status = invoker?.status;
  if (invoker === undefined || status?.phase === "Ready") return undefined;
  const { kind, namespace, name } = invokerOf(session);
  const isLookedAt = status?.phase !== undefined && status.observedGeneration === invoker.metadata.generation;
  if (!isLookedAt && now < after(createdAt(session), FIRST_LOOK_MS)) {
    const message = `${kind} "${namespace}/${name}" is new, and not looked at yet`;
    return { kind: "wait", message, isInLine: false, wakeAt: after(now, LOOK_AGAIN_MS) };
  }
  return skip(`${kind} "${namespace}/${name}" is not Ready${whyNot(status?.conditions)}`);
}

function whyNot(conditions: unknown): string {
  const list = (Array.isArray(conditions) ? conditions : []) as readonly { status?: string; type?: string; message?: string }[];
  const bad = list.find(({ status }) => status !== "True");
  return bad === undefined ? "" : `: ${bad.type} is ${bad.status}${bad.message ? ` (${bad.message})` : ""}`;
}

/** One that has begun comes first; of two that have not, the older one. */
function precedes(rival: LiveObject, session: LiveObject): boolean {
  const entries = (rival.status?.targets ?? []) as readonly Readonly<Record<string, unknown>>[];
  return phaseOf(rival) === "Running" || entries.some(isStarted) || byAge(rival, session) < 0;
}

function skip(message: string): Admission {
  return { kind: "skip", message };
}
