// repository: what lies below "holdfast/" in a store. object: one immutable key, holding a part of a stream.
// Everything here is FORMAT.md, "Keys". A key that these functions do not parse is not ours: never listed, read or deleted.

export const ROOT = "holdfast/";
export const SETTINGS_KEY = "holdfast/repository.json";
export const KEYS_PREFIX = "holdfast/keys/";
export const SNAPSHOTS_PREFIX = "holdfast/snapshots/";
export const DATA_PREFIX = "holdfast/data/";
export const LEASES_PREFIX = "holdfast/leases/";
export const BACKUP_LEASES_PREFIX = "holdfast/leases/backup-";
export const PRUNE_LEASES_PREFIX = "holdfast/leases/prune/";

const SNAPSHOT_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;
const STREAM_NAME = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;
const DATA_KEY = /^holdfast\/data\/([^/]+)\/(.+)\/(\d{6})\.zst\.age$/;
const MAX_STREAM_NAME = 200;
const MAX_SEQUENCE = 999_999;

export function isSnapshotId(text: string): boolean {
  return SNAPSHOT_ID.test(text);
}

export function isStreamName(text: string): boolean {
  return text.length <= MAX_STREAM_NAME && STREAM_NAME.test(text);
}

export function keyFileKey(number: number): string {
  return `${KEYS_PREFIX}${number}.age`;
}

/** The number of `keys/<n>.age`; undefined when it is not ours. */
export function parseKeyFileKey(key: string): number | undefined {
  const match = /^holdfast\/keys\/([1-9]\d{0,5})\.age$/.exec(key);
  return match === null ? undefined : Number(match[1]);
}

export function manifestKey(id: string): string {
  return `${SNAPSHOTS_PREFIX}${id}.manifest`;
}

/** The snapshot's id; undefined when the key is not a manifest of ours. */
export function parseManifestKey(key: string): string | undefined {
  const match = /^holdfast\/snapshots\/([^/]+)\.manifest$/.exec(key);
  return match !== null && isSnapshotId(match[1] as string) ? match[1] : undefined;
}

/** `sequence` counts from 1. @throws RangeError beyond six digits */
export function dataKey(id: string, stream: string, sequence: number): string {
  if (sequence > MAX_SEQUENCE) throw new RangeError(`Stream "${stream}" has more than ${MAX_SEQUENCE} objects`);
  return `${DATA_PREFIX}${id}/${stream}/${String(sequence).padStart(6, "0")}.zst.age`;
}

/** Where a data object belongs; undefined when the key is not one of ours. */
export function parseDataKey(key: string): { id: string; stream: string; sequence: number } | undefined {
  const match = DATA_KEY.exec(key);
  if (match === null) return undefined;
  const [id, stream, sequence] = [match[1] as string, match[2] as string, Number(match[3])];
  return isSnapshotId(id) && isStreamName(stream) && sequence > 0 ? { id, stream, sequence } : undefined;
}

export function backupLeaseKey(id: string): string {
  return `${BACKUP_LEASES_PREFIX}${id}.json`;
}

/** The id of the snapshot being written; undefined when the key is not a backup's lease. */
export function parseBackupLeaseKey(key: string): string | undefined {
  const match = /^holdfast\/leases\/backup-([^/]+)\.json$/.exec(key);
  return match !== null && isSnapshotId(match[1] as string) ? match[1] : undefined;
}

export function pruneLeaseKey(number: number): string {
  return `${PRUNE_LEASES_PREFIX}${number}.json`;
}

/** The number of a lease of pruning; undefined when the key is none. */
export function parsePruneLeaseKey(key: string): number | undefined {
  const match = /^holdfast\/leases\/prune\/([1-9]\d{0,11})\.json$/.exec(key);
  return match === null ? undefined : Number(match[1]);
}
