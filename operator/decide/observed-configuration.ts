import type { AppBinding, ObjectName, Repository } from "../../runner/kubernetes/cluster.ts";
import type { ObjectOf } from "../../runner/kubernetes/parse-object.ts";
import type { LiveObject } from "../objects.ts";

/** What is known of an object that another one names. Messages say what a person can do, and are the same at every look. */
export type Found<T> =
  | { readonly kind: "there"; readonly value: T }
  /** Or being deleted. */
  | { readonly kind: "missing"; readonly message: string }
  | { readonly kind: "unknown"; readonly message: string };

export type BackupConfiguration = ObjectOf<"BackupConfiguration">;

/** A BackupConfiguration, and all that its Ready state hangs on. */
export interface ObservedConfiguration {
  readonly object: LiveObject;
  /** Or what is wrong with it. */
  readonly parsed: BackupConfiguration | string;
  /** Absent while nothing can be said about it. */
  readonly repository: Found<{ readonly live: LiveObject; readonly parsed: Repository }> | undefined;
  readonly secret: Found<ObjectName> | undefined;
  readonly target: Found<{ readonly live: LiveObject; readonly parsed: AppBinding }> | undefined;
  /** Why the Repository must not be used from here; absent when it may. */
  readonly usageFault: string | undefined;
  readonly own: OwnObjects;
}

/** What was made for it, as far as the caches know. */
export interface OwnObjects {
  readonly cronJobs: readonly LiveObject[];
  /** Roles and RoleBindings beside it. */
  readonly rights: readonly LiveObject[];
  /** Roles and RoleBindings in namespaces of Repositories. */
  readonly foreignRights: readonly LiveObject[];
  /** Rights of somebody else that have the name that ours want. */
  readonly takenBy: string | undefined;
  /** Repositories that count it among their users. */
  readonly references: readonly LiveObject[];
}

/** One that is being deleted. */
export interface ObservedDeletion {
  readonly object: LiveObject;
  readonly foreignRights: readonly LiveObject[];
  readonly references: readonly LiveObject[];
}
