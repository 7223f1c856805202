import type { SnapshotSummary } from "./report.ts";
import type { Manifest } from "./snapshot/manifest.ts";

/** A snapshot as `snapshots` lists it; sizes in bytes. */
export function summarizeSnapshot(manifest: Manifest): SnapshotSummary & { readonly holdfast: string } {
  const { namespace, kind, name } = manifest.target;
  const objects = manifest.streams.flatMap((stream) => stream.objects);
  return {
    id: manifest.id,
    engine: manifest.engine,
    target: [namespace, kind, name].filter((part) => part !== "").join("/"),
    host: manifest.host,
    started: manifest.started,
    finished: manifest.finished,
    rawBytes: objects.reduce((sum, object) => sum + object.rawBytes, 0),
    storedBytes: objects.reduce((sum, object) => sum + object.storedBytes, 0),
    holdfast: manifest.holdfast,
  };
}
