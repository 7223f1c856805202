import type { SnapshotSummary } from "./report.ts";
import type { Manifest, StoredObject } from "./snapshot/manifest.ts";
import { parseDataKey } from "./snapshot/object-keys.ts";

/** A snapshot as `snapshots` lists it; sizes in bytes. */
export function summarizeSnapshot(manifest: Manifest): SnapshotSummary & { readonly holdfast: string } {
  const { namespace, kind, name } = manifest.target;
  // Streams may share objects, with one another and with earlier snapshots.
  const objects = [...new Map(manifest.streams.flatMap((stream) => stream.objects.map((object) => [object.key, object]))).values()];
  const own = objects.filter(({ key }) => parseDataKey(key)?.id === manifest.id);
  return {
    id: manifest.id,
    engine: manifest.engine,
    target: [namespace, kind, name].filter((part) => part !== "").join("/"),
    host: manifest.host,
    started: manifest.started,
    finished: manifest.finished,
    rawBytes: manifest.streams.reduce((sum, { rawBytes }) => sum + rawBytes, 0),
    storedBytes: sizeOf(objects),
    addedBytes: sizeOf(own),
    holdfast: manifest.holdfast,
  };
}

function sizeOf(objects: readonly StoredObject[]): number {
  return objects.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
}
