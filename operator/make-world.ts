import type { Cluster } from "../runner/kubernetes/cluster.ts";
import { joined } from "./joined.ts";
import type { KindName, WatchedKind } from "./kinds.ts";
import type { ObjectsApi } from "./objects-api.ts";
import type { OperatorSettings } from "./settings.ts";
import { sparingCluster } from "./sparing-cluster.ts";
import type { ObjectCache } from "./watch/cache.ts";
import { systemClock } from "./watch/clock.ts";
import type { World } from "./world.ts";

export interface WorldParts {
  readonly api: ObjectsApi;
  readonly caches: ReadonlyMap<WatchedKind, ObjectCache>;
  readonly cluster: Cluster;
  readonly settings: OperatorSettings;
  readonly signal: AbortSignal;
}

/** What reconcilers see: caches for what is watched, the API for what has to be known for sure. */
export function makeWorld({ api, caches, cluster, settings, signal }: WorldParts): World {
  const cache = (kind: WatchedKind): ObjectCache => {
    const found = caches.get(kind);
    if (found === undefined) throw new Error(`There is no cache of kind "${kind}"`);
    return found;
  };
  // At three in the morning the sessions of a namespace all want to know of each other.
  const listAll = joined(
    async (kind: KindName, namespace: string, labelSelector?: string) => (await api.list(kind, { namespace, labelSelector, signal })).items,
  );
  return {
    cached: (kind, name) => cache(kind).get(name),
    cachedIn: (kind, namespace) => cache(kind).inNamespace(namespace),
    cachedAll: (kind) => cache(kind).all(),
    live: (kind, name) => api.get(kind, name, { signal }),
    liveIn: listAll,
    cluster: sparingCluster(cluster, { cached: (kind, name) => cache(kind).get(name), clock: systemClock }),
    settings,
    now: () => api.now(),
  };
}
