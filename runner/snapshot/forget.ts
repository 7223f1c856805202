import { isDeepStrictEqual } from "node:util";
import { describeError, HoldfastError, IncompleteError, NoSuchSnapshotError, StoreRefusedError, StoreUnavailableError } from "../errors.ts";
import type { StoreOptions } from "../storage/object-store.ts";
import { listSnapshotIds, readManifest, tryReadManifest } from "./list-snapshots.ts";
import type { Manifest } from "./manifest.ts";
import { manifestKey } from "./object-keys.ts";
import type { Repository } from "./repository.ts";
import { describeGroup, type RetentionGroup } from "./retention.ts";

export interface ForgetOptions extends StoreOptions {
  /** Told of each snapshot that is gone. */
  onForgotten?(id: string): void;
}

/**
 * Removes the manifests of what was judged removable, from the oldest to the newest: those snapshots exist no more; their objects go with the next
 * pruning. Each is read once more, and so is one that its group keeps. Resolves with the ids, without those that somebody else had forgotten already.
 * A failure half-way names in its facts what was `forgotten` and what was `left`. @throws IncompleteError when something changed since it was judged
 */
export async function forgetSnapshots(
  repository: Repository,
  groups: readonly RetentionGroup[],
  options: ForgetOptions = {},
): Promise<string[]> {
  const all = groups.flatMap(({ removed }) => removed.map(({ id }) => id));
  return recordPartly(all, options, async (forgotten) => {
    for (const group of groups) {
      if (group.removed.length === 0) continue;
      await assertKeptIsThere(repository, group, options);
      for (const snapshot of group.removed.toReversed()) {
        if (await isAsJudged(repository, snapshot, options)) await forgotten(repository, snapshot.id);
      }
    }
  });
}

/**
 * Removes the manifests of these snapshots, whatever group they are of, also damaged ones. Nothing is removed when one of them does not exist.
 * @throws NoSuchSnapshotError
 */
export async function forgetByIds(repository: Repository, ids: readonly string[], options: ForgetOptions = {}): Promise<string[]> {
  const listed = new Set(await listSnapshotIds(repository, options));
  const missing = ids.filter((id) => !listed.has(id));
  if (missing.length > 0) {
    throw new NoSuchSnapshotError(`There is no snapshot "${missing.join('", "')}" at ${repository.store.description}; nothing was removed`);
  }
  return recordPartly(ids, options, async (forgotten) => {
    for (const id of ids) await forgotten(repository, id);
  });
}

type Forget = (repository: Repository, id: string) => Promise<void>;

async function recordPartly(all: readonly string[], options: ForgetOptions, work: (forget: Forget) => Promise<void>): Promise<string[]> {
  const done: string[] = [];
  try {
    await work(async (repository, id) => {
      options.signal?.throwIfAborted();
      await repository.store.delete([manifestKey(id)], options);
      done.push(id);
      options.onForgotten?.(id);
    });
    return done;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw withFacts(error, { forgotten: done, left: all.filter((id) => !done.includes(id)) });
  }
}

/** The same decision for the caller, and what happened before. */
function withFacts(error: unknown, facts: { forgotten: readonly string[]; left: readonly string[] }): unknown {
  const Kind = [StoreRefusedError, StoreUnavailableError, IncompleteError].find((each) => error instanceof each);
  if (Kind === undefined || !(error instanceof HoldfastError)) return error;
  const { reason, hint } = error;
  const message = `${facts.forgotten.length} of ${facts.forgotten.length + facts.left.length} snapshots were forgotten, then: ${describeError(error)}`;
  return new Kind(message, { cause: error, reason, ...(hint === undefined ? {} : { hint }), facts: { ...error.facts, ...facts } });
}

/** Somebody else's policy may have removed meanwhile what this one keeps. */
async function assertKeptIsThere(repository: Repository, group: RetentionGroup, options: StoreOptions): Promise<void> {
  for (const { snapshot } of group.kept) {
    const read = await tryReadManifest(repository, snapshot.id, options);
    if (isDeepStrictEqual(read, snapshot)) return;
  }
  throw new IncompleteError(`Nothing more was removed: the snapshots that ${describeGroup(group)} was to keep are gone meanwhile`, {
    reason: "ChangedMeanwhile",
  });
}

/** False when it is gone already. */
async function isAsJudged(repository: Repository, judged: Manifest, options: StoreOptions): Promise<boolean> {
  const stored = await readManifest(repository, judged.id, options);
  if (stored === undefined) return false;
  if (isDeepStrictEqual(stored, judged)) return true;
  throw new IncompleteError(`Nothing more was removed: snapshot "${judged.id}" is not the one that was judged`, {
    reason: "ChangedMeanwhile",
  });
}
