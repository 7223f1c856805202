import type { StoreOptions } from "../storage/object-store.ts";
import { fits } from "./find-snapshot.ts";
import { listSnapshotIds, tryReadManifest } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import type { Repository } from "./repository.ts";

/**
 * The newest snapshot of the same engine, target and host that can be believed: what did not change since need not be written again. Damaged manifests
 * are passed over, since without a base a backup is merely longer.
 */
export async function findBase(
  repository: Repository,
  group: Pick<Manifest, "engine" | "target" | "host">,
  options: StoreOptions,
): Promise<Manifest | undefined> {
  for (const id of (await listSnapshotIds(repository, options)).reverse()) {
    const read = await tryReadManifest(repository, id, options);
    if (!("problem" in read) && fits(read, group)) return read;
  }
  return undefined;
}
