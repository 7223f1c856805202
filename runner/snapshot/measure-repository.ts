import type { StoreOptions } from "../storage/object-store.ts";
import { listSnapshotIds } from "./list-snapshots.ts";
import { DATA_PREFIX, parseDataKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";

export interface RepositorySize {
  /** Stored bytes of all objects, those that wait to be pruned included. */
  readonly bytes: number;
  readonly objects: number;
  /** Manifests that are listed, whatever is in them. */
  readonly snapshots: number;
}

/** What the repository takes up, by two listings. */
export async function measureRepository(repository: Repository, options: StoreOptions = {}): Promise<RepositorySize> {
  let bytes = 0;
  let objects = 0;
  for await (const { key, size } of repository.store.list(DATA_PREFIX, options)) {
    if (parseDataKey(key) === undefined) continue;
    bytes += size;
    objects += 1;
  }
  return { bytes, objects, snapshots: (await listSnapshotIds(repository, options)).length };
}
