import { describeError, IncompleteError, StoreUnavailableError } from "../errors.ts";
import { bounded } from "./bounded.ts";
import { delayedAbort } from "./delayed-abort.ts";
import { MAX_MANIFEST_BYTES } from "./manifest.ts";
import { manifestKey } from "./object-keys.ts";
import { readIfThere } from "./read-if-there.ts";
import type { Repository } from "./repository.ts";

/** How long a commit that has begun goes on after the run was stopped. */
const GRACE_MS = 5000;
/** How long the truth is looked for after a put that failed. */
const INQUIRY_MS = 10_000;

export interface CommitOptions {
  readonly signal: AbortSignal;
  warn(reason: string, message: string): void;
}

/** Nobody knows whether the snapshot is there: the put failed, and then the store did not say what lies there. */
export class UnknownCommitError extends StoreUnavailableError {
  constructor(id: string, options: { cause: unknown }) {
    super(`Snapshot "${id}" may or may not be committed: the store failed during the commit, and afterwards did not say`, {
      ...options,
      reason: "CommitUnknown",
      hint: "List the snapshots once the store answers; a snapshot that is listed is complete",
      facts: { snapshot: id, commit: "unknown" },
    });
  }
}

/**
 * Puts the manifest, which makes the snapshot exist. Resolves when it lies in the store, also when the store said otherwise; rejects when it does
 * not. An abort before the put prevents it, an abort during the put does not hide its outcome. @throws UnknownCommitError
 */
export async function commitManifest(repository: Repository, id: string, options: { manifest: Buffer } & CommitOptions): Promise<void> {
  options.signal.throwIfAborted();
  using signal = delayedAbort(options.signal, GRACE_MS);
  try {
    await endingWith(repository.store.put(manifestKey(id), options.manifest, { ifAbsent: true, signal }), signal);
  } catch (error) {
    if (!(await liesThere(repository, id, { manifest: options.manifest, cause: error }))) throw error;
    options.warn("CommitAmbiguous", `The store failed during the commit, yet the manifest lies there whole: ${describeError(error)}`);
  }
}

async function liesThere(repository: Repository, id: string, { manifest, cause }: { manifest: Buffer; cause: unknown }): Promise<boolean> {
  const options = { signal: AbortSignal.timeout(INQUIRY_MS), maxBytes: MAX_MANIFEST_BYTES };
  const stored = await bounded(readIfThere(repository.store, manifestKey(id), options), INQUIRY_MS + 1000).catch((error: unknown) => {
    throw new UnknownCommitError(id, { cause: new AggregateError([cause, error], `${describeError(cause)}; ${describeError(error)}`) });
  });
  if (stored === undefined) return false;
  if (stored.equals(manifest)) return true;
  throw new IncompleteError(`Another manifest lies under the name of snapshot "${id}"`, { cause });
}

/** The work, or the signal's reason when the work does not end with the signal. */
async function endingWith(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  // One turn later, so that work which ends with the signal has the word.
  signal.addEventListener("abort", () => setTimeout(() => reject(signal.reason), 0), { once: true });
  await Promise.race([work, aborted]);
}
