import { describeError } from "../errors.ts";
import { AlreadyExistsError, type ObjectStore } from "../storage/object-store.ts";
import { probeIfAbsent } from "./create-repository.ts";
import type { LockedRepository } from "./find-repository.ts";
import { keyFileKey, SETTINGS_KEY } from "./object-keys.ts";
import type { RepositoryOptions } from "./repository.ts";
import type { RepositorySecrets } from "./repository-secrets.ts";
import { encodeSettings } from "./repository-settings.ts";

/** Reasons of warnings that say: the repository can be used, but one of its two copies of the keys is not sound. Each message begins with the key, quoted. */
export const DAMAGE_REASONS: ReadonlySet<string> = new Set(["KeyFileDiffers", "SettingsDamaged", "RepairFailed"]);

export interface UnlockedRepository {
  readonly found: LockedRepository;
  readonly secrets: RepositorySecrets;
  /** The number and the bytes of the key file that the passphrase opened. */
  readonly number: number;
  readonly file: Buffer;
}

/**
 * Puts back what is lost and names what is damaged, by warnings; damaged objects are left alone for a person to look at. A store that
 * refuses the repair (a restore may have read-only credentials) is no reason to fail. Resolves whether the store keeps `ifAbsent`.
 */
export async function repairRepository(store: ObjectStore, unlocked: UnlockedRepository, options: RepositoryOptions): Promise<boolean> {
  const { found } = unlocked;
  for (const [number, copy] of found.settings?.keys ?? []) {
    const key = keyFileKey(number);
    const file = found.keyFiles.get(number);
    if (file === undefined) await putBack(store, { key, bytes: copy, from: SETTINGS_KEY }, options);
    else if (!file.equals(copy)) {
      options.warn("KeyFileDiffers", `"${key}" differs from its copy in "${SETTINGS_KEY}": one of them is damaged or was replaced`);
    }
  }
  if (found.settings !== undefined) return found.settings.ifAbsent;
  if (found.settingsProblem !== undefined) {
    options.warn(
      "SettingsDamaged",
      `"${SETTINGS_KEY}" is damaged (${found.settingsProblem}); put back a copy, or delete it and it is written anew`,
    );
    return false;
  }
  return rewriteSettings(store, unlocked, options);
}

async function rewriteSettings(store: ObjectStore, unlocked: UnlockedRepository, options: RepositoryOptions): Promise<boolean> {
  const { id, created } = unlocked.secrets;
  const key = keyFileKey(unlocked.number);
  try {
    const ifAbsent = await probeIfAbsent(store, options);
    const bytes = encodeSettings({ id, created, ifAbsent, keys: new Map([[unlocked.number, unlocked.file]]) });
    await putBack(store, { key: SETTINGS_KEY, bytes, from: key }, options);
    return ifAbsent;
  } catch (error) {
    options.signal?.throwIfAborted();
    options.warn("RepairFailed", `"${SETTINGS_KEY}" is lost and could not be put back from "${key}": ${describeError(error)}`);
    return false;
  }
}

async function putBack(store: ObjectStore, lost: { key: string; bytes: Buffer; from: string }, options: RepositoryOptions): Promise<void> {
  const { key, bytes, from } = lost;
  try {
    await store.put(key, bytes, { ifAbsent: true, signal: options.signal });
    options.warn("RepositoryRepaired", `"${key}" was lost and has been put back from "${from}"`);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof AlreadyExistsError) return;
    options.warn("RepairFailed", `"${key}" is lost and could not be put back from "${from}": ${describeError(error)}`);
  }
}
