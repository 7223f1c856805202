import { describeError } from "./errors.ts";
import type { Cluster, ObjectName } from "./kubernetes/cluster.ts";
import { listSnapshots } from "./snapshot/list-snapshots.ts";
import type { Manifest } from "./snapshot/manifest.ts";
import type { Repository } from "./snapshot/repository.ts";

/**
 * Writes what a committed backup changed into the Repository object's status. The snapshot stands whether this succeeds or not, so a failure is a
 * warning; nothing is written without an object.
 */
export async function recordBackup(
  object: { readonly cluster: Cluster; readonly name: ObjectName } | undefined,
  repository: Repository,
  options: { manifest: Manifest; signal: AbortSignal; warn(reason: string, message: string): void },
): Promise<void> {
  if (object === undefined) return;
  const { manifest, signal, warn } = options;
  try {
    const { manifests } = await listSnapshots(repository, { signal });
    const first = manifests.map((each) => each.finished).sort()[0] ?? manifest.finished;
    await object.cluster.updateStatus(
      "Repository",
      object.name,
      (status) => ({
        ...status,
        firstBackupTime: status.firstBackupTime ?? first,
        lastBackupTime: manifest.finished,
        snapshotCount: manifests.length,
      }),
      { signal },
    );
    await object.cluster.emitEvent(
      {
        kind: "Repository",
        object: object.name,
        type: "Normal",
        reason: "SnapshotCommitted",
        message: `Snapshot ${manifest.id} of ${manifest.target.kind} ${manifest.target.namespace}/${manifest.target.name} is committed`,
      },
      { signal },
    );
  } catch (error) {
    warn(
      "StatusNotWritten",
      `Snapshot ${manifest.id} is committed, but the Repository's status could not be written: ${describeError(error)}`,
    );
  }
}
