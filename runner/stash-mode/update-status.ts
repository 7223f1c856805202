import { type BackupFollowUp, concludeBackup } from "../conclude-backup.ts";
import { describeError, ParameterError } from "../errors.ts";
import { parseBytes, parseDuration } from "../kubernetes/go-format.ts";
import type { HostStats } from "../kubernetes/status-hosts.ts";
import type { FailedRun, GoodBackup } from "../metrics/backup-samples.ts";
import { targetGroup } from "../metrics/push-group.ts";
import { restoreSamples } from "../metrics/restore-samples.ts";
import type { Success } from "../report.ts";
import { DEFAULT_HOST } from "../retention-scope.ts";
import type { RunParts } from "../run.ts";
import { APP_BINDING, invokerKind } from "../run-backup-session.ts";
import { pushRunMetrics } from "../run-metrics.ts";
import { type BackupSessionWriter, openBackupSession } from "../session.ts";
import { openRestoreSession } from "../session-restore.ts";
import { settle } from "../settle.ts";
import { findSnapshot } from "../snapshot/find-snapshot.ts";
import { openRepository, type Repository } from "../snapshot/repository.ts";
import { openStore } from "../storage/open-store.ts";
import { summarizeSnapshot } from "../summarize-snapshot.ts";
import { readOutputFile } from "./read-output-file.ts";
import { findStashRepository } from "./stash-places.ts";
import { readLabels, type UpdateStatusParameters } from "./update-status-parameters.ts";

/**
 * Stash's second step: carries the outcome of the first into the session's status, then does what the session wants done after a backup. Resolves when
 * the session tells the truth, be it a failure; rejects when it does not, so that nobody takes silence for success.
 */
export async function updateStatus(values: UpdateStatusParameters, parts: RunParts): Promise<Success> {
  const stats = await readOutputFile(values.outputDir, { isBackup: values.backupsession !== undefined });
  return values.backupsession === undefined ? updateRestore(values, stats, parts) : updateBackup(values, stats, parts);
}

async function updateBackup(values: UpdateStatusParameters, stats: HostStats, parts: RunParts): Promise<Success> {
  const { signal, log, warn, redact } = parts;
  const target = targetOf(values);
  const session = await openBackupSession(await parts.sources.cluster(), {
    session: { namespace: values.namespace, name: values.backupsession as string },
    target: { ...target, apiVersion: APP_BINDING.apiVersion },
    ...{ signal, log, warn, redact },
  });
  // Until the operator has written the target, nothing can be told; what else is wrong with it is looked at when it is used.
  const waited = await settle(session.waitForTarget());
  let opened: Promise<Repository> | undefined;
  const open = () => {
    opened ??= openStashRepository(values, parts);
    return opened;
  };
  const after = await concludeBackup(
    {
      ...{ session, stats, host: stats.hostname ?? DEFAULT_HOST },
      samplePercent: values.integritySample,
      pushgateway: values.isMetricsEnabled ? values.pushgateway : undefined,
      metricLabels: labelsOf(values, parts),
      prepare: async () => {
        if ("error" in waited) throw waited.error;
        return { actions: waited.value.postBackupActions, ...(await findFollowUp(values, { session, stats, parts, open })) };
      },
      describe: async () => {
        const type = await typeOf(target, parts);
        return { target: { ...target, type }, ...(await describeRun(stats, { open, engine: engineOf(type), parts })) };
      },
    },
    parts,
  );
  if (after.failure !== undefined && after.isFailureTold !== true) throw after.failure;
  if (after.failure !== undefined) warn("PostBackupFailed", `The session says so in its conditions: ${describeError(after.failure)}`);
  return { message: `BackupSession "${session.name.name}" is updated: host ${stats.hostname ?? DEFAULT_HOST} ${stats.phase}` };
}

type Objects = { session: BackupSessionWriter; parts: RunParts };

/** What cannot be found fails with the first step that needs it, so that the session's conditions tell of it. */
async function findFollowUp(
  values: UpdateStatusParameters,
  { session, stats, parts, open }: Objects & { stats: HostStats; open: () => Promise<Repository> },
): Promise<Omit<BackupFollowUp, "actions">> {
  const found = await settle(findObjects(values, { session, parts }));
  if ("value" in found) return { ...found.value, openRepository: () => openWithSnapshot(stats, { open, parts }) };
  parts.log.error("The session's objects cannot be read", { error: describeError(found.error) });
  return { openRepository: () => Promise.reject(found.error) };
}

/** Nothing is thinned out in a repository that does not hold what the step before says it stored. @throws NoSuchSnapshotError */
async function openWithSnapshot(
  stats: HostStats,
  { open, parts }: { open: () => Promise<Repository>; parts: RunParts },
): Promise<Repository> {
  const repository = await open();
  const { signal, warn } = parts;
  for (const { name } of stats.snapshots ?? []) await findSnapshot(repository, { id: name }, { signal, warn });
  return repository;
}

async function findObjects(values: UpdateStatusParameters, { session, parts }: Objects) {
  const cluster = await parts.sources.cluster();
  const invoker = await cluster.backupInvoker(invokerKind(session), session.invoker, { signal: parts.signal });
  const { name, namespace = invoker.metadata.namespace } = invoker.spec.repository ?? {};
  if (name === undefined || namespace === undefined)
    throw new ParameterError(`${invoker.kind} "${session.invoker.name}" names no Repository`);
  const place = { ...(await findStashRepository(values, parts.sources)), object: { cluster, name: { namespace, name } } };
  return { invoker, place };
}

async function openStashRepository(values: UpdateStatusParameters, { sources, signal, warn }: RunParts): Promise<Repository> {
  const { location, options, passphrase } = await findStashRepository(values, sources);
  return openRepository(openStore(location, options), { passphrase, signal, warn });
}

/** The true numbers stand in the manifest; those of output.json are rounded. */
async function describeRun(
  stats: HostStats,
  { open, engine, parts }: { open: () => Promise<Repository>; engine: string; parts: RunParts },
): Promise<{ engine: string; outcome: GoodBackup | FailedRun }> {
  const [snapshot] = stats.snapshots ?? [];
  if (stats.phase !== "Succeeded" || snapshot === undefined) {
    return { engine, outcome: { kind: "Failed", exitCode: 1, reason: "HostBackupFailed" } };
  }
  const { totalFiles, newFiles, modifiedFiles, unmodifiedFiles } = snapshot.fileStats;
  const files = { total: totalFiles, new: newFiles, modified: modifiedFiles, unmodified: unmodifiedFiles };
  const durationMs = stats.duration === undefined ? 0 : parseDuration(stats.duration);
  try {
    const manifest = await findSnapshot(await open(), { id: snapshot.name }, { signal: parts.signal, warn: parts.warn });
    const { rawBytes, addedBytes } = summarizeSnapshot(manifest);
    const processingMs = Math.max(0, Date.parse(manifest.finished) - Date.parse(manifest.started));
    const committed = new Date(manifest.finished);
    const outcome = { kind: "Succeeded", committed, durationMs, processingMs, rawBytes, addedBytes, files, counts: {} } as const;
    return { engine: manifest.engine, outcome };
  } catch (error) {
    parts.warn("ManifestNotRead", `Metrics are those of output.json, which are rounded: ${describeError(error)}`);
    const rawBytes = parseBytes(snapshot.totalSize);
    const addedBytes = parseBytes(snapshot.uploaded);
    const committed = new Date();
    const outcome = {
      kind: "Succeeded",
      committed,
      durationMs,
      processingMs: durationMs,
      rawBytes,
      addedBytes,
      files,
      counts: {},
    } as const;
    return { engine, outcome };
  }
}

async function updateRestore(values: UpdateStatusParameters, stats: HostStats, parts: RunParts): Promise<Success> {
  const { signal, log, warn, redact } = parts;
  if (values.invokerKind !== "RestoreSession" || values.invokerName === undefined) {
    throw new ParameterError(
      `--invoker-kind is "${values.invokerKind ?? ""}": without --backupsession expected a RestoreSession and its name`,
    );
  }
  const name = { namespace: values.namespace, name: values.invokerName };
  const cluster = await parts.sources.cluster();
  const session = await openRestoreSession(cluster, { session: name, ...{ signal, log, warn, redact } });
  const host = stats.hostname ?? DEFAULT_HOST;
  await session.hostStats(stats);
  const isSuccess = stats.phase === "Succeeded";
  await (isSuccess
    ? session.event("Normal", "HostRestoreSucceeded", `Host ${host} is restored`)
    : session.event("Warning", "HostRestoreFailed", `Host ${host} could not be restored: ${stats.error}`));
  const url = values.isMetricsEnabled ? values.pushgateway : undefined;
  const invoker = { kind: "RestoreSession", ...name };
  if (url !== undefined) {
    const target = targetOf(values);
    const type = await typeOf(target, parts);
    const { repository } = session.spec;
    const durationMs = stats.duration === undefined ? 0 : parseDuration(stats.duration);
    const samples = restoreSamples({
      ...{ invoker, driver: "Restic", host, engine: engineOf(type), version: parts.version, finished: new Date() },
      repository: { namespace: repository?.namespace || values.namespace, name: repository?.name ?? "" },
      target: { ...target, type },
      extraLabels: labelsOf(values, parts),
      outcome: isSuccess ? { kind: "Succeeded", durationMs, counts: {} } : { kind: "Failed", exitCode: 1, reason: "HostRestoreFailed" },
    });
    await pushRunMetrics([{ group: targetGroup(target), samples }], { url, invoker, session }, parts);
  }
  return { message: `RestoreSession "${name.name}" is updated: host ${host} ${stats.phase}` };
}

/** The session's truth does not wait for labels that are right. */
function labelsOf({ metricLabels }: UpdateStatusParameters, { warn }: RunParts): Readonly<Record<string, string>> | undefined {
  try {
    return readLabels(metricLabels);
  } catch (error) {
    warn("MetricsLabels", `Metrics go without the labels asked for: ${describeError(error)}`);
    return undefined;
  }
}

function targetOf({ targetKind, targetName, targetNamespace, namespace }: UpdateStatusParameters) {
  if (targetName === undefined) throw new ParameterError("--target-name is required: whose outcome it is");
  return { kind: targetKind ?? APP_BINDING.kind, name: targetName, namespace: targetNamespace ?? namespace };
}

/** "kubedb.com/redis" is of engine "redis". */
function engineOf(type: string | undefined): string {
  return type?.slice(type.lastIndexOf("/") + 1) ?? "";
}

/** For labels of metrics only: an AppBinding that is gone meanwhile is no reason to fail. */
async function typeOf(target: { namespace: string; name: string }, { sources, signal, log }: RunParts): Promise<string | undefined> {
  try {
    return (await (await sources.cluster()).appBinding(target, { signal })).spec.type ?? "";
  } catch (error) {
    log.debug("The AppBinding could not be read for the labels of metrics", { error: describeError(error) });
    return undefined;
  }
}
