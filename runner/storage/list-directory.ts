import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { StoreRefusedError } from "../errors.ts";
import { isKey, type ListedObject, type StoreOptions } from "./object-store.ts";
import { errorCode } from "./translate-file-error.ts";

/** The regular files below `base` whose relative path is a key that starts with `prefix`, in order of the key's bytes; one folder in memory at a time. */
export async function* listDirectory(base: string, prefix: string, options: StoreOptions): AsyncGenerator<ListedObject, void, void> {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  if (folder !== "" && !isKey(folder.slice(0, -1))) return;
  for (let end = folder.indexOf("/"); end >= 0; end = folder.indexOf("/", end + 1)) {
    const entry = await lstat(join(base, folder.slice(0, end))).catch(ignoreVanished);
    if (entry?.isSymbolicLink()) throw linkRefused(join(base, folder.slice(0, end)));
  }
  yield* walk(base, folder, { prefix, signal: options.signal });
}

interface Walk {
  readonly prefix: string;
  readonly signal: AbortSignal | undefined;
}

async function* walk(base: string, folder: string, scope: Walk): AsyncGenerator<ListedObject, void, void> {
  for (const key of await children(base, folder, scope)) {
    scope.signal?.throwIfAborted();
    if (key.endsWith("/")) {
      yield* walk(base, key, scope);
    } else {
      const entry = await lstat(join(base, key)).catch(ignoreVanished);
      if (entry?.isFile()) yield { key, size: entry.size };
    }
  }
}

/** Paths below `base` of the folder's files, and of its folders with a "/" at the end, which puts them where their keys belong: "a-b" before "a/b". */
async function children(base: string, folder: string, { prefix, signal }: Walk): Promise<string[]> {
  signal?.throwIfAborted();
  const entries = (await readdir(join(base, folder), { withFileTypes: true }).catch(folder === "" ? ignoreMissing : ignoreVanished)) ?? [];
  const paths: string[] = [];
  for (const entry of entries) {
    const path = folder + entry.name;
    if (!isKey(path)) continue;
    if (entry.isSymbolicLink() && path.startsWith(prefix)) throw linkRefused(join(base, path));
    if (entry.isFile() && path.startsWith(prefix)) paths.push(path);
    if (entry.isDirectory() && (`${path}/`.startsWith(prefix) || prefix.startsWith(`${path}/`))) paths.push(`${path}/`);
  }
  return paths.sort();
}

function linkRefused(path: string): StoreRefusedError {
  return new StoreRefusedError(`Cannot list "${path}": it is a symbolic link`, {
    hint: "give the store a directory of its own, without links in it",
  });
}

/** The store's own directory may be missing, never be a file. */
function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== "ENOENT") throw error;
  return undefined;
}

function ignoreVanished(error: unknown): undefined {
  if (errorCode(error) !== "ENOENT" && errorCode(error) !== "ENOTDIR") throw error;
  return undefined;
}
