import type { Status } from "../../runner/kubernetes/cluster.ts";
import type { Action, Decision } from "../action.ts";
import { REPOSITORY_FINALIZER } from "../names.ts";
import { identityOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import { addFinalizer, removeFinalizer } from "./finalizers.ts";
import { statusActions } from "./invoker-status.ts";
import { type Reference, withoutReference } from "./repository-references.ts";

export interface ObservedRepository {
  readonly object: LiveObject;
  /** Users that its status names and that exist. */
  readonly users: readonly Reference[];
  /** Users that its status names and that are gone for sure. */
  readonly gone: readonly Reference[];
}

const LOOK_AGAIN_MS = 60_000;

/** Keeps a Repository's list of users true, and a deleted one until nobody uses it. Stored data is never touched. */
export function decideRepository(observed: ObservedRepository, now: Date): Decision {
  const { object, users } = observed;
  const told = wipeOut(object);
  const changes = [forget(observed), ...(isBeingDeleted(object) ? [] : [observe(object)])];
  const written = statusActions(object, changes).actions;
  if (!isBeingDeleted(object)) return { actions: [...addFinalizer(object, REPOSITORY_FINALIZER), ...written, ...told] };
  if (users.length === 0) return { actions: [...written, ...told, ...removeFinalizer(object, REPOSITORY_FINALIZER)] };
  return { actions: [...written, ...told, inUse(observed)], wakeAt: new Date(now.getTime() + LOOK_AGAIN_MS) };
}

function forget({ gone }: ObservedRepository): (status: Status) => Status {
  return (status) => gone.reduce(withoutReference, status);
}

function observe({ metadata: { generation } }: LiveObject): (status: Status) => Status {
  return (status) =>
    generation === undefined || status.observedGeneration === generation ? status : { ...status, observedGeneration: generation };
}

/** Whoever asks for it may count on it: for space, or because the data had to go. */
function wipeOut(object: LiveObject): readonly Action[] {
  if (object.spec?.wipeOut !== true) return [];
  const message = isBeingDeleted(object)
    ? "spec.wipeOut is not supported: the stored data stays where it is; remove it yourself"
    : "spec.wipeOut is not supported: the stored data will stay when the Repository is deleted";
  return [{ do: "event", kind: "Repository", object: identityOf(object), type: "Warning", reason: "WipeOutNotSupported", message }];
}

function inUse({ object, users }: ObservedRepository): Action {
  const named = users.map(({ kind, namespace, name }) => `${kind} "${namespace}/${name}"`).toSorted();
  const shown = named.length > 10 ? [...named.slice(0, 10), `${named.length - 10} more`] : named;
  const message = `It is deleted once nobody uses it any more: ${shown.join(", ")}`;
  return { do: "event", kind: "Repository", object: identityOf(object), type: "Warning", reason: "RepositoryInUse", message };
}
