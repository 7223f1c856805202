// Names, labels, annotations and finalizers that the operator gives: Stash's where Stash has them, so that its tools find what they look for.
import type { ObjectName } from "../runner/kubernetes/cluster.ts";
import type { OwnerReference } from "../runner/kubernetes/resolve-objects.ts";
import { MANAGED_BY } from "./kinds.ts";
import { controllerOf, type LiveObject } from "./objects.ts";

/** On BackupConfigurations and RestoreSessions, as Stash's operator leaves it there. */
export const FINALIZER = "stash.appscode.com";
/** On Repositories. */
export const REPOSITORY_FINALIZER = "stash";

/** On the Jobs of a CronJob: removed once they succeeded. */
export const TRIGGER_LABEL = "stash.appscode.com/delete-job-on-completion";

/** On a session that is another one's next try: the uid of that one. */
export const RETRY_OF = "holdfast/retry-of";
/** On a failed session that is not tried again although it might be: why, as one word. */
export const NO_RETRY = "holdfast/no-retry";
/** On a RestoreSession, written before its Job is made: from then on a missing Job is a failure, never a reason to restore once more. */
export const JOB_CREATED = "holdfast/job-created";

/** A Job that starts a backup. The label alone says nothing: an invoker's own labels come to the Jobs of its sessions, too. */
export function isTriggerJob(job: LiveObject): boolean {
  return job.metadata.labels?.[TRIGGER_LABEL] === "true" && !SESSIONS.includes(controllerOf(job)?.kind ?? "");
}

const SESSIONS = ["BackupSession", "RestoreSession"];

/** Labels of what is made for an invoker: its own, and those of the component. */
export function labelsFor(invoker: LiveObject, component: "stash-backup" | "stash-restore"): Readonly<Record<string, string>> {
  return { ...invoker.metadata.labels, "app.kubernetes.io/component": component, ...MANAGED_BY };
}

/** The object that goes with its owner, and is worked on by it alone. */
export function ownedBy({ apiVersion, kind, metadata }: LiveObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** The CronJob of a BackupConfiguration: at most 52 characters, since the names of its Jobs get eleven more. */
export function cronJobName({ namespace, name }: ObjectName, options: { readonly hasForeignTarget: boolean }): string {
  const plain = name.replaceAll(".", "-");
  if (!options.hasForeignTarget) {
    const whole = `stash-trigger-${plain}`;
    return whole.length <= 52 ? whole : whole.slice(-52).replace(/^-+/, "");
  }
  const whole = `stash-trigger-${namespace}-${plain}`;
  return whole.length <= 52 ? whole : `${whole.slice(0, 26)}${whole.slice(-26)}`;
}

/** The service account of an invoker's jobs, and its RoleBindings in the invoker's own namespace. */
export function jobAccountName(invoker: LiveObject, targetIndex: number): string {
  return cut(`${invoker.kind.toLowerCase()}-${invoker.metadata.name}-${targetIndex}`);
}

/** Its Role and RoleBinding in the namespace of a Repository elsewhere. */
export function foreignRoleName(invoker: LiveObject, targetIndex: number): string {
  return cut(`${invoker.metadata.namespace}-${jobAccountName(invoker, targetIndex)}`);
}

/** 253 characters are allowed; what is longer could stand for two. */
function cut(name: string): string {
  return name.slice(0, 253).replace(/[-.]+$/, "");
}

/** Selects the pods of a Job, by the label that its controller gives them. */
export function podsOf(job: string): string {
  return `${JOB_NAME_LABEL}=${job}`;
}

/** On pods: the Job that they are of. */
export const JOB_NAME_LABEL = "batch.kubernetes.io/job-name";
