// One run of a function by its own parameters: places → the work → the Repository's status. All parts are passed in.
import type { BackupFunction, DatabaseFunction, Log, Progress, RestoreFunction } from "./function.ts";
import type { ParametersOf } from "./parameters.ts";
import type { DatabaseParameters, PlaceSources } from "./places.ts";
import type { Success } from "./report.ts";
import { backUpAlone, restoreAlone } from "./run-alone.ts";
import { runBackupSession } from "./run-backup-session.ts";
import { runRestoreSession } from "./run-restore-session.ts";
import type { backupParameters, restoreParameters } from "./runner-parameters.ts";

/** What a run is made of, beside its parameters. */
export interface RunParts {
  readonly version: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly sources: PlaceSources;
  warn(reason: string, message: string): void;
  /** Takes secrets out of a text that leaves the process. */
  redact(text: string): string;
  progress(progress: Progress): void;
}

export type BackupParameters = ParametersOf<typeof backupParameters>;
export type RestoreParameters = ParametersOf<typeof restoreParameters>;

/** Runs a backup or a restore; resolves with what to report, rejects with the named failure. */
export async function runFunction(
  fn: DatabaseFunction,
  parameters: DatabaseParameters | RestoreParameters,
  parts: RunParts,
): Promise<Success> {
  return fn.kind === "backup"
    ? runBackup(fn, parameters as BackupParameters, parts)
    : runRestore(fn, parameters as RestoreParameters, parts);
}

async function runBackup(fn: BackupFunction, parameters: BackupParameters, parts: RunParts): Promise<Success> {
  const { session } = parameters;
  return session === undefined ? backUpAlone(fn, parameters, parts) : runBackupSession(fn, { ...parameters, session }, parts);
}

async function runRestore(fn: RestoreFunction, parameters: RestoreParameters, parts: RunParts): Promise<Success> {
  const { session } = parameters;
  return session === undefined ? restoreAlone(fn, parameters, parts) : runRestoreSession(fn, { ...parameters, session }, parts);
}
