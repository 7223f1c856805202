import { ClusterRefusedError, ClusterUnavailableError } from "../../runner/errors.ts";
import type { KindName } from "../kinds.ts";
import { isBeingDeleted, type LiveObject, type WantedObject } from "../objects.ts";
import { assertOurs, labelOf } from "./assert-ours.ts";
import { contains } from "./contains.ts";
import type { EnsureParts } from "./ensure-object.ts";

/**
 * Makes the object, whose name is the lock: one that is there, has the same controller and the same annotations was made by a pass before this one. Resolves with what was made,
 * `undefined` when it was there. @throws ClusterRefusedError with reason "NameTaken"; ClusterUnavailableError while one of that name goes; and as the API does
 */
export async function createOnce(object: WantedObject, { api, signal }: Omit<EnsureParts, "cached">): Promise<LiveObject | undefined> {
  const { kind, metadata } = object;
  const created = await api.create(object, { signal });
  if (created !== "exists") return created;
  const live = await api.get(kind as KindName, { namespace: metadata.namespace ?? "", name: metadata.name }, { signal });
  if (live === undefined || isBeingDeleted(live))
    throw new ClusterUnavailableError(`The name of ${labelOf(object)} is just being given back`);
  assertOurs(live, object);
  if (!contains(live.metadata.annotations, metadata.annotations)) {
    throw new ClusterRefusedError(`${labelOf(object)} is there already, made for something else`, { reason: "NameTaken" });
  }
  return undefined;
}
