import { describeError, ParameterError } from "../errors.ts";
import type { ListedObject, StoreOptions } from "../storage/object-store.ts";
import { type JudgedObjects, judgeObjects } from "./judge-objects.ts";
import { parseDataKey } from "./object-keys.ts";
import { type PruneLease, takePruneLease } from "./prune-lease.ts";
import type { Repository } from "./repository.ts";

/** Few enough that each batch ends well before the lease does. */
const BATCH = 500;
const BATCH_LIMIT_MS = 2 * 60_000;

export interface PruneOptions extends StoreOptions {
  /** Who prunes, for those who have to wait. */
  readonly holder: string;
  readonly now?: (() => Date) | undefined;
  /** Says what would be removed; writes and removes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Prune although the store does not keep `ifAbsent`, so that nothing keeps two prunes apart. */
  readonly unsafe?: boolean | undefined;
  warn(reason: string, message: string): void;
  progress?(progress: { objects: number; totalObjects: number; bytes: number }): void;
}

export interface PruneReport {
  readonly dryRun: boolean;
  readonly removed: { readonly objects: number; readonly bytes: number };
  readonly kept: { readonly objects: number; readonly bytes: number };
  /** Of whom the removed objects were, by snapshot id. */
  readonly snapshots: readonly { readonly id: string; readonly objects: number; readonly bytes: number }[];
  /** Leases of dead backups that were removed. */
  readonly leases: number;
}

/**
 * Removes objects that nobody needs. Backups may run meanwhile; a restore or verify of a snapshot that was forgotten fails by name. May be stopped
 * anywhere and repeated: every listed snapshot stays restorable.
 * @throws LockedError while somebody else prunes, IncompleteError when anything is in doubt, ParameterError for a store that does not keep `ifAbsent`
 */
export async function prune(repository: Repository, options: PruneOptions): Promise<PruneReport> {
  const { dryRun = false, signal, now = () => new Date() } = options;
  assertSafe(repository, options);
  if (dryRun) return describe(await judgeObjects(repository, { signal, now, hold: async () => undefined }), { dryRun });
  const lease = await takePruneLease(repository.store, { holder: options.holder, signal, now });
  try {
    const judged = await judgeObjects(repository, { signal, now, hold: () => lease.hold() });
    await remove(repository, judged, { ...options, lease });
    return describe(judged, { dryRun });
  } finally {
    await lease.release(AbortSignal.timeout(10_000)).catch((error: unknown) => {
      options.warn("LeaseNotRemoved", `The lease of pruning could not be released and ends by itself: ${describeError(error)}`);
    });
  }
}

function assertSafe(repository: Repository, { unsafe, dryRun }: PruneOptions): void {
  if (repository.keepsIfAbsent || unsafe || dryRun) return;
  throw new ParameterError(`Cannot prune at ${repository.store.description}: this store is not known to keep "create only if absent"`, {
    reason: "StoreIgnoresIfAbsent",
    hint: "See to it that nobody else prunes there, and say --unsafe",
  });
}

async function remove(repository: Repository, judged: JudgedObjects, options: PruneOptions & { lease: PruneLease }): Promise<void> {
  const { lease, signal, progress } = options;
  const totalObjects = judged.unused.length;
  let bytes = 0;
  for (let start = 0; start < totalObjects; start += BATCH) {
    const batch = judged.unused.slice(start, start + BATCH);
    await removeBatch(
      repository,
      batch.map(({ key }) => key),
      { lease, signal },
    );
    bytes += sizeOf(batch);
    progress?.({ objects: start + batch.length, totalObjects, bytes });
  }
  if (judged.deadLeases.length > 0) await removeBatch(repository, judged.deadLeases, { lease, signal });
}

async function removeBatch(
  repository: Repository,
  keys: readonly string[],
  { lease, signal }: { lease: PruneLease; signal: AbortSignal | undefined },
): Promise<void> {
  signal?.throwIfAborted();
  await lease.hold();
  // What is still under way when the lease has ended could hit what somebody began to rely on.
  const limit = AbortSignal.timeout(BATCH_LIMIT_MS);
  await repository.store.delete(keys, { signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) });
}

function describe({ unused, kept, deadLeases }: JudgedObjects, { dryRun }: { dryRun: boolean }): PruneReport {
  const byId = Map.groupBy(unused, ({ key }) => parseDataKey(key)?.id as string);
  return {
    dryRun,
    removed: { objects: unused.length, bytes: sizeOf(unused) },
    kept,
    snapshots: [...byId].map(([id, objects]) => ({ id, objects: objects.length, bytes: sizeOf(objects) })),
    leases: deadLeases.length,
  };
}

function sizeOf(objects: readonly ListedObject[]): number {
  return objects.reduce((sum, { size }) => sum + size, 0);
}
