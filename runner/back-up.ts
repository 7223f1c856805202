import { IncompleteError } from "./errors.ts";
import type { BackupFunction, BackupResult } from "./function.ts";
import { contextOf } from "./function-context.ts";
import type { DatabasePlace, RepositoryPlace } from "./places.ts";
import type { Success } from "./report.ts";
import type { RunParts } from "./run.ts";
import { settle } from "./settle.ts";
import { findBase } from "./snapshot/find-base.ts";
import type { Manifest } from "./snapshot/manifest.ts";
import { parseDataKey } from "./snapshot/object-keys.ts";
import { openOrCreateRepository, type Repository } from "./snapshot/repository.ts";
import { verifySnapshots } from "./snapshot/verify.ts";
import { startSnapshot } from "./snapshot/write-snapshot.ts";
import { openStore } from "./storage/open-store.ts";
import { summarizeSnapshot } from "./summarize-snapshot.ts";
import { warnOfUnverifiedTls } from "./warn-of-unverified-tls.ts";

/** All that a backup needs to know; where it came from, flags, objects or Stash's command line, does not matter any more. */
export interface BackupPlan {
  readonly database: DatabasePlace;
  readonly repository: RepositoryPlace;
  /** Part of the snapshot's group: Stash's alias. */
  readonly host: string;
  readonly invoker?: Manifest["invoker"];
  /** The function's own. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly waitTimeoutMs: number;
  readonly verifyAfter: boolean;
  /** Told how opening or creating the repository went, before anything is read from the database. */
  onRepository?(outcome: { readonly error?: unknown }): Promise<void>;
}

export interface FinishedBackup {
  readonly manifest: Manifest;
  readonly repository: Repository;
  readonly success: Success;
}

/** Of what was left out, in the log. */
const NAMED = 10;

/** Takes a backup: resolves once its snapshot is committed (and read back, if asked for). */
export async function backUp(fn: BackupFunction, plan: BackupPlan, parts: RunParts): Promise<FinishedBackup> {
  const { signal, log, warn } = parts;
  const { database } = plan;
  const usesTls = fn.judge?.(database.connection).usesTls === true;
  warnOfUnverifiedTls({ database, repository: plan.repository }, warn);
  const repository = await open(plan, parts);
  const group = { engine: fn.engine, target: database.target, host: plan.host };
  const base = fn.usesBase === true ? await findBase(repository, group, { signal, warn }) : undefined;
  await using snapshot = await startSnapshot(
    repository,
    {
      ...group,
      function: fn.name,
      invoker: plan.invoker,
      tags: [],
      holdfast: parts.version,
      parameters: { ...plan.parameters },
      // a link in clear has no certificate, so nothing was verified
      tls: { verified: usesTls && database.connection.tls.verify },
    },
    { signal, log, warn, base },
  );
  const store = repository.store.description;
  log.info("Backup started", { snapshot: snapshot.id, database: database.connection.description, store });
  const result = await fn.run({ ...contextOf(plan, parts), snapshot });
  const manifest = await snapshot.commit(result);
  if (result.notCarried.length > 0)
    log.info("Left out of the snapshot, as its manifest and the report say in full", {
      notCarried: result.notCarried.length,
      first: result.notCarried.slice(0, NAMED).map(({ name, reason }) => `${name}: ${reason}`),
    });
  if (plan.verifyAfter) await readBack(repository, manifest.id, parts);
  return { manifest, repository, success: describeSuccess(manifest, result, plan) };
}

async function open(plan: BackupPlan, { signal, log, warn }: RunParts): Promise<Repository> {
  const { location, options, passphrase } = plan.repository;
  const opened = await settle(openOrCreateRepository(openStore(location, options), { passphrase, signal, warn }));
  await plan.onRepository?.("error" in opened ? { error: opened.error } : {});
  if ("error" in opened) throw opened.error;
  const repository = opened.value;
  if (repository.isNew) {
    log.warn("Created a new repository: keep its passphrase safe, without it no backup can be read", {
      store: repository.store.description,
      repository: repository.id,
    });
  }
  return repository;
}

async function readBack(repository: Repository, snapshot: string, { signal, progress }: RunParts): Promise<void> {
  const report = await verifySnapshots(repository, {
    snapshot,
    signal,
    progress: ({ bytes, objects: items, totalObjects: totalItems }) => progress({ phase: "Reading back", bytes, items, totalItems }),
  });
  const [first] = report.problems;
  if (first === undefined) return;
  const owner = parseDataKey(first.key)?.id;
  throw new IncompleteError(`Snapshot "${snapshot}" is committed but does not read back: ${first.problem}`, {
    reason: "VerificationFailed",
    facts: { snapshot, problems: report.problems },
    hint:
      owner === undefined || owner === snapshot
        ? "Do not rely on this snapshot; look for the fault in the store, and back up again"
        : "Do not rely on this snapshot: it shares an object with earlier ones that is damaged. Back up in full, so that it is written anew",
  });
}

function describeSuccess(manifest: Manifest, result: BackupResult, { verifyAfter }: BackupPlan): Success {
  const proof = verifyAfter ? "every object was read back as it was written" : "every object is in the store";
  return {
    message: `Snapshot ${manifest.id} is committed: ${proof}`,
    snapshot: summarizeSnapshot(manifest),
    counts: result.counts,
    facts: { consistency: result.consistency, ...result.facts },
    notCarried: result.notCarried,
  };
}
