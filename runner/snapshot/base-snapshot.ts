// base: an earlier snapshot whose objects a new one may name instead of writing them again. FORMAT.md, "Leases".
import type { StoreOptions } from "../storage/object-store.ts";
import { readManifest } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import { parseDataKey } from "./object-keys.ts";
import { isPruneUnderWay } from "./prune-lease.ts";
import type { Repository } from "./repository.ts";

export interface JudgeBaseOptions extends StoreOptions {
  /** Of the new snapshot. */
  readonly id: string;
  readonly now: () => Date;
  warn(reason: string, message: string): void;
}

/**
 * The base if its objects may be named, and undefined with a warning if not. To be asked once the lease that names the base lies in the store: pruning
 * that begins later reads that lease, and pruning that began earlier is seen here. Backups never wait for pruning.
 */
export async function judgeBase(
  repository: Repository,
  base: Manifest | undefined,
  options: JudgeBaseOptions,
): Promise<Manifest | undefined> {
  if (base === undefined) return undefined;
  const objection = await findObjection(repository, base, options);
  if (objection === undefined) return base;
  options.warn("BaseNotUsed", `Everything is written anew instead of on base "${base.id}": ${objection}`);
  return undefined;
}

/** Ids under which the objects lie that a snapshot on this base may name; its own among them. */
export function idsBehind(base: Manifest): string[] {
  const keys = base.streams.flatMap((stream) => stream.objects.map((object) => object.key));
  return [...new Set([base.id, ...keys.map((key) => parseDataKey(key)?.id ?? base.id)])].sort();
}

async function findObjection(repository: Repository, base: Manifest, { id, signal, now }: JudgeBaseOptions): Promise<string | undefined> {
  // A manifest may name objects of earlier snapshots only; clocks may say that this one is not.
  if (idsBehind(base).some((each) => each >= id)) return "it is not an earlier one";
  if (await isPruneUnderWay(repository.store, { signal, now })) return "pruning is under way";
  // Last: what was forgotten and pruned before the lease lay there is seen here.
  return (await readManifest(repository, base.id, { signal })) === undefined ? "it was forgotten" : undefined;
}
