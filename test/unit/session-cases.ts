import { stringify } from "yaml";
import type { Cluster, Status, StatusKind } from "../../runner/kubernetes/cluster.ts";
import type { SessionOptions } from "../../runner/session-object.ts";
import { makeManifests, type TemporaryManifests } from "./kubernetes/temporary-manifests.ts";

export const session = { namespace: "demo", name: "nightly-1" };
export const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "sample", namespace: "demo" };
export const otherRef = { ...ref, name: "other" };
export const created = new Date("2026-01-02T03:04:05Z");
export const now = new Date("2026-01-02T03:05:23Z");

export interface SessionCase extends AsyncDisposable {
  readonly files: TemporaryManifests;
  readonly cluster: Cluster;
  readonly stop: AbortController;
  readonly warnings: string[];
  readonly options: SessionOptions;
  /** Called when somebody begins to wait. */
  onWait(does: () => void): void;
  /** Changes the status as the operator would. */
  write(change: (status: Status) => Status): Promise<void>;
  status(): Promise<Status>;
}

/** A session in a cluster of files, and what a run would pass beside it; polls follow one another at once. */
export async function makeSession(kind: "BackupSession" | "RestoreSession", status?: Status, metadata: object = {}): Promise<SessionCase> {
  const spec =
    kind === "BackupSession" ? { invoker: { kind: "BackupConfiguration", name: "nightly" } } : { repository: { name: "cellar" } };
  const object = {
    apiVersion: "stash.appscode.com/v1beta1",
    kind,
    metadata: { ...session, uid: "uid-1", creationTimestamp: created.toISOString(), ...metadata },
    spec,
    ...(status && { status }),
  };
  const files = await makeManifests({ "session.yaml": stringify(object) });
  const cluster = await files.open();
  const stop = new AbortController();
  const warnings: string[] = [];
  let onWait = () => {};
  const ignore = () => undefined;
  const log = { debug: ignore, info: () => onWait(), warn: ignore, error: ignore };
  return {
    files,
    cluster,
    stop,
    warnings,
    options: {
      session,
      signal: stop.signal,
      log,
      warn: (reason, message) => void warnings.push(`${reason}: ${message}`),
      now: () => now,
      delays: { firstPollMs: 1, lastPollMs: 2, othersPollMs: 1 },
    },
    onWait: (does) => {
      onWait = does;
    },
    write: (change) => cluster.updateStatus(kind as StatusKind, session, change),
    status: async () => (await cluster[kind === "BackupSession" ? "backupSession" : "restoreSession"](session)).status ?? {},
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

/** The same cluster with another way to write or to tell. */
export function clusterWith(cluster: Cluster, verbs: Partial<Cluster>): Cluster {
  return new Proxy(cluster, {
    get: (target, name) => {
      const verb: unknown = verbs[name as keyof Cluster] ?? Reflect.get(target, name);
      return typeof verb === "function" ? verb.bind(target) : verb;
    },
  });
}
