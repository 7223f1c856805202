import pLimit from "p-limit";
import { IncompleteError } from "../errors.ts";
import { NotFoundError } from "../storage/object-store.ts";
import { delayedAbort } from "./delayed-abort.ts";
import type { Manifest, StoredObject } from "./manifest.ts";
import { parseDataKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";

const CONCURRENCY = 8;
/** How long a commit that has begun goes on after the run was stopped. */
const GRACE_MS = 5000;

/** Looks at every object that a committed manifest names and its writer did not write. @throws IncompleteError that names the first that is gone */
export async function confirmForeignObjects(repository: Repository, manifest: Manifest, options: { signal: AbortSignal }): Promise<void> {
  const named = new Map(manifest.streams.flatMap((stream) => stream.objects.map((object) => [object.key, object] as const)));
  const foreign = [...named.values()].filter(({ key }) => parseDataKey(key)?.id !== manifest.id);
  if (foreign.length === 0) return;
  using signal = delayedAbort(options.signal, GRACE_MS);
  const limit = pLimit(CONCURRENCY);
  await Promise.all(foreign.map((object) => limit(() => confirm(repository, object, signal))));
}

async function confirm(repository: Repository, { key, storedBytes }: StoredObject, signal: AbortSignal): Promise<void> {
  const { size } = await repository.store.stat(key, { signal }).catch((error: unknown) => {
    throw error instanceof NotFoundError
      ? new IncompleteError(`Object "${key}" of an earlier snapshot is gone: the new snapshot was taken back`, { cause: error })
      : error;
  });
  if (size !== storedBytes) throw new IncompleteError(`Object "${key}" of an earlier snapshot has ${size} bytes instead of ${storedBytes}`);
}
