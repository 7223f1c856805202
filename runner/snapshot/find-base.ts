import { findMissingObject } from "./find-missing-object.ts";
import { type FindOptions, fits } from "./find-snapshot.ts";
import { listSnapshotIds, tryReadManifest } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import type { Repository } from "./repository.ts";

/**
 * The newest snapshot of the same engine, target and host that is whole, as far as can be told without reading its data: what did not change since need
 * not be written again. Others are passed over, with a warning where one was damaged, since without a base a backup is merely longer.
 */
export async function findBase(
  repository: Repository,
  group: Pick<Manifest, "engine" | "target" | "host">,
  options: FindOptions,
): Promise<Manifest | undefined> {
  for (const id of (await listSnapshotIds(repository, options)).reverse()) {
    const manifest = await tryReadManifest(repository, id, options);
    // Whose a damaged manifest was, nobody can say: what relies on it says so.
    if ("problem" in manifest || !fits(manifest, group)) continue;
    const missing = await findMissingObject(repository, manifest, options);
    if (missing === undefined) return manifest;
    options.warn?.("BaseDamaged", `Snapshot "${id}" is not built upon: object "${missing}" is gone, or not of the size that was written`);
  }
  return undefined;
}
