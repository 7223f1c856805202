import { IncompleteError } from "../errors.ts";
import type { StoreOptions } from "../storage/object-store.ts";
import { listSnapshotIds, listSnapshots } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import { manifestKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";

/**
 * Every snapshot, from the oldest to the newest, for those who remove things: one manifest that cannot be believed, and they must not, since nobody
 * can say whose it was or what it named. @throws IncompleteError that names the manifests
 */
export async function listEverySnapshot(repository: Repository, options: StoreOptions = {}): Promise<Manifest[]> {
  const { manifests, damaged } = await listSnapshots(repository, options);
  if (damaged.length === 0) return manifests;
  // Some may have been forgotten by somebody else between the listing and the reading.
  const still = new Set((await listSnapshotIds(repository, options)).map(manifestKey));
  const doubtful = damaged.filter(({ key }) => still.has(key));
  if (doubtful.length === 0) return manifests;
  const names = doubtful.map(({ key, problem }) => `"${key}" (${problem})`).join(", ");
  throw new IncompleteError(`Nothing was removed, because of manifests that cannot be believed: ${names}`, {
    reason: "ManifestDamaged",
    hint: "Put them back from a copy of the bucket, or forget those snapshots by their ids",
    facts: { damaged: doubtful.map(({ key }) => key) },
  });
}
