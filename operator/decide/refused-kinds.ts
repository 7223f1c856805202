// Kinds of Stash that are not served. What nobody works on must say so itself, or somebody believes in backups that are never taken.
import type { Status } from "../../runner/kubernetes/cluster.ts";
import { type Condition, withCondition } from "../../runner/kubernetes/status-condition.ts";
import { type Action, type Decision, NOTHING } from "../action.ts";
import type { KindName } from "../kinds.ts";
import { FINALIZER } from "../names.ts";
import { identityOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import { removeFinalizer } from "./finalizers.ts";
import { invokerChange, statusActions } from "./invoker-status.ts";
import { referenceTo, withoutReference } from "./repository-references.ts";

export interface ObservedRefused {
  readonly object: LiveObject;
  /** Repositories that count it among their users, from when Stash worked on it. */
  readonly references: readonly LiveObject[];
}

const INSTEAD = {
  BackupBatch: "Nothing is backed up by it: make a BackupConfiguration for each of its members",
  RestoreBatch: "Nothing is restored by it: make a RestoreSession for each of its members",
  BackupBlueprint: "No Repository and no BackupConfiguration is made from it: make them for each database",
} as const;

/** A BackupBatch is told to be invalid, so that its sessions are skipped; a deleted one is let go. */
export function decideBackupBatch(observed: ObservedRefused, now: Date): Decision {
  const { object } = observed;
  if (isBeingDeleted(object)) return letGo(observed);
  const { generation } = object.metadata;
  return { actions: statusActions(object, [invokerChange({ conditions: [refusal("BackupBatch")], generation }, now)]).actions };
}

/** A RestoreBatch is invalid: its phase says so, unless Stash finished it. */
export function decideRestoreBatch(observed: ObservedRefused, now: Date): Decision {
  const { object } = observed;
  if (isBeingDeleted(object)) return letGo(observed);
  if (["Succeeded", "Failed", "Unknown"].includes(String(object.status?.phase))) return NOTHING;
  const change = (status: Status): Status => {
    const said = withCondition(status, refusal("RestoreBatch"), now);
    return said.phase === "Invalid" ? said : { ...said, phase: "Invalid" };
  };
  return { actions: statusActions(object, [change]).actions };
}

/** A BackupBlueprint has no status to say it in. */
export function decideBackupBlueprint({ object }: ObservedRefused): Decision {
  if (isBeingDeleted(object)) return NOTHING;
  const { message } = refusal("BackupBlueprint");
  const event: Action = {
    do: "event",
    kind: "BackupBlueprint",
    object: identityOf(object),
    type: "Warning",
    reason: "NotSupported",
    message,
  };
  return { actions: [event] };
}

function refusal(kind: keyof typeof INSTEAD): Condition {
  return {
    type: "ValidationPassed",
    status: "False",
    reason: "ResourceValidationFailed",
    message: `${kind} is not supported. ${INSTEAD[kind]}`,
  };
}

/** Stash's finalizer would keep it, and its namespace, for ever. */
function letGo({ object, references }: ObservedRefused): Decision {
  const reference = referenceTo(object);
  return {
    actions: [
      ...references.flatMap((repository) => statusActions(repository, [(status) => withoutReference(status, reference)]).actions),
      ...removeFinalizer(object, FINALIZER),
    ],
  };
}

export type RefusedKind = Extract<KindName, keyof typeof INSTEAD>;
