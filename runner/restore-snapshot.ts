import { ParameterError } from "./errors.ts";
import type { RestoreFunction } from "./function.ts";
import { contextOf } from "./function-context.ts";
import type { DatabasePlace, RepositoryPlace } from "./places.ts";
import type { Success } from "./report.ts";
import type { RunParts } from "./run.ts";
import { findSnapshot, type SnapshotSelector } from "./snapshot/find-snapshot.ts";
import type { Manifest } from "./snapshot/manifest.ts";
import { readSnapshot } from "./snapshot/read-snapshot.ts";
import { openRepository } from "./snapshot/repository.ts";
import { openStore } from "./storage/open-store.ts";
import { summarizeSnapshot } from "./summarize-snapshot.ts";
import { warnOfUnverifiedTls } from "./warn-of-unverified-tls.ts";

/** All that a restore needs to know. */
export interface RestorePlan {
  readonly database: DatabasePlace;
  readonly repository: RepositoryPlace;
  /** Which snapshot; the engine is the function's own. */
  readonly selector: Omit<SnapshotSelector, "engine">;
  /** The function's own. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly waitTimeoutMs: number;
}

export interface FinishedRestore {
  readonly manifest: Manifest;
  readonly success: Success;
}

/** Restores one snapshot: resolves once all of it was written and counted. */
export async function restoreSnapshot(fn: RestoreFunction, plan: RestorePlan, parts: RunParts): Promise<FinishedRestore> {
  const { signal, log, warn } = parts;
  const { database } = plan;
  fn.judge?.(database.connection);
  warnOfUnverifiedTls({ database, repository: plan.repository }, warn);
  const { location, options, passphrase } = plan.repository;
  const repository = await openRepository(openStore(location, options), { passphrase, signal, warn });
  const manifest = await findSnapshot(repository, { ...plan.selector, engine: fn.engine }, { signal, warn });
  if (manifest.engine !== fn.engine) {
    throw new ParameterError(`Snapshot "${manifest.id}" is of engine "${manifest.engine}": ${fn.name} restores "${fn.engine}" alone`);
  }
  const summary = summarizeSnapshot(manifest);
  const ageHours = Math.round((Date.now() - Date.parse(manifest.finished)) / 360_000) / 10;
  log.info("Restore started", { snapshot: manifest.id, ageHours, from: summary.target, database: database.connection.description });
  const snapshot = readSnapshot(repository, manifest, { signal });
  const result = await fn.run({ ...contextOf(plan, parts), snapshot });
  const message = `Snapshot ${manifest.id} is restored completely`;
  return { manifest, success: { message, snapshot: summary, counts: result.counts, facts: result.facts } };
}
