import pLimit from "p-limit";
import { describeError, IncompleteError } from "../errors.ts";
import type { StoreOptions } from "../storage/object-store.ts";
import { decodeManifest, MAX_MANIFEST_BYTES, type Manifest } from "./manifest.ts";
import { manifestKey, parseManifestKey, SNAPSHOTS_PREFIX } from "./object-keys.ts";
import { readIfThere } from "./read-if-there.ts";
import type { Repository } from "./repository.ts";

const CONCURRENCY = 4;

export interface SnapshotList {
  /** From the oldest to the newest. */
  readonly manifests: Manifest[];
  readonly damaged: DamagedManifest[];
}
export interface DamagedManifest {
  readonly key: string;
  readonly problem: string;
}

/** Every snapshot whose manifest can be believed, and by name every one whose manifest cannot. */
export async function listSnapshots(repository: Repository, options: StoreOptions = {}): Promise<SnapshotList> {
  const limit = pLimit(CONCURRENCY);
  const ids = await listSnapshotIds(repository, options);
  const read = await Promise.all(ids.map((id) => limit(() => tryReadManifest(repository, id, options))));
  return {
    manifests: read.flatMap((one) => ("problem" in one ? [] : [one])),
    damaged: read.flatMap((one) => ("problem" in one ? [one] : [])),
  };
}

/** Ids of all manifests, from the oldest to the newest, whatever is in them. */
export async function listSnapshotIds(repository: Repository, options: StoreOptions = {}): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key } of repository.store.list(SNAPSHOTS_PREFIX, options)) {
    const id = parseManifestKey(key);
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

/** The manifest, or what is wrong with it; failures of the store are thrown. */
export async function tryReadManifest(repository: Repository, id: string, options: StoreOptions = {}): Promise<Manifest | DamagedManifest> {
  try {
    const manifest = await readManifest(repository, id, options);
    return manifest ?? { key: manifestKey(id), problem: "It is listed, and not there when read: removed meanwhile, or lost" };
  } catch (error) {
    if (error instanceof IncompleteError) return { key: manifestKey(id), problem: describeError(error) };
    throw error;
  }
}

/** The manifest of one snapshot; undefined when there is none. @throws IncompleteError when it cannot be believed */
export async function readManifest(repository: Repository, id: string, options: StoreOptions = {}): Promise<Manifest | undefined> {
  const encoded = await readIfThere(repository.store, manifestKey(id), { ...options, maxBytes: MAX_MANIFEST_BYTES });
  return encoded === undefined ? undefined : decodeManifest(encoded, { id, repository });
}
