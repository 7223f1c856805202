import { describeError, IncompleteError } from "../errors.ts";
import { type ListedObject, NotFoundError, type StoreOptions } from "../storage/object-store.ts";
import { type BackupLeaseContent, decodeBackupLease, isAlive } from "./lease.ts";
import { listEverySnapshot } from "./list-every-snapshot.ts";
import type { Manifest } from "./manifest.ts";
import { BACKUP_LEASES_PREFIX, DATA_PREFIX, manifestKey, parseBackupLeaseKey, parseDataKey } from "./object-keys.ts";
import { readIfThere } from "./read-if-there.ts";
import type { Repository } from "./repository.ts";
import { instantOf } from "./snapshot-id.ts";

const HOUR_MS = 60 * 60 * 1000;
/** What was begun later than this is left alone, whatever else is known of it. */
const LEAST_AGE_MS = 24 * HOUR_MS;
const MAX_LEASE_BYTES = 1024 * 1024;

export interface JudgedObjects {
  /** Objects that no snapshot names and no running backup may name. */
  readonly unused: readonly ListedObject[];
  readonly kept: { readonly objects: number; readonly bytes: number };
  /** Lease objects of backups that died. */
  readonly deadLeases: readonly string[];
}

export interface JudgeOptions extends StoreOptions {
  readonly now: () => Date;
  /** Called between the steps. */
  hold(): Promise<void>;
}

/**
 * Which objects nobody needs. The order of reading is what makes the answer right while backups go on: whatever is listed here was written under a
 * lease that lay there before; who has removed that lease since has committed, and the manifest is read after it.
 * @throws IncompleteError when anything is in doubt
 */
export async function judgeObjects(repository: Repository, options: JudgeOptions): Promise<JudgedObjects> {
  // Judged as of now, not as of the end: a lease that runs out while we read may have been renewed since it was read.
  const now = options.now();
  const objects = await listObjects(repository, options);
  await options.hold();
  const leases = await readLeases(repository, options);
  await options.hold();
  const manifests = await listEverySnapshot(repository, options);
  await options.hold();
  await assertNamedObjectsAreThere(repository, { manifests, objects }, options);
  const isNeeded = judge(manifests, leases, now);
  const unused = [...objects.values()].filter(({ key }) => !isNeeded(key));
  await assertNoManifest(repository, unused, options);
  const unusedKeys = new Set(unused.map(({ key }) => key));
  const kept = [...objects.values()].filter(({ key }) => !unusedKeys.has(key));
  const deadLeases = leases.filter(({ id, content }) => !isAlive(content, now) && isOld(id, now));
  return {
    unused,
    kept: { objects: kept.length, bytes: kept.reduce((sum, { size }) => sum + size, 0) },
    deadLeases: deadLeases.map(({ key }) => key),
  };
}

interface FoundLease {
  readonly key: string;
  readonly id: string;
  readonly content: BackupLeaseContent;
}

function judge(manifests: readonly Manifest[], leases: readonly FoundLease[], now: Date): (key: string) => boolean {
  const named = new Set(manifests.flatMap((manifest) => namedObjects(manifest)));
  const leased = new Set(leases.filter(({ content }) => isAlive(content, now)).flatMap(({ id, content }) => [id, ...content.bases]));
  return (key) => {
    const id = parseDataKey(key)?.id;
    return id === undefined || named.has(key) || leased.has(id) || !isOld(id, now);
  };
}

function isOld(id: string, now: Date): boolean {
  return now.getTime() - instantOf(id) > LEAST_AGE_MS;
}

function namedObjects(manifest: Manifest): string[] {
  return manifest.streams.flatMap((stream) => stream.objects.map(({ key }) => key));
}

async function listObjects(repository: Repository, { signal }: StoreOptions): Promise<Map<string, ListedObject>> {
  const objects = new Map<string, ListedObject>();
  for await (const object of repository.store.list(DATA_PREFIX, { signal })) {
    if (parseDataKey(object.key) !== undefined) objects.set(object.key, object);
  }
  return objects;
}

async function readLeases(repository: Repository, { signal }: StoreOptions): Promise<FoundLease[]> {
  const leases: FoundLease[] = [];
  for await (const { key } of repository.store.list(BACKUP_LEASES_PREFIX, { signal })) {
    const id = parseBackupLeaseKey(key);
    if (id === undefined) continue;
    const bytes = await readIfThere(repository.store, key, { signal, maxBytes: MAX_LEASE_BYTES });
    // Gone since it was listed: that backup is over, and what it committed is read later.
    if (bytes !== undefined) leases.push({ key, id, content: decode(key, bytes) });
  }
  return leases;
}

function decode(key: string, bytes: Buffer): BackupLeaseContent {
  try {
    return decodeBackupLease(bytes);
  } catch (error) {
    throw new IncompleteError(`Nothing was removed: lease "${key}" cannot be read: ${describeError(error)}`, {
      reason: "LeaseUnreadable",
      hint: "Delete this object once no backup runs",
      cause: error,
    });
  }
}

/** A snapshot that lacks objects, or a store that does not list what it has: either way a person has to look first. */
async function assertNamedObjectsAreThere(
  repository: Repository,
  { manifests, objects }: { manifests: readonly Manifest[]; objects: ReadonlyMap<string, ListedObject> },
  { signal }: StoreOptions,
): Promise<void> {
  for (const manifest of manifests) {
    for (const key of namedObjects(manifest)) {
      // Of a snapshot that was committed after the listing, nothing is listed, and all is there.
      if (objects.has(key) || (await exists(repository, key, signal))) continue;
      if (!(await exists(repository, manifestKey(manifest.id), signal))) break;
      throw new IncompleteError(`Nothing was removed: snapshot "${manifest.id}" names object "${key}", which is not in the store`, {
        reason: "ObjectMissing",
        hint: "Verify the repository; forget snapshots that cannot be restored, then prune",
      });
    }
  }
}

/** Asked by name once more: a listing that left a manifest out would cost a backup. */
async function assertNoManifest(repository: Repository, unused: readonly ListedObject[], { signal }: StoreOptions): Promise<void> {
  const ids = new Set(unused.map(({ key }) => parseDataKey(key)?.id as string));
  const named = new Set<string>();
  for (const id of ids) if (await exists(repository, manifestKey(id), signal)) named.add(id);
  if (named.size === 0) return;
  throw new IncompleteError(`Nothing was removed: the store has manifests that it did not list: ${[...named].join(", ")}`, {
    reason: "ListingIncomplete",
    hint: "Prune again; when it repeats, the store does not list what it has",
  });
}

async function exists(repository: Repository, key: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await repository.store.stat(key, { signal });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
