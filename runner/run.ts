// One run of a function by its own parameters: places → the work → the Repository's status. All parts are passed in.
import { type BackupPlan, backUp } from "./back-up.ts";
import type { BackupFunction, DatabaseFunction, Log, Progress, RestoreFunction } from "./function.ts";
import type { ParametersOf } from "./parameters.ts";
import { type DatabaseParameters, findDatabase, findRepository, type PlaceSources } from "./places.ts";
import { recordBackup } from "./record-backup.ts";
import type { Success } from "./report.ts";
import { type RestorePlan, restoreSnapshot } from "./restore-snapshot.ts";
import type { backupParameters, restoreParameters } from "./runner-parameters.ts";

/** What a run is made of, beside its parameters. */
export interface RunParts {
  readonly version: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly sources: PlaceSources;
  warn(reason: string, message: string): void;
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
  const places = await findPlaces(parameters, parts);
  const plan: BackupPlan = { ...places, ...planOf(fn, parameters), host: parameters.host, verifyAfter: parameters.verifyAfter };
  const { manifest, repository, success } = await backUp(fn, plan, parts);
  await recordBackup(places.repository.object, repository, { manifest, warn: parts.warn, signal: parts.signal });
  return success;
}

async function runRestore(fn: RestoreFunction, parameters: RestoreParameters, parts: RunParts): Promise<Success> {
  const places = await findPlaces(parameters, parts);
  // With objects, `latest` is the target's own; with flags alone it must be the only one there is.
  const isNamed = parameters.appbinding !== undefined && places.repository.object !== undefined;
  const own = isNamed ? { target: places.database.target, host: parameters.host } : {};
  const plan: RestorePlan = { ...places, ...planOf(fn, parameters), selector: { id: parameters.snapshot, ...own } };
  return (await restoreSnapshot(fn, plan, parts)).success;
}

async function findPlaces(parameters: DatabaseParameters, { sources }: RunParts) {
  const database = await findDatabase(parameters, sources);
  return { database, repository: await findRepository(parameters, sources) };
}

function planOf(fn: DatabaseFunction, parameters: DatabaseParameters) {
  const values: Readonly<Record<string, unknown>> = parameters;
  const own = Object.fromEntries(Object.keys(fn.parameters).map((name) => [name, values[name]]));
  return { parameters: own, waitTimeoutMs: parameters.waitTimeout };
}
