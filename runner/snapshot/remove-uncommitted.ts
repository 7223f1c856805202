import { describeError } from "../errors.ts";
import { bounded } from "./bounded.ts";
import type { BackupLease } from "./lease.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import { manifestKey } from "./object-keys.ts";
import { readIfThere } from "./read-if-there.ts";
import type { Repository } from "./repository.ts";

const LIMIT_MS = 10_000;
const SETTLING_MS = 5000;

export interface Leftovers {
  /** Every object that was begun. */
  readonly keys: readonly string[];
  /** Ends when the store is done with every upload. */
  readonly settled: Promise<unknown>;
  /** What was put as manifest, when it came so far. */
  readonly manifest: Buffer | undefined;
  readonly lease: BackupLease;
  warn(reason: string, message: string): void;
}

/** Removes what a backup without a commit wrote, in bounded time, also after an abort. What is left is invisible and swept by pruning. */
export async function removeUncommitted(repository: Repository, id: string, leftovers: Leftovers): Promise<void> {
  try {
    await bounded(remove(repository, id, leftovers), LIMIT_MS + SETTLING_MS);
  } catch (error) {
    const what =
      leftovers.manifest === undefined
        ? `Objects of snapshot "${id}", which was not committed, may be left in the store; nobody sees them, and pruning removes them`
        : `Snapshot "${id}", whose backup failed, may be left in the store, and may be listed: forget it then`;
    leftovers.warn("LeftoversRemain", `${what}: ${describeError(error)}`);
  }
}

async function remove(repository: Repository, id: string, { keys, settled, manifest, lease }: Leftovers): Promise<void> {
  // An upload that ended after the removal would leave its object behind.
  const [unsettled] = await Promise.allSettled([bounded(settled, SETTLING_MS)]);
  const signal = AbortSignal.timeout(LIMIT_MS - 1000);
  if (manifest !== undefined) await withdrawManifest(repository, id, { manifest, signal });
  if (keys.length > 0) await repository.store.delete(keys, { signal });
  await lease.remove(signal);
  if (unsettled.status === "rejected") throw new Error("Uploads did not end after their abort", { cause: unsettled.reason });
}

/**
 * Takes back a manifest that we put, if it lies there; a put that failed may still have arrived. It goes before its objects: a manifest without them
 * would be a backup that is not there.
 */
export async function withdrawManifest(
  repository: Repository,
  id: string,
  options: { manifest: Buffer; signal: AbortSignal },
): Promise<void> {
  const { store } = repository;
  const key = manifestKey(id);
  const read = () => readIfThere(store, key, { signal: options.signal, maxBytes: MAX_MANIFEST_BYTES });
  const stored = await read();
  if (stored === undefined) return;
  if (!stored.equals(options.manifest)) throw new Error(`"${key}" is not ours`);
  await store.delete([key], { signal: options.signal });
  if ((await read()) !== undefined) throw new Error(`"${key}" is still there after its removal`);
}
