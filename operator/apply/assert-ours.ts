import { ClusterRefusedError, ClusterUnavailableError } from "../../runner/errors.ts";
import { RIGHTS_OF } from "../build/job-rbac.ts";
import { MANAGED_BY } from "../kinds.ts";
import { controllerOf, type LiveObject, type WantedObject } from "../objects.ts";

const MANAGER = Object.entries(MANAGED_BY);

/**
 * That the same controller answers for both; of one without a controller, that it is of those that are managed with us, and was not made for another invoker.
 * @throws ClusterRefusedError with reason "NameTaken"; ClusterUnavailableError for what a namesake of our owner left behind: it is collected soon
 */
export function assertOurs(live: LiveObject, wanted: WantedObject): void {
  const owner = controllerOf(live);
  const wantedOwner = wanted.metadata.ownerReferences?.find(({ controller }) => controller);
  const isOurs = wantedOwner === undefined ? owner === undefined && isManagedFor(live, wanted) : owner?.uid === wantedOwner.uid;
  if (isOurs) return;
  if (owner !== undefined && owner.kind === wantedOwner?.kind && owner.name === wantedOwner.name) {
    throw new ClusterUnavailableError(
      `${labelOf(wanted)} is of another ${owner.kind} "${owner.name}" that is gone: it is made anew once that one's is collected`,
    );
  }
  const whose = owner === undefined ? (live.metadata.annotations?.[RIGHTS_OF] ?? "nobody whom we know") : `${owner.kind} "${owner.name}"`;
  throw new ClusterRefusedError(`${labelOf(wanted)} is there already and belongs to ${whose}`, {
    reason: "NameTaken",
    hint: "Delete or rename it, or rename what needs the name",
  });
}

export function labelOf({ kind, metadata }: Pick<WantedObject, "kind" | "metadata">): string {
  return `${kind} "${metadata.namespace ?? ""}/${metadata.name}"`;
}

/** What Stash made says nothing of whose it is. */
function isManagedFor({ metadata: live }: LiveObject, { metadata: wanted }: WantedObject): boolean {
  const isManaged = MANAGER.every(([label, value]) => live.labels?.[label] === value && wanted.labels?.[label] === value);
  const owner = live.annotations?.[RIGHTS_OF];
  return isManaged && (owner === undefined || owner === wanted.annotations?.[RIGHTS_OF]);
}
