// One run of a function by its own parameters: places → the work → the Repository's status. All parts are passed in.
import { type BackupPlan, backUp } from "./back-up.ts";
import type { BackupFunction, DatabaseFunction, Log, Progress, RestoreFunction } from "./function.ts";
import type { ParametersOf } from "./parameters.ts";
import { type DatabaseParameters, findDatabase, findRepository, type PlaceSources } from "./places.ts";
import { planOf } from "./plan-of.ts";
import { recordBackup } from "./record-backup.ts";
import type { Success } from "./report.ts";
import { type RestorePlan, restoreSnapshot } from "./restore-snapshot.ts";
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
  if (session !== undefined) return runBackupSession(fn, { ...parameters, session }, parts);
  const places = await findPlaces(parameters, parts);
  const plan: BackupPlan = { ...places, ...planOf(fn, parameters), host: parameters.host, verifyAfter: parameters.verifyAfter };
  const { manifest, repository, success } = await backUp(fn, plan, parts);
  await recordBackup(repository, manifest, { object: places.repository.object, parts });
  return success;
}

async function runRestore(fn: RestoreFunction, parameters: RestoreParameters, parts: RunParts): Promise<Success> {
  const { session } = parameters;
  if (session !== undefined) return runRestoreSession(fn, { ...parameters, session }, parts);
  const places = await findPlaces(parameters, parts);
  // With objects, `latest` is the target's own; with flags alone it must be the only one there is.
  const isNamed = parameters.appbinding !== undefined && places.repository.object !== undefined;
  const own = isNamed ? { target: places.database.target, host: parameters.sourceHost ?? parameters.host } : {};
  const plan: RestorePlan = { ...places, ...planOf(fn, parameters), selector: { id: parameters.snapshot, ...own } };
  return (await restoreSnapshot(fn, plan, parts)).success;
}

async function findPlaces(parameters: DatabaseParameters, { sources }: RunParts) {
  const database = await findDatabase(parameters, sources);
  return { database, repository: await findRepository(parameters, sources) };
}
