// What the tests of whole runs share: objects in files, a directory for backups, a database that is a text, and a record of every write.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { BackupFunction, RestoreFunction } from "../../runner/function.ts";
import type { Cluster, Status, StatusChange } from "../../runner/kubernetes/cluster.ts";
import { type ParameterTable, parseParameters } from "../../runner/parameters.ts";
import type { BackupParameters, RestoreParameters, RunParts } from "../../runner/run.ts";
import { backupParameters, restoreParameters } from "../../runner/runner-parameters.ts";
import { listSnapshotIds } from "../../runner/snapshot/list-snapshots.ts";
import { openRepository, type Repository } from "../../runner/snapshot/repository.ts";
import { openStore } from "../../runner/storage/open-store.ts";
import { makeManifests, type TemporaryManifests } from "./kubernetes/temporary-manifests.ts";
import { clusterWith, ref, session } from "./session-cases.ts";
import { passphrase } from "./snapshot/snapshot-parts.ts";

export const ALL_ACTIONS = ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"];
export const again = { namespace: "demo", name: "again" };
const STASH = "stash.appscode.com/v1beta1";

export interface RunCase extends AsyncDisposable {
  readonly files: TemporaryManifests;
  readonly store: string;
  readonly cluster: Cluster;
  readonly parts: RunParts;
  readonly stop: AbortController;
  readonly warnings: string[];
  /** In their order: "BackupSession", "Repository", "Event HostBackupSucceeded"; statuses that were really changed. */
  readonly writes: string[];
  /** Called after each of them. */
  onWrite(does: (write: string) => Promise<void> | void): void;
  status(): Promise<Status>;
  restoreStatus(): Promise<Status>;
  repositoryStatus(): Promise<Status>;
  open(): Promise<Repository>;
  snapshots(): Promise<string[]>;
  /** Files below the store's folder of this name. */
  stored(folder: string): Promise<string[]>;
}

export interface RunCaseOptions {
  /** Of our target in the session; `undefined` when the operator has not written it. */
  readonly target?: Status | undefined;
  readonly otherTargets?: readonly Status[];
  /** Of the BackupConfiguration; null for none. */
  readonly invoker?: Readonly<Record<string, unknown>> | null;
  readonly policy?: Readonly<Record<string, unknown>>;
  /** In place of the cluster's own verbs. */
  readonly verbs?: (cluster: Cluster) => Partial<Cluster>;
}

export const admitted = { ref, totalHosts: 1, preBackupActions: ["InitializeBackendRepository"], postBackupActions: ALL_ACTIONS };

export async function makeRunCase(options: RunCaseOptions = {}): Promise<RunCase> {
  const store = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  const files = await makeManifests({
    "objects.yaml": runObjects(options, store)
      .map((object) => stringify(object))
      .join("---\n"),
  });
  const opened = await files.open();
  const stop = new AbortController();
  const writes: string[] = [];
  const warnings: string[] = [];
  let onWrite: (write: string) => Promise<void> | void = () => undefined;
  const note = async (write: string) => {
    writes.push(write);
    await onWrite(write);
  };
  const recorded = clusterWith(opened, {
    updateStatus: async (kind, name, change, write) => {
      let isChanged = false;
      await opened.updateStatus(
        kind,
        name,
        (status) => {
          const changed = change(status);
          isChanged = changed !== status;
          return changed;
        },
        write,
      );
      if (isChanged) await note(kind);
    },
    emitEvent: async (event, emit) => {
      await opened.emitEvent(event, emit);
      await note(`Event ${event.reason}`);
    },
  });
  const cluster = clusterWith(recorded, options.verbs?.(recorded) ?? {});
  const ignore = () => undefined;
  const parts: RunParts = {
    version: "0.0.0",
    signal: stop.signal,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    sources: { environment: {}, remember: ignore, signal: stop.signal, cluster: async () => cluster },
    warn: (reason, message) => void warnings.push(`${reason}: ${message}`),
    redact: (text) => text.replaceAll("canary", "[redacted]"),
    progress: ignore,
  };
  const open = () => openRepository(openStore({ kind: "directory", path: store }, {}), { passphrase, warn: ignore });
  return {
    ...{ files, store, cluster, parts, stop, warnings, writes, open },
    onWrite: (does) => {
      onWrite = does;
    },
    status: async () => (await opened.backupSession(session)).status ?? {},
    restoreStatus: async () => (await opened.restoreSession(again)).status ?? {},
    repositoryStatus: async () => (await opened.repository({ namespace: "demo", name: "cellar" })).status ?? {},
    snapshots: async () => listSnapshotIds(await open()),
    async stored(folder) {
      const entries = await readdir(join(store, "holdfast", folder), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .toSorted();
    },
    async [Symbol.asyncDispose]() {
      await files[Symbol.asyncDispose]();
      await rm(store, { recursive: true, force: true });
    },
  };
}

/** A cluster that takes no outcome. */
export function refusing(error: Error): RunCaseOptions["verbs"] {
  return (cluster) => ({
    updateStatus: (kind, name, change, options) => {
      const refuse: StatusChange = (status) => {
        const changed = change(status);
        if (JSON.stringify(changed).includes('"stats"')) throw error;
        return changed;
      };
      return cluster.updateStatus(kind, name, refuse, options);
    },
  });
}

/** A database that is a text. */
export function sampleBackup(read: (context: { signal: AbortSignal }) => Promise<string> | string): BackupFunction {
  return {
    ...{ kind: "backup", name: "sample-backup", engine: "sample", summary: "", parameters: {} },
    async run({ snapshot, signal }) {
      const stream = snapshot.stream("dump.txt", { mediaType: "text/plain" });
      await stream.write(Buffer.from(await read({ signal })));
      await stream.finish();
      const server = { flavour: "sample", version: "1", id: "one" };
      return { server, consistency: {}, facts: {}, counts: { words: 1 }, notCarried: [] };
    },
  };
}

export function sampleRestore(write: (text: string) => Promise<void> | void): RestoreFunction {
  return {
    ...{ kind: "restore", name: "sample-restore", engine: "sample", summary: "", parameters: {} },
    async run({ snapshot }) {
      const chunks: Buffer[] = [];
      for await (const chunk of snapshot.stream("dump.txt")) chunks.push(Buffer.from(chunk));
      await write(Buffer.concat(chunks).toString());
      return { counts: { restored: 1 }, facts: {} };
    },
  };
}

const flags = { namespace: "demo", appbinding: "sample", repository: "cellar" };

export function backupValues(more: Readonly<Record<string, string>> = {}): BackupParameters & { session: string } {
  return { ...parse(backupParameters, more), session: session.name };
}

export function restoreValues(more: Readonly<Record<string, string>> = {}): RestoreParameters & { session: string } {
  return { ...parse(restoreParameters, more), session: again.name };
}

export function conditionIn(status: Status, type: string): Status | undefined {
  return ((status.conditions ?? []) as Status[]).find((condition) => condition.type === type);
}

/** The stats of our host. */
export function hostIn(status: Status): Status | undefined {
  const targets = (status.targets ?? []) as { ref: { name: string }; stats?: Status[] }[];
  return targets.find((target) => target.ref.name === ref.name)?.stats?.[0];
}

function parse<T extends ParameterTable>(table: T, more: Readonly<Record<string, string>>) {
  return parseParameters(table, { flags: { ...flags, ...more }, environment: {} });
}

function runObjects({ otherTargets = [], invoker = {}, policy = { keepLast: 1, prune: false }, ...rest }: RunCaseOptions, store: string) {
  const target = "target" in rest ? rest.target : admitted;
  const targets = [...(target === undefined ? [] : [target]), ...otherTargets];
  const metadata = (name: string) => ({ namespace: "demo", name });
  const created = { uid: "uid-1", creationTimestamp: new Date(Math.floor(Date.now() / 1000) * 1000).toISOString() };
  const spec = { repository: { name: "cellar" }, target: { ref }, retentionPolicy: { name: "keep", ...policy }, ...invoker };
  return [
    { apiVersion: "v1", kind: "Secret", metadata: metadata("key"), stringData: { RESTIC_PASSWORD: passphrase.reveal() } },
    {
      ...{ apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata: metadata("sample") },
      spec: { clientConfig: { url: "sample://db:1" } },
    },
    {
      ...{ apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: metadata("cellar") },
      spec: { backend: { local: { mountPath: store }, storageSecretName: "key" } },
    },
    ...(invoker === null ? [] : [{ apiVersion: STASH, kind: "BackupConfiguration", metadata: metadata("nightly"), spec }]),
    {
      ...{ apiVersion: STASH, kind: "BackupSession", metadata: { ...session, ...created } },
      spec: { invoker: { kind: "BackupConfiguration", name: "nightly" } },
      status: { targets },
    },
    {
      ...{ apiVersion: STASH, kind: "RestoreSession", metadata: { ...again, ...created } },
      spec: { repository: { name: "cellar" }, target: { ref } },
      status: { totalHosts: 1 },
    },
  ];
}
