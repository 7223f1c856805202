import { esBackup } from "../../../functions/elasticsearch/backup.ts";
import { esBackupParameters, esRestoreParameters } from "../../../functions/elasticsearch/parameters.ts";
import { esRestore } from "../../../functions/elasticsearch/restore.ts";
import type { BackupResult, DatabaseConnection, ParametersOf, RestoreResult, SnapshotReader } from "../../../runner/function.ts";
import type { Parameter } from "../../../runner/parameters.ts";
import { findBase } from "../../../runner/snapshot/find-base.ts";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { readSnapshot } from "../../../runner/snapshot/read-snapshot.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { type Bucket, head } from "../../unit/snapshot/snapshot-parts.ts";

type BackupParameters = ParametersOf<typeof esBackupParameters>;
type RestoreParameters = ParametersOf<typeof esRestoreParameters>;

/** A committed backup of the server at `url`, built upon the newest one in the bucket. */
export async function backUp({ repository }: Bucket, url: string, parameters: Partial<BackupParameters>) {
  const group = { engine: "elasticsearch", target: head.target, host: head.host };
  const parts = contextFor(url);
  const base = await findBase(repository, group, parts);
  await using snapshot = await startSnapshot(repository, { ...head, ...group, function: "es-backup" }, { ...parts, base });
  const defaults = defaultsOf<BackupParameters>(esBackupParameters);
  const result: BackupResult = await esBackup.run({ ...parts, parameters: { ...defaults, ...parameters }, snapshot });
  const manifest = await snapshot.commit(result);
  return { manifest, result };
}

export interface RestoreChoices extends Partial<RestoreParameters> {
  readonly manifest: Manifest;
  /** Before the first line of each stream. */
  onStream?(name: string): Promise<void>;
}

/** A restore of that snapshot into the server at `url`. */
export function restore(
  { repository }: Bucket,
  url: string,
  { manifest, onStream = async () => undefined, ...parameters }: RestoreChoices,
): Promise<RestoreResult> {
  const defaults = defaultsOf<RestoreParameters>(esRestoreParameters);
  const reader = readSnapshot(repository, manifest);
  const snapshot: SnapshotReader = {
    ...reader,
    async *stream(name) {
      await onStream(name);
      yield* reader.stream(name);
    },
  };
  return esRestore.run({ ...contextFor(url), parameters: { ...defaults, ...parameters }, snapshot });
}

function defaultsOf<T>(parameters: Readonly<Record<string, Parameter>>): T {
  return Object.fromEntries(Object.entries(parameters).map(([name, { schema }]) => [name, schema.parse(undefined)])) as T;
}

function contextFor(url: string) {
  const { hostname, port } = new URL(url);
  const database: DatabaseConnection = {
    ...{ description: url, scheme: "http", host: hostname, port: Number(port), path: "" },
    tls: { verify: true },
    credentials: new Map(),
  };
  const ignore = () => undefined;
  return {
    database,
    waitTimeoutMs: 30_000,
    signal: new AbortController().signal,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    warn: ignore,
    progress: ignore,
  };
}
