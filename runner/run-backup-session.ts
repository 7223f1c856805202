import { backUp, type FinishedBackup } from "./back-up.ts";
import { type BackupConclusion, concludeBackup } from "./conclude-backup.ts";
import { describeError, ParameterError } from "./errors.ts";
import type { BackupFunction } from "./function.ts";
import type { BackupInvoker, BackupInvokerKind } from "./kubernetes/cluster.ts";
import { type DatabaseParameters, findDatabase, findRepository, type RepositoryPlace } from "./places.ts";
import { planOf } from "./plan-of.ts";
import type { Success } from "./report.ts";
import type { BackupParameters, RunParts } from "./run.ts";
import { outcomeOfBackup, outcomeOfFailure } from "./run-outcome.ts";
import { type BackupSessionWriter, openBackupSession } from "./session.ts";
import { withSessionDeadline } from "./session-deadline.ts";
import { type Settled, settle } from "./settle.ts";

export type SessionBackupParameters = BackupParameters & { readonly session: string };

/** What is known of the session so far; a run that fails early tells with what there is. */
interface Seen {
  signal: AbortSignal;
  invoker?: BackupInvoker;
  actions: readonly string[];
  place?: RepositoryPlace;
  databaseType?: string | undefined;
}

/**
 * Takes the backup that a BackupSession asks for and tells the truth about it: in the session, the Repository and the metrics. Resolves when all of
 * that is told and everything that the session wants is done.
 */
export async function runBackupSession(fn: BackupFunction, parameters: SessionBackupParameters, parts: RunParts): Promise<Success> {
  const { signal, log, warn, redact } = parts;
  const started = performance.now();
  const database = databaseName(parameters);
  const session = await openBackupSession(await parts.sources.cluster(), {
    session: { namespace: parameters.namespace, name: parameters.session },
    target: { ...APP_BINDING, ...database },
    ...{ signal, log, warn, redact },
  });
  const seen: Seen = { signal, actions: [] };
  const taken = await settle(takeBackup(fn, parameters, { session, seen, parts }));
  const run = { host: parameters.host, durationMs: performance.now() - started, signal: seen.signal };
  const { stats, outcome } = "value" in taken ? outcomeOfBackup(taken.value, run) : outcomeOfFailure(taken.error, run);
  const conclusion: BackupConclusion = {
    ...{ session, stats, host: parameters.host, samplePercent: parameters.integritySample, pushgateway: parameters.pushgateway },
    repository: { namespace: parameters.repositoryNamespace ?? parameters.namespace, name: parameters.repository ?? "" },
    prepare: async () => ({
      ...seen,
      openRepository: async () => ("value" in taken ? taken.value.repository : Promise.reject(taken.error)),
    }),
    describe: async () => ({ target: { ...database, type: seen.databaseType }, engine: fn.engine, outcome }),
  };
  return judge(taken, await settle(concludeBackup(conclusion, { ...parts, signal: seen.signal })), parts);
}

/** The AppBinding's kind, as a session's target names it. */
export const APP_BINDING = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding" } as const;

export function databaseName({ appbinding, appbindingNamespace, namespace }: DatabaseParameters) {
  return { namespace: appbindingNamespace ?? namespace, name: appbinding as string };
}

async function takeBackup(
  fn: BackupFunction,
  parameters: BackupParameters,
  { session, seen, parts }: { session: BackupSessionWriter; seen: Seen; parts: RunParts },
): Promise<FinishedBackup> {
  const cluster = await parts.sources.cluster();
  const { signal } = parts;
  // First of all: until the operator has written the target, no failure can be told either.
  seen.actions = (await session.waitForTarget()).postBackupActions;
  const invoker = await cluster.backupInvoker(invokerKind(session), session.invoker, { signal });
  seen.invoker = invoker;
  seen.signal = withSessionDeadline(signal, { created: session.created, timeOut: invoker.spec.timeOut });
  const sources = { ...parts.sources, signal: seen.signal };
  const database = await findDatabase(parameters, sources);
  seen.databaseType = database.type;
  const repository = await findRepository(parameters, sources);
  seen.place = repository;
  const { kind, namespace, name } = session.invoker;
  const plan = {
    ...{ database, repository, host: parameters.host, verifyAfter: parameters.verifyAfter },
    ...planOf(fn, parameters),
    invoker: { kind, namespace, name },
    onRepository: (outcome: { readonly error?: unknown }) => session.repositoryInitialized(outcome),
  };
  return backUp(fn, plan, { ...parts, signal: seen.signal, sources });
}

export function invokerKind({ invoker, name }: Pick<BackupSessionWriter, "invoker" | "name">): BackupInvokerKind {
  if (invoker.kind === "BackupConfiguration" || invoker.kind === "BackupBatch") return invoker.kind;
  throw new ParameterError(
    `BackupSession "${name.namespace}/${name.name}" has an invoker of kind "${invoker.kind}": expected BackupConfiguration or BackupBatch`,
  );
}

/** A backup that failed has the first word; then a truth that could not be told, then what failed after the backup. */
function judge(taken: Settled<FinishedBackup>, told: Settled<{ readonly failure?: unknown }>, { log }: RunParts): Success {
  if ("error" in taken) {
    if ("error" in told) log.error("The session's status could not be written", { error: describeError(told.error) });
    throw taken.error;
  }
  const { success } = taken.value;
  const failure = "error" in told ? told.error : told.value.failure;
  if (failure === undefined) return success;
  log.warn(`${success.message}; what followed failed`, { snapshot: success.snapshot?.id });
  throw failure;
}
