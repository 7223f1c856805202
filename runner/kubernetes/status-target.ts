// target: one of the things that a BackupSession backs up; it has an entry of its own in the status, known by its ref.
import { ParameterError } from "../errors.ts";
import type { Status } from "./cluster.ts";
import { listIn } from "./status-list.ts";

export interface TargetRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

const PARTS = ["apiVersion", "kind", "name", "namespace"] as const;

/** The entry whose ref agrees in all four parts; a part that is not there is empty. */
export function findTarget(status: Status, ref: TargetRef): Status | undefined {
  return listIn(status, "targets").find((target) => isSameRef(target.ref, ref));
}

/** The entries of all the others. */
export function otherTargets(status: Status, ref: TargetRef): readonly Status[] {
  return listIn(status, "targets").filter((target) => !isSameRef(target.ref, ref));
}

/**
 * The status with this target's entry changed and every other as it was; the very same when `change` returns the same.
 * @throws ParameterError with reason "TargetNotInSession": an entry that the operator did not make would keep the session from ever ending
 */
export function withTarget(status: Status, ref: TargetRef, change: (target: Status) => Status): Status {
  const targets = listIn(status, "targets");
  const index = targets.findIndex((target) => isSameRef(target.ref, ref));
  const target = targets[index];
  if (target === undefined) throw targetNotInSession(status, ref);
  const changed = change(target);
  return changed === target ? status : { ...status, targets: targets.with(index, changed) };
}

export function targetNotInSession(status: Status, ref: TargetRef): ParameterError {
  const there = listIn(status, "targets").map((target) => describeRef(target.ref));
  return new ParameterError(`Target ${describeRef(ref)} is not in the session's status`, {
    reason: "TargetNotInSession",
    hint: there.length === 0 ? "The status names no target at all: does the operator run?" : `The status names ${there.join(", ")}`,
  });
}

/** For messages: "appcatalog.appscode.com/v1alpha1 AppBinding demo/sample". */
export function describeRef(ref: unknown): string {
  const { apiVersion, kind, name, namespace } = partsOf(ref);
  return `${apiVersion} ${kind} ${namespace}/${name}`;
}

function isSameRef(one: unknown, other: TargetRef): boolean {
  const parts = partsOf(one);
  return PARTS.every((part) => parts[part] === other[part]);
}

function partsOf(ref: unknown): TargetRef {
  const parts = (typeof ref === "object" ? ref : undefined) as Partial<TargetRef> | null | undefined;
  return { apiVersion: parts?.apiVersion ?? "", kind: parts?.kind ?? "", name: parts?.name ?? "", namespace: parts?.namespace ?? "" };
}
