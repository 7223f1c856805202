import { type SnapshotStats, snapshotStats } from "./kubernetes/status-snapshot.ts";
import type { Manifest } from "./snapshot/manifest.ts";
import { parseDataKey } from "./snapshot/object-keys.ts";

/** A committed snapshot as a session's status tells of it; what it shares with snapshots before it was not uploaded. */
export function statsOfSnapshot(
  manifest: Pick<Manifest, "id" | "streams">,
  options: { readonly durationMs: number; readonly path?: string | undefined },
): SnapshotStats {
  const isReused = ({ key }: { key: string }) => parseDataKey(key)?.id !== manifest.id;
  const added = manifest.streams.flatMap(({ objects }) => objects).filter((object) => !isReused(object));
  return snapshotStats({
    id: manifest.id,
    streams: manifest.streams.map(({ name, objects }) => ({
      name,
      objects: objects.length,
      reusedObjects: objects.filter(isReused).length,
    })),
    rawBytes: manifest.streams.reduce((sum, { rawBytes }) => sum + rawBytes, 0),
    storedBytes: added.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    durationMs: options.durationMs,
    path: options.path,
  });
}
