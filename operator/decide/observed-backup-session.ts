import type { TargetRef } from "../../runner/kubernetes/status-target.ts";
import type { ExecutorState } from "../executor.ts";
import type { LiveObject, WantedObject } from "../objects.ts";

/** Everything that decides what becomes of one BackupSession. */
export interface ObservedBackupSession {
  /** As the server has it, unless it is final. */
  readonly session: LiveObject;
  /** The BackupConfiguration that it names; absent when there is none, or it is being deleted, or its kind is another. */
  readonly invoker: LiveObject | undefined;
  /** As its status names it; before it begins, as its invoker does. */
  readonly target: TargetRef;
  /** All others of the same invoker that are not being deleted. */
  readonly siblings: readonly LiveObject[];
  /** All others, whosesoever, that back up the same target, have not ended and are not being deleted. */
  readonly rivals: readonly LiveObject[];
  readonly job: SessionJob;
  readonly executor: ExecutorState;
  /** Of the Job, as long as they are there. */
  readonly pods: readonly LiveObject[];
  /** What is made when it begins; present when it may begin now, or began and has no Job yet. */
  readonly start?: StartParts | StartFault | undefined;
  /** By `bindingKey`, for metrics. */
  readonly appBindingTypes: ReadonlyMap<string, string>;
}

export type SessionJob =
  /** Asked of the server. */
  | { readonly kind: "absent" }
  | { readonly kind: "ours"; readonly object: LiveObject }
  /** One of that name belongs to somebody else. */
  | { readonly kind: "foreign"; readonly name: string; readonly isGoing: boolean };

export interface StartParts {
  readonly kind: "parts";
  /** In the order in which they are made. */
  readonly rights: readonly WantedObject[];
  readonly claim: WantedObject | undefined;
  readonly job: WantedObject;
}

/** It cannot be made, and will not by itself: what is wrong, and what a person can do. */
export interface StartFault {
  readonly kind: "fault";
  readonly message: string;
}

export interface DecideOptions {
  readonly now: Date;
}
