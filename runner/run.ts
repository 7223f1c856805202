// One run: places → store → repository → the function's work → commit → the Repository's status. All parts are passed in.

import { IncompleteError, ParameterError } from "./errors.ts";
import type { BackupFunction, DatabaseFunction, Log, Progress, RestoreFunction } from "./function.ts";
import type { ParametersOf } from "./parameters.ts";
import {
  type DatabaseParameters,
  type DatabasePlace,
  findDatabase,
  findRepository,
  type RepositoryPlace,
  type SecretSources,
} from "./places.ts";
import { recordBackup } from "./record-backup.ts";
import type { Success } from "./report.ts";
import type { backupParameters, restoreParameters } from "./runner-parameters.ts";
import { findSnapshot } from "./snapshot/find-snapshot.ts";
import { readSnapshot } from "./snapshot/read-snapshot.ts";
import { openOrCreateRepository, openRepository, type Repository } from "./snapshot/repository.ts";
import { verifySnapshots } from "./snapshot/verify.ts";
import { startSnapshot } from "./snapshot/write-snapshot.ts";
import { openStore } from "./storage/open-store.ts";
import { summarizeSnapshot } from "./summarize-snapshot.ts";
import { warnOfUnverifiedTls } from "./warn-of-unverified-tls.ts";

/** What a run is made of, beside its parameters. */
export interface RunParts {
  readonly version: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly sources: SecretSources;
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
  const { signal, log, warn } = parts;
  const database = await findDatabase(parameters, parts.sources);
  const usesTls = fn.judge?.(database.connection).usesTls === true;
  const place = await findRepository(parameters, parts.sources);
  warnOfUnverifiedTls({ database, repository: place }, warn);
  const store = openStore(place.location, place.options);
  const repository = await openOrCreateRepository(store, { passphrase: place.passphrase, signal, warn });
  if (repository.isNew) {
    log.warn("Created a new repository: keep its passphrase safe, without it no backup can be read", {
      store: store.description,
      repository: repository.id,
    });
  }
  await using snapshot = await startSnapshot(
    repository,
    {
      engine: fn.engine,
      function: fn.name,
      target: database.target,
      host: parameters.host,
      tags: [],
      holdfast: parts.version,
      parameters: { ...functionParameters(fn, parameters) },
      // a link in clear has no certificate, so nothing was verified
      tls: { verified: usesTls && database.connection.tls.verify },
    },
    { signal, log, warn },
  );
  log.info("Backup started", { snapshot: snapshot.id, database: database.connection.description, store: store.description });
  const result = await fn.run({ ...contextOf(fn, parameters, { ...parts, database }), snapshot });
  const manifest = await snapshot.commit(result);
  await recordBackup(place.object, repository, { manifest, warn, signal });
  if (parameters.verifyAfter) await readBack(repository, manifest.id, parts);
  const proof = parameters.verifyAfter ? "every object was read back as it was written" : "every object is in the store";
  const summary = summarizeSnapshot(manifest);
  return {
    message: `Snapshot ${manifest.id} is committed: ${proof}`,
    snapshot: summary,
    counts: result.counts,
    facts: { consistency: result.consistency, ...result.facts },
    notCarried: result.notCarried,
  };
}

async function readBack(repository: Repository, snapshot: string, { signal, progress }: RunParts): Promise<void> {
  const report = await verifySnapshots(repository, {
    snapshot,
    signal,
    progress: ({ bytes, objects: items, totalObjects: totalItems }) => progress({ phase: "Reading back", bytes, items, totalItems }),
  });
  const [first] = report.problems;
  if (first === undefined) return;
  throw new IncompleteError(`Snapshot "${snapshot}" is committed but does not read back: ${first.problem}`, {
    reason: "VerificationFailed",
    facts: { snapshot, problems: report.problems },
    hint: "Do not rely on this snapshot; look for the fault in the store, and back up again",
  });
}

async function runRestore(fn: RestoreFunction, parameters: RestoreParameters, parts: RunParts): Promise<Success> {
  const { signal, log, warn } = parts;
  const database = await findDatabase(parameters, parts.sources);
  fn.judge?.(database.connection);
  const place = await findRepository(parameters, parts.sources);
  warnOfUnverifiedTls({ database, repository: place }, warn);
  const store = openStore(place.location, place.options);
  const repository = await openRepository(store, { passphrase: place.passphrase, signal, warn });
  const manifest = await findSnapshot(repository, selectorFor(fn, parameters, { database, place }), { signal, warn });
  if (manifest.engine !== fn.engine) {
    throw new ParameterError(`Snapshot "${manifest.id}" is of engine "${manifest.engine}": ${fn.name} restores "${fn.engine}" alone`);
  }
  const summary = summarizeSnapshot(manifest);
  const ageHours = Math.round((Date.now() - Date.parse(manifest.finished)) / 360_000) / 10;
  log.info("Restore started", { snapshot: manifest.id, ageHours, from: summary.target, database: database.connection.description });
  const snapshot = readSnapshot(repository, manifest, { signal });
  const result = await fn.run({ ...contextOf(fn, parameters, { ...parts, database }), snapshot });
  return { message: `Snapshot ${manifest.id} is restored completely`, snapshot: summary, counts: result.counts, facts: result.facts };
}

/** With objects, `latest` is the target's own; with flags alone it must be the only one there is. */
function selectorFor(
  fn: RestoreFunction,
  parameters: RestoreParameters,
  places: { database: { target: { namespace: string; kind: string; name: string } }; place: RepositoryPlace },
) {
  const selector = { id: parameters.snapshot, engine: fn.engine };
  const isNamed = parameters.appbinding !== undefined && places.place.object !== undefined;
  return isNamed ? { ...selector, target: places.database.target, host: parameters.host } : selector;
}

/** What a function gets, but for the snapshot. */
function contextOf(fn: DatabaseFunction, parameters: DatabaseParameters, parts: RunParts & { database: DatabasePlace }) {
  const { signal, log, warn, progress } = parts;
  return {
    database: parts.database.connection,
    parameters: functionParameters(fn, parameters),
    waitTimeoutMs: parameters.waitTimeout,
    signal,
    log,
    warn,
    progress,
  };
}

function functionParameters(fn: DatabaseFunction, parameters: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.keys(fn.parameters).map((name) => [name, parameters[name]]));
}
