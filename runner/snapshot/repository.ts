// repository: what Stash's Repository object names, and what we keep at that place. Objects are encrypted to its recipient, manifests are
// signed with its signing key; both are derived from keys/<n>.age, which the passphrase opens.
import { describeError, IncompleteError, NoSuchSnapshotError, ParameterError, WrongPassphraseError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { createRepository } from "./create-repository.ts";
import { unlock } from "./encryption.ts";
import { findRepository, type LockedRepository } from "./find-repository.ts";
import { keyFileKey, SETTINGS_KEY } from "./object-keys.ts";
import { repairRepository } from "./repair-repository.ts";
import { decodeSecrets, type RepositorySecrets } from "./repository-secrets.ts";

export interface Repository extends RepositorySecrets {
  readonly store: ObjectStore;
  /** Whether the store kept `ifAbsent` when the repository was created; false when that is not known. Pruning needs it. */
  readonly keepsIfAbsent: boolean;
}

export interface RepositoryOptions {
  readonly passphrase: Secret;
  readonly signal?: AbortSignal | undefined;
  readonly now?: () => Date;
  /** `reason` is CamelCase. */
  warn(reason: string, message: string): void;
}

/**
 * Opens what is there, and puts back a lost key file or a lost repository.json from the other one.
 * @throws NoSuchSnapshotError when there is no repository, IncompleteError when there is data without keys, WrongPassphraseError
 */
export async function openRepository(store: ObjectStore, options: RepositoryOptions): Promise<Repository> {
  const found = await findRepository(store, options);
  if (found === undefined) {
    throw new NoSuchSnapshotError(`There is no repository at ${store.description}`, {
      reason: "RepositoryNotFound",
      hint: "The first backup creates it; check bucket and prefix",
    });
  }
  return openFound(store, found, options);
}

/** As `openRepository`, but creates the repository when there is none: only backups may. `isNew` says that this call created it. */
export async function openOrCreateRepository(
  store: ObjectStore,
  options: RepositoryOptions,
): Promise<Repository & { readonly isNew: boolean }> {
  if (options.passphrase.reveal() === "") throw new ParameterError("Cannot create a repository without a passphrase");
  const found = await findRepository(store, options);
  if (found !== undefined) return { ...(await openFound(store, found, options)), isNew: false };
  judgePassphrase(options);
  const created = await createRepository(store, options);
  if (created !== undefined) return { ...created, isNew: true };
  // Somebody else was first: what lies there now counts.
  return { ...(await openRepository(store, options)), isNew: false };
}

/** Of a new repository: later the passphrase is what it is. */
function judgePassphrase({ passphrase, warn }: RepositoryOptions): void {
  const text = passphrase.reveal();
  if (text.trim() === "") throw new ParameterError("Cannot create a repository whose passphrase is nothing but spaces");
  if (!/\p{Cc}/u.test(text)) return;
  warn(
    "PassphraseNotTypable",
    "The passphrase holds a line break or another control character, which nobody can type and no --password-file can give: only the same variable or Secret will open this repository (echo adds a line break, printf does not)",
  );
}

async function openFound(store: ObjectStore, found: LockedRepository, options: RepositoryOptions): Promise<Repository> {
  const failures: unknown[] = [];
  const unlocked = await unlockAny(found, { passphrase: options.passphrase, failures });
  if (unlocked === undefined) throw refusal(store, { found, failures });
  const { secrets, number, file } = unlocked;
  if (found.settings !== undefined && found.settings.id !== secrets.id) {
    throw new IncompleteError(`"${SETTINGS_KEY}" and the key file at ${store.description} belong to different repositories`);
  }
  const keepsIfAbsent = await repairRepository(store, { found, secrets, number, file }, options);
  return { ...secrets, store, keepsIfAbsent };
}

async function unlockAny(
  found: LockedRepository,
  { passphrase, failures }: { passphrase: Secret; failures: unknown[] },
): Promise<{ secrets: RepositorySecrets; number: number; file: Buffer } | undefined> {
  const copies = [...(found.settings?.keys ?? [])];
  const distinct = copies.filter(([number, file]) => !found.keyFiles.get(number)?.equals(file));
  for (const [number, file] of [...found.keyFiles, ...distinct]) {
    const text = await unlock(file, passphrase).catch((error: unknown) => void failures.push(error));
    if (text === undefined) continue;
    const secrets = await decodeSecrets(text).catch((error: unknown) => {
      throw new IncompleteError(`Key file "${keyFileKey(number)}" was unlocked and cannot be used: ${describeError(error)}`);
    });
    return { secrets, number, file };
  }
  return undefined;
}

function refusal(store: ObjectStore, { found, failures }: { found: LockedRepository; failures: readonly unknown[] }): Error {
  if (found.keyFiles.size > 0 || (found.settings?.keys.size ?? 0) > 0) {
    return new WrongPassphraseError(`Cannot open the repository at ${store.description}: wrong passphrase, or a damaged key file`, {
      cause: failures[0],
      hint: "Check RESTIC_PASSWORD in the Secret of the storage",
    });
  }
  return new IncompleteError(
    `The repository at ${store.description} has lost its keys: "${keyFileKey(1)}" is missing, and "${SETTINGS_KEY}" is damaged`,
    {
      hint: "Put back a copy of one of the two; without it nothing in this repository can be read",
    },
  );
}
