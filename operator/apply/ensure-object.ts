import { createHash } from "node:crypto";
import { ClusterRefusedError, ClusterUnavailableError } from "../../runner/errors.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { type KindName, kindNamed, type WatchedKind } from "../kinds.ts";
import { controllerOf, type Fields, isBeingDeleted, type LiveObject, type WantedObject } from "../objects.ts";
import type { ObjectsApi } from "../objects-api.ts";
import { contains } from "./contains.ts";

/** What the object was last made to be: a member that is wanted no more shows in it. */
const WANTED_DIGEST = "holdfast/wanted";
/** Everything of an object that we write replaces what stood there, but for these two. */
const NOT_OURS = ["metadata", "status"];

export interface EnsureParts {
  readonly api: ObjectsApi;
  cached(kind: WatchedKind, name: ObjectName): LiveObject | undefined;
  readonly signal: AbortSignal;
}

/**
 * Makes the object, or brings it to what is wanted; asks nobody when the cache shows it so. Resolves with what was written, if anything.
 * @throws ClusterRefusedError with reason "NameTaken" for an object that somebody else answers for, and as the API does
 */
export async function ensureObject(object: WantedObject, parts: EnsureParts): Promise<LiveObject | undefined> {
  const wanted = withDigest(object);
  const kind = kindNamed(object.kind);
  const kindName = object.kind as KindName;
  const name = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
  const cached = kind.watch === undefined ? undefined : parts.cached(kindName as WatchedKind, name);
  if (cached !== undefined && isAsWanted(cached, wanted)) return undefined;
  const { api, signal } = parts;
  for (let tries = 0; tries < 5; tries++) {
    const live = await api.get(kindName, name, { signal });
    if (live === undefined) {
      const created = await api.create(wanted, { signal });
      if (created !== "exists") return created;
      continue;
    }
    assertOurs(live, wanted);
    if (isBeingDeleted(live)) throw new ClusterUnavailableError(`${labelOf(object)} is being deleted: it is made anew once it is gone`);
    if (isAsWanted(live, wanted)) return undefined;
    // What a RoleBinding binds to cannot be changed.
    if (!contains(live.roleRef, wanted.roleRef)) {
      await api.remove(kindName, { ...name, uid: live.metadata.uid }, { signal });
      continue;
    }
    const replaced = await api.replace(merged(live, wanted), { signal });
    if (typeof replaced !== "string") return replaced;
  }
  throw new ClusterUnavailableError(`Others keep changing ${labelOf(object)}`);
}

/** Whether the same controller answers for both; without one, an object has to be of those that are managed with us. @throws ClusterRefusedError */
export function assertOurs(live: LiveObject, wanted: WantedObject): void {
  const owner = controllerOf(live);
  const wantedOwner = wanted.metadata.ownerReferences?.find(({ controller }) => controller);
  const managedBy = "app.kubernetes.io/managed-by";
  const isOurs =
    wantedOwner === undefined
      ? owner === undefined && live.metadata.labels?.[managedBy] === wanted.metadata.labels?.[managedBy]
      : owner?.uid === wantedOwner.uid;
  if (isOurs) return;
  const whose = owner === undefined ? "nobody whom we know" : `${owner.kind} "${owner.name}"`;
  throw new ClusterRefusedError(`${labelOf(wanted)} is there already and belongs to ${whose}`, {
    reason: "NameTaken",
    hint: "Delete or rename it, or rename what needs the name",
  });
}

function isAsWanted(live: LiveObject, wanted: WantedObject): boolean {
  return !isBeingDeleted(live) && contains(live, wanted);
}

function merged(live: LiveObject, wanted: WantedObject): LiveObject {
  const ours = Object.fromEntries(Object.entries(wanted).filter(([field]) => !NOT_OURS.includes(field))) as Fields;
  const { labels, annotations, ownerReferences } = wanted.metadata;
  const metadata = {
    ...live.metadata,
    labels: { ...live.metadata.labels, ...labels },
    annotations: { ...live.metadata.annotations, ...annotations },
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
  };
  return { ...live, ...ours, metadata };
}

function withDigest(object: WantedObject): WantedObject {
  const digest = createHash("sha256").update(JSON.stringify(object)).digest("hex").slice(0, 16);
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [WANTED_DIGEST]: digest } } };
}

function labelOf({ kind, metadata }: WantedObject): string {
  return `${kind} "${metadata.namespace ?? ""}/${metadata.name}"`;
}
