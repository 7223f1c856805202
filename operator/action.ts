// action: one thing that is to be done to the cluster. Every one may be done twice, and be cut short between any two: what is decided next is decided from what
// is there then. decide/ makes them, apply/ alone carries them out.
import type { ObjectName, StatusChange } from "../runner/kubernetes/cluster.ts";
import type { Sample } from "../runner/metrics/metrics.ts";
import type { PushGroup } from "../runner/metrics/push-group.ts";
import type { PushResult } from "../runner/metrics/push-metrics.ts";
import type { KindName } from "./kinds.ts";
import type { LiveObject, ObjectIdentity, WantedObject } from "./objects.ts";

export type Action = Ensure | Create | ChangeStatus | ChangeMetadata | StopJob | Remove | TellEvent | Push;

/** There, and as wanted: made, or brought to it. An object of that name with another controller is left alone, and the action has failed ("NameTaken"). */
export interface Ensure {
  readonly do: "ensure";
  readonly object: WantedObject;
  /** Instead of an error, when the server says no (ClusterRefusedError) or the name is taken: what is done then; the rest of the pass is left out. */
  readonly refused?: (message: string) => readonly Action[];
}

/** Made once, never changed: its name is the lock. One that is there and has the same controller counts as made; otherwise "NameTaken". */
export interface Create {
  readonly do: "create";
  readonly object: WantedObject;
  readonly refused?: (message: string) => readonly Action[];
}

/**
 * Reads the object, and writes what `change` makes of its status; nothing when that is the same value, or the object is another one or gone. Once that is the object of the
 * pass itself, the rest of the pass is left out: it would be done for nobody.
 */
export interface ChangeStatus {
  readonly do: "status";
  readonly kind: KindName;
  readonly object: ObjectIdentity;
  readonly change: StatusChange;
}

/** Reads the object, and writes what `change` makes of it: finalizers, annotations, labels. The same value: nothing; gone: as above. */
export interface ChangeMetadata {
  readonly do: "metadata";
  readonly kind: KindName;
  readonly object: ObjectIdentity;
  readonly change: (object: LiveObject) => LiveObject;
}

/** Ends a Job that runs: its pods get SIGTERM, then go. The Job stays, as failed. */
export interface StopJob {
  readonly do: "stop";
  readonly job: ObjectIdentity;
}

/** With what it owns, in the background. One that is gone is fine. */
export interface Remove {
  readonly do: "remove";
  readonly kind: KindName;
  readonly object: ObjectIdentity;
  /** As of Ensure. */
  readonly refused?: (message: string) => readonly Action[];
}

/** Never the only record of anything; the same words about the same object are told once. */
export interface TellEvent {
  readonly do: "event";
  readonly kind: KindName;
  readonly object: ObjectIdentity;
  readonly type: "Normal" | "Warning";
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** Sends metrics to the gateway, and goes on whatever became of that. Without a gateway nothing is sent: `undefined`. */
export interface Push {
  readonly do: "push";
  readonly pushes: readonly { readonly job: string; readonly group: PushGroup; readonly samples: readonly Sample[] }[];
  readonly afterwards: (result: PushResult | undefined) => readonly Action[];
}

/**
 * What is to be done for one object, in this order. The pass ends with the first action that fails; it is then tried again later, from a new look. `wakeAt`: when to look
 * again although nothing happened. A final state has neither.
 */
export interface Decision {
  readonly actions: readonly Action[];
  readonly wakeAt?: Date | undefined;
}

export const NOTHING: Decision = { actions: [] };

/** An object by the name it is worked on under. */
export type Key = ObjectName;
