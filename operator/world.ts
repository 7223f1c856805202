import type { Cluster, ObjectName } from "../runner/kubernetes/cluster.ts";
import type { Decision } from "./action.ts";
import type { KindName, WatchedKind } from "./kinds.ts";
import type { LiveObject } from "./objects.ts";
import type { OperatorSettings } from "./settings.ts";

/**
 * What a reconciler sees. The caches may lag behind by moments: whatever is done because something is *not* there is asked of the server first (`live`). They have seen
 * every write that a former pass over the same object made.
 */
export interface World {
  cached(kind: WatchedKind, name: ObjectName): LiveObject | undefined;
  cachedIn(kind: WatchedKind, namespace: string): readonly LiveObject[];
  /** Of all namespaces. */
  cachedAll(kind: WatchedKind): readonly LiveObject[];
  /** Asked of the server now; `undefined` when there is none. @throws as ObjectsApi does */
  live(kind: KindName, name: ObjectName): Promise<LiveObject | undefined>;
  liveIn(kind: KindName, namespace: string, labelSelector?: string): Promise<readonly LiveObject[]>;
  /** Stash's objects, read now and checked: Repository, AppBinding, Secret, Namespace, Task, Function. */
  readonly cluster: Cluster;
  readonly settings: OperatorSettings;
  now(): Date;
}

/** One reconciler: observes what belongs to one object, and decides what is to be done. It writes nothing itself. */
export interface Reconciler {
  /** In logs and metrics: "backup-session". */
  readonly name: string;
  /** Whose objects' names are its keys. */
  readonly kind: WatchedKind;
  /** The object may be gone by now. @throws HoldfastError when the world cannot be read; the pass is then tried again later */
  reconcile(name: ObjectName, world: World): Promise<Decision>;
}
