import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { StoreRefusedError, StoreUnavailableError } from "../errors.ts";
import { byteRange } from "./byte-range.ts";
import { listDirectory } from "./list-directory.ts";
import {
  AlreadyExistsError,
  assertKey,
  type GetOptions,
  type ListedObject,
  NotFoundError,
  type ObjectStat,
  type ObjectStore,
  type PutOptions,
  type PutResult,
  type PutSource,
  type StoreOptions,
} from "./object-store.ts";
import { readSource } from "./read-source.ts";
import { errorCode, translateFileError } from "./translate-file-error.ts";

// No key segment starts with a dot, so nothing in here can be listed or named.
const INCOMING = ".incoming";
const STALE_MS = 24 * 3600 * 1000;
const READ_BYTES = 256 * 1024;
const NOT_THERE = new Set(["ENOENT", "ENOTDIR"]);

/**
 * Objects as files (0600) below a directory (0700), which the first put creates. Safe for several processes at once and on network mounts:
 * written aside, synced, then renamed, or hard-linked for `ifAbsent`. Links below the directory are refused, never followed.
 */
export class DirectoryStore implements ObjectStore {
  readonly description: string;
  readonly #base: string;
  readonly #durableFolders = new Set<string>();
  #isSwept = false;

  constructor(path: string) {
    this.#base = resolve(path);
    this.description = this.#base;
  }

  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    assertKey(key);
    const { signal, ifAbsent = false } = options;
    signal?.throwIfAborted();
    const action = `write object "${key}" in directory "${this.#base}"`;
    if (ifAbsent && (await translated(action, this.#sizeOf(key))) !== undefined) throw new AlreadyExistsError(key);
    const incoming = await translated(action, this.#newIncoming());
    try {
      const size = await write(incoming, source, { action, signal });
      signal?.throwIfAborted();
      await translated(action, this.#publish(incoming, key, ifAbsent));
      return { size };
    } finally {
      // After a rename there is nothing left; what cannot be removed is invisible, and swept later.
      await unlink(incoming).catch(() => undefined);
    }
  }

  async *get(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const { offset, end } = byteRange(options);
    options.signal?.throwIfAborted();
    const action = `read object "${key}" in directory "${this.#base}"`;
    const file = await this.#open(key, action);
    try {
      const { size } = await translated(action, file.stat());
      for (let at = offset; at < Math.min(end, size); ) {
        options.signal?.throwIfAborted();
        const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.min(end, size) - at));
        const { bytesRead } = await translated(action, file.read(buffer, 0, buffer.length, at));
        if (bytesRead === 0) throw new StoreUnavailableError(`Cannot ${action}: it ended after ${at} of ${size} bytes`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async stat(key: string, options: StoreOptions = {}): Promise<ObjectStat> {
    assertKey(key);
    options.signal?.throwIfAborted();
    const size = await translated(`read object "${key}" in directory "${this.#base}"`, this.#sizeOf(key));
    if (size === undefined) throw new NotFoundError(key);
    return { size };
  }

  async *list(prefix: string, options: StoreOptions = {}): AsyncGenerator<ListedObject, void, void> {
    try {
      yield* listDirectory(this.#base, prefix, options);
    } catch (error) {
      throw translateFileError(error, `list directory "${this.#base}"`);
    }
  }

  async delete(keys: readonly string[], options: StoreOptions = {}): Promise<void> {
    for (const key of keys) assertKey(key);
    for (const key of keys) {
      options.signal?.throwIfAborted();
      await translated(`delete object "${key}" in directory "${this.#base}"`, this.#remove(key));
    }
  }

  async #sizeOf(key: string): Promise<number | undefined> {
    if (!(await this.#hasFolders(key))) return undefined;
    const entry = await lstat(join(this.#base, key)).catch(unless(NOT_THERE));
    if (entry?.isSymbolicLink()) throw linkRefused(join(this.#base, key));
    return entry?.isFile() ? entry.size : undefined;
  }

  async #open(key: string, action: string): Promise<FileHandle> {
    assertKey(key);
    if (!(await translated(action, this.#hasFolders(key)))) throw new NotFoundError(key);
    // NONBLOCK: a pipe that lies here must not hang us.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await translated(action, open(join(this.#base, key), flags).catch(unless(NOT_THERE)));
    if (file === undefined) throw new NotFoundError(key);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new NotFoundError(key);
  }

  /** Whether every folder above the key is there; a link among them is refused. */
  async #hasFolders(key: string): Promise<boolean> {
    const segments = key.split("/").slice(0, -1);
    for (let depth = 1; depth <= segments.length; depth++) {
      const folder = join(this.#base, ...segments.slice(0, depth));
      const entry = await lstat(folder).catch(unless(NOT_THERE));
      if (entry?.isSymbolicLink()) throw linkRefused(folder);
      if (entry === undefined || !entry.isDirectory()) return false;
    }
    return true;
  }

  async #newIncoming(): Promise<string> {
    const folder = join(this.#base, INCOMING);
    await this.#makeDurable(folder);
    if ((await lstat(folder)).isSymbolicLink()) throw linkRefused(folder);
    if (!this.#isSwept) await sweep(folder);
    this.#isSwept = true;
    return join(folder, randomUUID());
  }

  async #publish(incoming: string, key: string, ifAbsent: boolean): Promise<void> {
    const target = join(this.#base, key);
    for (let attempt = 1; ; attempt++) {
      await this.#hasFolders(key); // Refuses links before mkdir follows one.
      await this.#makeDurable(dirname(target));
      try {
        await (ifAbsent ? create(incoming, target, key) : rename(incoming, target));
        break;
      } catch (error) {
        // A delete may remove the folder that it emptied between our two steps.
        if (errorCode(error) !== "ENOENT" || attempt === 5) throw error;
      }
    }
    try {
      await syncFolder(dirname(target));
    } catch (error) {
      if (ifAbsent) await unlink(target);
      throw error;
    }
  }

  async #makeDurable(folder: string): Promise<void> {
    const created = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (created === undefined && this.#durableFolders.has(folder)) return;
    const top = created !== undefined && created.length <= this.#base.length ? dirname(created) : this.#base;
    for (let at = folder; ; at = dirname(at)) {
      await syncFolder(at);
      if (at === top) break;
    }
    this.#durableFolders.add(folder);
  }

  async #remove(key: string): Promise<void> {
    if (!(await this.#hasFolders(key))) return;
    await unlink(join(this.#base, key)).catch(unless(new Set([...NOT_THERE, "EISDIR"])));
    for (let folder = dirname(join(this.#base, key)); folder !== this.#base; folder = dirname(folder)) {
      const isRemoved = await rmdir(folder).then(
        () => true,
        () => false, // Not empty, or not ours to remove: an empty folder is no object.
      );
      if (!isRemoved) return;
      this.#durableFolders.delete(folder);
    }
  }
}

async function write(path: string, source: PutSource, options: { action: string; signal: AbortSignal | undefined }): Promise<number> {
  const { action, signal } = options;
  const file = await translated(action, open(path, "wx", 0o600));
  try {
    let size = 0;
    for await (const chunk of readSource(source, signal)) {
      await translated(action, file.appendFile(chunk));
      size += chunk.length;
    }
    await translated(action, file.sync());
    const stored = (await translated(action, file.stat())).size;
    if (stored !== size) throw new StoreUnavailableError(`Cannot ${action}: ${stored} of ${size} bytes arrived in the file`);
    return size;
  } finally {
    await translated(action, file.close());
  }
}

async function create(incoming: string, target: string, key: string): Promise<void> {
  try {
    await link(incoming, target);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EPERM") throw Object.assign(new Error("hard links are not permitted", { cause: error }), { code: "EMLINK" });
    if (code !== "EEXIST") throw error;
    // A network file system may have made the link and lost the answer: then the file has two names.
    if ((await lstat(incoming)).nlink < 2) throw new AlreadyExistsError(key, { cause: error });
  }
}

/** Makes names in the folder durable. Some mounts cannot sync a folder, and say so: they keep names durable by themselves, or not at all. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync().catch(unless(new Set(["EINVAL", "ENOTSUP", "EBADF"])));
  } finally {
    await folder.close();
  }
}

/** Removes what killed puts left behind. A failure here must not fail a backup: leftovers are invisible. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const entry = await stat(path).catch(() => undefined);
    if (entry?.isFile() && entry.mtimeMs < Date.now() - STALE_MS) await unlink(path).catch(() => undefined);
  }
}

function linkRefused(path: string): StoreRefusedError {
  return new StoreRefusedError(`Cannot use "${path}": it is a symbolic link`, {
    hint: "give the store a directory of its own, without links in it",
  });
}

function unless(codes: ReadonlySet<string>): (error: unknown) => undefined {
  return (error) => {
    if (!codes.has(errorCode(error) ?? "")) throw error;
    return undefined;
  };
}

async function translated<T>(action: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw translateFileError(error, action);
  }
}
