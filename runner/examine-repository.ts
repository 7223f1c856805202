import { listSnapshotIds } from "./snapshot/list-snapshots.ts";
import { measureRepository } from "./snapshot/measure-repository.ts";
import type { Repository } from "./snapshot/repository.ts";
import { instantOf } from "./snapshot/snapshot-id.ts";

/** What is known of a repository without reading anything in it. */
export interface RepositoryExtent {
  readonly sizeBytes: number;
  readonly snapshots: { readonly count: number; readonly oldest?: Date; readonly newest?: Date };
}

/** Looks at the names and sizes of what is stored. */
export async function examineRepository(repository: Repository, options: { signal: AbortSignal }): Promise<RepositoryExtent> {
  const { bytes } = await measureRepository(repository, options);
  const ids = await listSnapshotIds(repository, options);
  const [oldest, newest] = [ids[0], ids.at(-1)].map((id) => (id === undefined ? undefined : new Date(instantOf(id))));
  return { sizeBytes: bytes, snapshots: { count: ids.length, ...(oldest && { oldest }), ...(newest && { newest }) } };
}
