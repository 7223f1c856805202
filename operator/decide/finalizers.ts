import type { Action } from "../action.ts";
import type { KindName } from "../kinds.ts";
import { identityOf, type LiveObject } from "../objects.ts";

/** Keeps the object, once deleted, until the finalizer is taken away. Nothing when it has it, or is being deleted. */
export function addFinalizer(object: LiveObject, finalizer: string): readonly Action[] {
  if (hasFinalizer(object, finalizer) || object.metadata.deletionTimestamp !== undefined) return [];
  const add = (live: LiveObject): LiveObject =>
    hasFinalizer(live, finalizer) || live.metadata.deletionTimestamp !== undefined
      ? live
      : { ...live, metadata: { ...live.metadata, finalizers: [...(live.metadata.finalizers ?? []), finalizer] } };
  return [{ do: "metadata", kind: object.kind as KindName, object: identityOf(object), change: add }];
}

/** Lets the object go. Nothing when it has it no more. */
export function removeFinalizer(object: LiveObject, finalizer: string): readonly Action[] {
  if (!hasFinalizer(object, finalizer)) return [];
  const remove = (live: LiveObject): LiveObject =>
    hasFinalizer(live, finalizer)
      ? { ...live, metadata: { ...live.metadata, finalizers: live.metadata.finalizers?.filter((each) => each !== finalizer) ?? [] } }
      : live;
  return [{ do: "metadata", kind: object.kind as KindName, object: identityOf(object), change: remove }];
}

function hasFinalizer({ metadata }: LiveObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) === true;
}
