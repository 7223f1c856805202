import { describeError } from "./errors.ts";
import { examineRepository } from "./examine-repository.ts";
import type { RepositoryPlace } from "./places.ts";
import { recordRepository } from "./record-repository.ts";
import type { RunParts } from "./run.ts";
import type { Manifest } from "./snapshot/manifest.ts";
import type { Repository } from "./snapshot/repository.ts";

/** Writes what a committed backup changed into the Repository object's status, when there is one. The backup stands: a failure is a warning. */
export async function recordBackup(
  repository: Repository,
  manifest: Manifest,
  { object, parts }: { object: RepositoryPlace["object"]; parts: RunParts },
): Promise<void> {
  if (object === undefined) return;
  const { signal, warn } = parts;
  try {
    const { sizeBytes, snapshots } = await examineRepository(repository, { signal });
    const { kind, namespace, name } = manifest.target;
    const event = { reason: "SnapshotCommitted", message: `Snapshot ${manifest.id} of ${kind} ${namespace}/${name} is committed` };
    const facts = {
      totalBytes: sizeBytes,
      snapshotCount: snapshots.count,
      oldest: snapshots.oldest?.toISOString(),
      lastBackup: manifest.finished,
    };
    await recordRepository(object, facts, { signal, warn, event });
  } catch (error) {
    warn("StatusNotWritten", `The repository could not be looked at for its status: ${describeError(error)}`);
  }
}
