import pLimit from "p-limit";
import type { StoreOptions } from "../storage/object-store.ts";
import type { Manifest } from "./manifest.ts";
import { DATA_PREFIX, parseDataKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";

const CONCURRENCY = 8;

/** The key of an object that the manifest names and that is not in the store as it was written, by one listing for each snapshot whose objects it names; undefined when all are there. */
export async function findMissingObject(repository: Repository, manifest: Manifest, options: StoreOptions): Promise<string | undefined> {
  const objects = manifest.streams.flatMap((stream) => stream.objects);
  const ids = new Set(objects.map(({ key }) => parseDataKey(key)?.id ?? manifest.id));
  const limit = pLimit(CONCURRENCY);
  const sizes = new Map<string, number>();
  await Promise.all([...ids].map((id) => limit(() => listSizes(repository, id, { ...options, sizes }))));
  return objects.find(({ key, storedBytes }) => sizes.get(key) !== storedBytes)?.key;
}

async function listSizes(
  repository: Repository,
  id: string,
  { sizes, ...options }: StoreOptions & { sizes: Map<string, number> },
): Promise<void> {
  for await (const { key, size } of repository.store.list(`${DATA_PREFIX}${id}/`, options)) sizes.set(key, size);
}
