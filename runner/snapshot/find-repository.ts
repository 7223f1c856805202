import { describeError, HoldfastError, IncompleteError } from "../errors.ts";
import type { ObjectStore, StoreOptions } from "../storage/object-store.ts";
import { DATA_PREFIX, KEYS_PREFIX, parseKeyFileKey, SETTINGS_KEY, SNAPSHOTS_PREFIX } from "./object-keys.ts";
import { readIfThere } from "./read-if-there.ts";
import { decodeSettings, type RepositorySettings } from "./repository-settings.ts";

const MAX_SETTINGS_BYTES = 4 * 1024 * 1024;
const MAX_KEY_FILE_BYTES = 64 * 1024;

/** A repository as it lies there, before the passphrase was tried. */
export interface LockedRepository {
  /** Undefined when repository.json is lost or damaged. */
  readonly settings: RepositorySettings | undefined;
  /** Why `settings` is undefined although there is a repository.json. */
  readonly settingsProblem: string | undefined;
  readonly keyFiles: ReadonlyMap<number, Buffer>;
}

/**
 * What is there; undefined only when repository.json, keys/, snapshots/ and data/ were all *not found*. Any other answer of the store fails.
 * @throws IncompleteError when there are snapshots or data and nothing to open them with
 */
export async function findRepository(store: ObjectStore, options: StoreOptions): Promise<LockedRepository | undefined> {
  const found = await look(store, options);
  if (found !== undefined) return found;
  for (const prefix of [KEYS_PREFIX, SNAPSHOTS_PREFIX, DATA_PREFIX]) {
    if (await isEmpty(store, prefix, options)) continue;
    // Another first backup may have come between the two looks.
    const createdMeanwhile = await look(store, options);
    if (createdMeanwhile !== undefined) return createdMeanwhile;
    throw new IncompleteError(
      `There is something below "${prefix}" at ${store.description}, but neither "${SETTINGS_KEY}" nor a key file`,
      {
        hint: `Put back "${SETTINGS_KEY}" or "holdfast/keys/1.age" from a copy of the bucket, or use another prefix for a new repository`,
      },
    );
  }
  return undefined;
}

async function look(store: ObjectStore, options: StoreOptions): Promise<LockedRepository | undefined> {
  const bytes = await readIfThere(store, SETTINGS_KEY, { ...options, maxBytes: MAX_SETTINGS_BYTES });
  const keyFiles = await readKeyFiles(store, options);
  if (bytes !== undefined) return { ...tryDecode(bytes), keyFiles };
  return keyFiles.size > 0 ? { settings: undefined, settingsProblem: undefined, keyFiles } : undefined;
}

async function readKeyFiles(store: ObjectStore, options: StoreOptions): Promise<Map<number, Buffer>> {
  const keyFiles = new Map<number, Buffer>();
  for await (const { key } of store.list(KEYS_PREFIX, options)) {
    const number = parseKeyFileKey(key);
    if (number === undefined) continue;
    const file = await readIfThere(store, key, { ...options, maxBytes: MAX_KEY_FILE_BYTES });
    if (file !== undefined) keyFiles.set(number, file);
  }
  return keyFiles;
}

function tryDecode(bytes: Buffer): { settings: RepositorySettings | undefined; settingsProblem: string | undefined } {
  try {
    return { settings: decodeSettings(bytes), settingsProblem: undefined };
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    return { settings: undefined, settingsProblem: describeError(error) };
  }
}

async function isEmpty(store: ObjectStore, prefix: string, options: StoreOptions): Promise<boolean> {
  for await (const _ of store.list(prefix, options)) return false;
  return true;
}
