// reference: an entry in a Repository's status that names somebody who uses it. Kind, namespace and name are all that it says, as Stash writes it.
import type { Status } from "../../runner/kubernetes/cluster.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import type { LiveObject } from "../objects.ts";

export interface Reference {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function referenceTo({ kind, metadata }: Pick<LiveObject, "kind" | "metadata">): Reference {
  return { kind, namespace: metadata.namespace ?? "", name: metadata.name };
}

/** Whether the status names this user; one that cannot be read names nobody, so that it holds up nobody but its own Repository. */
export function names(status: Status | undefined, user: Pick<LiveObject, "kind" | "metadata">): boolean {
  const references: unknown = status?.references;
  return Array.isArray(references) && references.some((entry) => isSame(entry ?? {}, referenceTo(user)));
}

/** The status with this user named once; the very same when it is named already. */
export function withReference(status: Status, reference: Reference): Status {
  const references = listIn(status, "references");
  if (references.some((entry) => isSame(entry, reference))) return status;
  return { ...status, references: [...references, reference] };
}

/** The status without this user; the very same when it is not named. */
export function withoutReference(status: Status, reference: Reference): Status {
  const references = listIn(status, "references");
  const others = references.filter((entry) => !isSame(entry, reference));
  return others.length === references.length ? status : { ...status, references: others };
}

function isSame(entry: Status, { kind, namespace, name }: Reference): boolean {
  return entry.kind === kind && entry.namespace === namespace && entry.name === name;
}
