import { HoldfastError, StoreRefusedError, StoreUnavailableError } from "../errors.ts";

/** A file system's answer as a decision: what a person must change is refused, what may pass by itself is unavailable. */
export function translateFileError(error: unknown, action: string): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof HoldfastError) return error;
  const refusal = REFUSALS[code];
  if (refusal !== undefined) {
    return new StoreRefusedError(`Cannot ${action}: ${refusal.what}`, { hint: refusal.hint, cause: error });
  }
  return new StoreUnavailableError(`Cannot ${action}: the file system answered ${code}`, {
    hint: "check that the volume is mounted and healthy",
    cause: error,
  });
}

/** The errno name of a failed file operation ("ENOENT"), undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

const PERMISSIONS = "check that the user of this process owns the directory or may write to it (fsGroup of the pod)";
const FULL = "free space, enlarge the volume, or prune old snapshots";
const LAYOUT = "give the store a directory of its own, without links in it";

const REFUSALS: Readonly<Record<string, { what: string; hint: string }>> = {
  ENOSPC: { what: "no space left on the volume", hint: FULL },
  EDQUOT: { what: "the quota of the volume is used up", hint: FULL },
  EFBIG: { what: "the file is larger than the file system allows", hint: "use another file system" },
  EACCES: { what: "permission denied", hint: PERMISSIONS },
  EPERM: { what: "operation not permitted", hint: PERMISSIONS },
  EROFS: { what: "the volume is mounted read-only", hint: "mount it writable" },
  ELOOP: { what: "a symbolic link is in the way", hint: LAYOUT },
  ENOTDIR: { what: "a file is where a folder is needed", hint: LAYOUT },
  EEXIST: { what: "a file is where a folder is needed", hint: LAYOUT },
  EISDIR: { what: "a folder is where a file is needed", hint: LAYOUT },
  ENOTEMPTY: { what: "a folder is where a file is needed", hint: LAYOUT },
  EXDEV: { what: "another volume is mounted inside the store's directory", hint: LAYOUT },
  ENAMETOOLONG: { what: "the path is too long for this file system", hint: "use a shorter path" },
  EMLINK: { what: "the file system allows no hard links", hint: "use a file system with hard links, or an S3 store" },
  ENOTSUP: {
    what: "the file system lacks an operation that a safe store needs",
    hint: "use a file system with hard links, or an S3 store",
  },
  ENOSYS: { what: "the file system lacks an operation that a safe store needs", hint: "use a file system with hard links, or an S3 store" },
};
