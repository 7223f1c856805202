import { describeError } from "../runner/errors.ts";
import type { Log } from "../runner/function.ts";
import { KINDS, SPARED_KINDS, WATCHED_KINDS, type WatchedKind } from "./kinds.ts";
import type { ObjectsApi } from "./objects-api.ts";
import { wakings } from "./wake.ts";
import type { ObjectCache, ObjectChange } from "./watch/cache.ts";
import type { Clock } from "./watch/clock.ts";
import type { WorkQueue } from "./watch/queue.ts";
import { Reflector, type ReflectorProblem } from "./watch/reflector.ts";

export interface Watches {
  readonly reflectors: ReadonlyMap<WatchedKind, Reflector>;
  readonly caches: ReadonlyMap<WatchedKind, ObjectCache>;
  /** Settles once every kind was listed that is worked with. */
  readonly synced: Promise<unknown>;
  /** Settles once the signal was aborted and nothing is left open. */
  run(signal: AbortSignal): Promise<void>;
}

/** A reflector for every watched kind, whose changes put names into the queues of those that they concern. */
export function openWatches(
  api: ObjectsApi,
  { queues, clock, log }: { readonly queues: ReadonlyMap<WatchedKind, WorkQueue>; readonly clock: Clock; readonly log: Log },
): Watches {
  const problem = ({ kind, error, retryInMs }: ReflectorProblem) =>
    log.warn(`Cannot watch ${kind} objects`, { error: describeError(error), retryInMs });
  const reflectors = new Map<WatchedKind, Reflector>();
  const cacheOf = (kind: WatchedKind) => (reflectors.get(kind) as Reflector).cache;
  const cached = {
    cached: (kind: WatchedKind, name: { namespace: string; name: string }) => cacheOf(kind).get(name),
    cachedIn: (kind: WatchedKind, namespace: string) => cacheOf(kind).inNamespace(namespace),
    cachedAll: (kind: WatchedKind) => cacheOf(kind).all(),
  };
  for (const kind of WATCHED_KINDS) {
    const changed = (change: ObjectChange) => {
      for (const waking of wakings({ kind, ...change }, cached)) queues.get(waking.kind)?.add(waking.name);
    };
    const { labelSelector }: { readonly labelSelector?: string } = KINDS[kind].watch;
    reflectors.set(kind, new Reflector(api, { kind, labelSelector, clock, changed, problem }));
  }
  const all = [...reflectors.values()];
  return {
    reflectors,
    caches: new Map([...reflectors].map(([kind, { cache }]) => [kind, cache])),
    synced: Promise.all(all.filter(({ kind }) => !SPARED_KINDS.has(kind)).map(({ synced }) => synced)),
    run: async (signal) => void (await Promise.all(all.map((reflector) => reflector.run(signal)))),
  };
}
