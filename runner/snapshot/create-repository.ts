import { randomBytes } from "node:crypto";
import { AlreadyExistsError, type ObjectStore } from "../storage/object-store.ts";
import { lock } from "./encryption.ts";
import { keyFileKey, ROOT, SETTINGS_KEY } from "./object-keys.ts";
import { readIfThere } from "./read-if-there.ts";
import type { Repository, RepositoryOptions } from "./repository.ts";
import { encodeSecrets, makeSecrets } from "./repository-secrets.ts";
import { encodeSettings } from "./repository-settings.ts";

/** Creates a repository where none was found: the key file first. Undefined when somebody else's lies there in the end. */
export async function createRepository(store: ObjectStore, options: RepositoryOptions): Promise<Repository | undefined> {
  const keepsIfAbsent = await probeIfAbsent(store, options);
  const secrets = await makeSecrets(options.now?.() ?? new Date());
  const keyFile = await lock(encodeSecrets(secrets), options.passphrase);
  if (!(await putFirst(store, keyFileKey(1), keyFile, options))) return undefined;
  const { id, created } = secrets;
  const settings = encodeSettings({ id, created, ifAbsent: keepsIfAbsent, keys: new Map([[1, keyFile]]) });
  if (!(await putFirst(store, SETTINGS_KEY, settings, options))) return undefined;
  // A store that ignores `ifAbsent` lets two writers believe that they were first.
  if (!(await isStored(store, keyFileKey(1), keyFile, options))) return undefined;
  return { ...secrets, store, keepsIfAbsent };
}

/** Whether the store refuses to create what exists; asked with a key that is nobody's. */
export async function probeIfAbsent(store: ObjectStore, options: Pick<RepositoryOptions, "signal" | "warn">): Promise<boolean> {
  const { signal, warn } = options;
  const key = `${ROOT}probe-${randomBytes(8).toString("hex")}`;
  await store.put(key, Buffer.from("first\n"), { ifAbsent: true, signal });
  const isRefused = await store.put(key, Buffer.from("second\n"), { ifAbsent: true, signal }).then(
    () => false,
    (error: unknown) => {
      if (error instanceof AlreadyExistsError) return true;
      throw error;
    },
  );
  await store.delete([key], { signal });
  if (!isRefused) {
    warn(
      "StoreIgnoresIfAbsent",
      `The store at ${store.description} overwrites objects that were to be created only if absent: two backups at once are not kept apart, and pruning will be refused`,
    );
  }
  return isRefused;
}

/** False when other bytes are there. A put that was repeated after a lost answer finds its own bytes. */
async function putFirst(store: ObjectStore, key: string, bytes: Buffer, options: RepositoryOptions): Promise<boolean> {
  try {
    await store.put(key, bytes, { ifAbsent: true, signal: options.signal });
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
  }
  return isStored(store, key, bytes, options);
}

async function isStored(store: ObjectStore, key: string, bytes: Buffer, options: RepositoryOptions): Promise<boolean> {
  const stored = await readIfThere(store, key, { signal: options.signal, maxBytes: bytes.length + 1024 * 1024 });
  return stored?.equals(bytes) ?? false;
}
