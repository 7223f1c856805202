import type { StoreOptions } from "../storage/object-store.ts";
import { readManifest } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import { parseDataKey } from "./object-keys.ts";
import { isPruneUnderWay } from "./prune-lease.ts";
import type { Repository } from "./repository.ts";

/** Ids under which the objects lie that a snapshot on this base may name; its own among them. */
export function idsBehind(base: Manifest): string[] {
  const keys = base.streams.flatMap((stream) => stream.objects.map((object) => object.key));
  return [...new Set([base.id, ...keys.map((key) => parseDataKey(key)?.id ?? base.id)])].sort();
}

/**
 * Why the objects of a base may not be named; undefined when they may. To be asked once the lease that names the base lies in the store: pruning that
 * begins later reads that lease, and pruning that began earlier is seen here. Backups never wait for pruning.
 */
export async function findObjectionToBase(
  repository: Repository,
  base: Manifest,
  options: StoreOptions & { now: () => Date },
): Promise<string | undefined> {
  if (await isPruneUnderWay(repository.store, options)) return "pruning is under way";
  // Last: what was forgotten and pruned before the lease lay there is seen here.
  return (await readManifest(repository, base.id, options)) === undefined ? "it was forgotten" : undefined;
}
