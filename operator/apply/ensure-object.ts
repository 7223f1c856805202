import { createHash } from "node:crypto";
import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { type KindName, kindNamed, type WatchedKind } from "../kinds.ts";
import { type Fields, isBeingDeleted, type LiveObject, type WantedObject } from "../objects.ts";
import type { ObjectsApi } from "../objects-api.ts";
import { assertOurs, labelOf } from "./assert-ours.ts";
import { contains } from "./contains.ts";

/** What the object was last made to be: a member that is wanted no more shows in it. */
const WANTED_DIGEST = "holdfast/wanted";
/** Everything of an object that we write replaces what stood there, but for these two. */
const NOT_OURS = ["metadata", "status"];
const MOST_TRIES = 5;

export interface EnsureParts {
  readonly api: ObjectsApi;
  cached(kind: WatchedKind, name: ObjectName): LiveObject | undefined;
  readonly signal: AbortSignal;
}

/**
 * Makes the object, or brings it to what is wanted; asks nobody when the cache shows it so. Resolves with what was written, if anything changed by it.
 * @throws ClusterRefusedError with reason "NameTaken" for an object that somebody else answers for; ClusterUnavailableError while one of that name goes; and as the API does
 */
export async function ensureObject(object: WantedObject, parts: EnsureParts): Promise<LiveObject | undefined> {
  const wanted = withDigest(object);
  const kind = kindNamed(object.kind);
  const kindName = object.kind as KindName;
  const name = { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
  const cached = kind.watch === undefined ? undefined : parts.cached(kindName as WatchedKind, name);
  if (cached !== undefined && isAsWanted(cached, wanted)) return undefined;
  const { api, signal } = parts;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const live = await api.get(kindName, name, { signal });
    if (live === undefined) {
      const created = await api.create(wanted, { signal });
      if (created !== "exists") return created;
      continue;
    }
    if (isBeingDeleted(live)) throw new ClusterUnavailableError(`${labelOf(object)} is being deleted: it is made anew once it is gone`);
    assertOurs(live, wanted);
    if (isAsWanted(live, wanted)) return undefined;
    // What a RoleBinding binds to cannot be changed.
    if (!contains(live.roleRef, wanted.roleRef)) {
      await api.remove(kindName, { ...name, uid: live.metadata.uid }, { signal });
      continue;
    }
    const replaced = await api.replace(merged(live, wanted), { signal });
    if (typeof replaced === "string") continue;
    // The server, or a webhook, keeps it differently than we write it: nothing has changed, and nobody needs another look.
    return replaced.metadata.resourceVersion === live.metadata.resourceVersion ? undefined : replaced;
  }
  throw new ClusterUnavailableError(`Others keep changing ${labelOf(object)}`);
}

/** Owners are compared one by one: others may own it too, as long as they do not answer for it. */
function isAsWanted(live: LiveObject, wanted: WantedObject): boolean {
  const { ownerReferences = [], ...metadata } = wanted.metadata;
  const owners = live.metadata.ownerReferences ?? [];
  return (
    !isBeingDeleted(live) &&
    ownerReferences.every((owner) => owners.some((each) => contains(each, owner))) &&
    contains(live, { ...wanted, metadata })
  );
}

function merged(live: LiveObject, wanted: WantedObject): LiveObject {
  const ours = Object.fromEntries(Object.entries(wanted).filter(([field]) => !NOT_OURS.includes(field))) as Fields;
  const { labels, annotations, ownerReferences = [] } = wanted.metadata;
  const others = (live.metadata.ownerReferences ?? []).filter(({ uid }) => !ownerReferences.some((owner) => owner.uid === uid));
  const owners = [...others, ...ownerReferences];
  const metadata = {
    ...live.metadata,
    labels: { ...live.metadata.labels, ...labels },
    annotations: { ...live.metadata.annotations, ...annotations },
    ...(owners.length === 0 ? {} : { ownerReferences: owners }),
  };
  return { ...live, ...ours, metadata };
}

function withDigest(object: WantedObject): WantedObject {
  const digest = createHash("sha256").update(JSON.stringify(object)).digest("hex").slice(0, 16);
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [WANTED_DIGEST]: digest } } };
}
