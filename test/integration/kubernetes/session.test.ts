import { openApiCluster } from "../../../runner/kubernetes/api-cluster.ts";
import type { Status } from "../../../runner/kubernetes/cluster.ts";
import { outcomeCondition } from "../../../runner/kubernetes/status-outcome.ts";
import { snapshotStats } from "../../../runner/kubernetes/status-snapshot.ts";
import { recordRepository } from "../../../runner/record-repository.ts";
import { openBackupSession } from "../../../runner/session.ts";
import { openRestoreSession } from "../../../runner/session-restore.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { CRDS } from "./crds.ts";

const apiVersion = "stash.appscode.com/v1beta1";
const facts = { id: "20260102T030405Z-0000000a", rawBytes: 4096, storedBytes: 1000, durationMs: 1500 };
const snapshot = snapshotStats({ ...facts, streams: [{ name: "dump.rdb", objects: 1, reusedObjects: 0 }] });
const succeeded = { hostname: "host-0", phase: "Succeeded", duration: "1.5s", snapshots: [snapshot] } as const;
const failed = { hostname: "host-0", phase: "Failed", error: "Refused" } as const;
const operator = { message: "so", lastTransitionTime: "2026-01-02T03:04:05Z" };
const pushed = outcomeCondition("MetricsPushed", { isSuccess: true, message: "so" });

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
}, 1_800_000);

afterAll(() => server.stop());

test("runs of two targets write one session at the same time, and nothing of either is lost", async () => {
  const made = await makeBackupSession();
  const [one, two] = await Promise.all([openFor(made, "one"), openFor(made, "two")]);

  const target = await one.waitForTarget();
  await Promise.all([
    one.repositoryInitialized({}),
    one.hostStats(succeeded),
    two.hostStats(failed),
    one.condition(outcomeCondition("RetentionPolicyApplied", { isSuccess: true, message: "so" })),
    two.condition(outcomeCondition("RepositoryIntegrityVerified", { isSuccess: true, message: "so" })),
  ]);
  await two.waitForOtherTargets();
  await one.condition(pushed);

  const status = await statusOf(made);
  expect(target.preBackupActions).toEqual(["InitializeBackendRepository"]);
  expect(status).toMatchObject({ phase: "Failed", sessionDuration: expect.stringMatching(/^(\d+m)?\d+s$/) });
  expect(status.targets).toMatchObject([
    { phase: "Succeeded", stats: [succeeded], conditions: [{ type: "BackupExecutorEnsured" }] },
    { phase: "Failed", stats: [failed] },
  ]);
  expect((status.conditions as Status[]).map(({ type }) => type).sort()).toEqual([
    "BackendRepositoryInitialized",
    "MetricsPushed",
    "RepositoryIntegrityVerified",
    "RetentionPolicyApplied",
  ]);
});

test("an outage of the API does not lose the word of a finished backup", async () => {
  const made = await makeBackupSession();
  const writer = await openFor(made, "one");
  await server.stopApi();

  const written = writer.hostStats(succeeded);
  await server.startApi();
  await written;

  expect((await statusOf(made)).targets).toMatchObject([{ phase: "Succeeded", stats: [succeeded] }, { phase: "Running" }]);
});

test("the outcome of a run is not that of a session that was made anew", async () => {
  const made = await makeBackupSession();
  const writer = await openFor(made, "one");
  await server.objects.delete(made);
  const { uid: _, resourceVersion: __, ...metadata } = made.metadata;
  await server.objects.apply({ ...made, metadata });

  await expect(writer.hostStats(succeeded)).rejects.toMatchObject({ reason: "ObjectReplaced" });
  await expect(writer.waitForTarget()).rejects.toMatchObject({ reason: "ObjectReplaced" });
  expect(JSON.stringify(await statusOf(made))).not.toContain("dump.rdb");
});

test("a restore's outcome is taken by the definition of its session", async () => {
  const namespace = await server.objects.createNamespace();
  const ensured = { type: "RestoreExecutorEnsured", status: "True", reason: "Ensured", ...operator };
  const made = await server.objects.apply({
    ...{ apiVersion, kind: "RestoreSession", metadata: { namespace, name: "again" } },
    spec: { repository: { name: "cellar" } },
    status: { totalHosts: 1, conditions: [ensured] },
  });
  const { cluster, options } = await partsFor(made);
  const writer = await openRestoreSession(cluster, options);

  await writer.waitForTarget();
  await writer.hostStats(succeeded);
  await writer.condition(pushed);

  expect(await statusOf(made)).toMatchObject({ phase: "Succeeded", stats: [{ hostname: "host-0", phase: "Succeeded", duration: "1.5s" }] });
});

test("what is known of a repository is taken by its definition", async () => {
  const namespace = await server.objects.createNamespace();
  const made = await server.objects.apply({
    ...{ apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { namespace, name: "cellar" } },
    spec: { backend: { local: { mountPath: "/backups" } } },
  });
  const { cluster, options } = await partsFor(made);
  const times = { oldest: "2026-01-01T00:00:00.500Z", lastBackup: "2026-01-02T00:00:00Z" };

  const known = { integrity: false, totalBytes: 4096, snapshotCount: 2, snapshotsRemoved: 1, ...times };
  const outcome = await recordRepository({ cluster, name: { namespace, name: "cellar" } }, known, options);

  expect(outcome).toEqual({});
  expect(await statusOf(made)).toEqual({
    ...{ integrity: false, totalSize: "4.000 KiB", snapshotCount: 2, snapshotsRemovedOnLastCleanup: 1 },
    ...{ firstBackupTime: "2026-01-01T00:00:00Z", lastBackupTime: "2026-01-02T00:00:00Z" },
  });
});

/** A session as the operator leaves it when the Jobs of two targets run. */
async function makeBackupSession(): Promise<KubernetesObject> {
  const namespace = await server.objects.createNamespace();
  const ensured = { type: "BackupExecutorEnsured", status: "True", reason: "Ensured", ...operator };
  const targets = [
    { ref: refOf(namespace, "one"), totalHosts: 1, preBackupActions: ["InitializeBackendRepository"], conditions: [ensured] },
    { ref: refOf(namespace, "two"), totalHosts: 1, postBackupActions: ["ApplyRetentionPolicy"] },
  ];
  return server.objects.apply({
    ...{ apiVersion, kind: "BackupSession", metadata: { namespace, name: "nightly-1" } },
    spec: { invoker: { apiGroup: "stash.appscode.com", kind: "BackupBatch", name: "nightly" } },
    status: { targets },
  });
}

/** Each run has a connection of its own. */
async function openFor(made: KubernetesObject, name: string) {
  const { cluster, options } = await partsFor(made);
  return openBackupSession(cluster, { ...options, target: refOf(made.metadata.namespace as string, name) });
}

async function partsFor({ metadata: { namespace = "", name } }: KubernetesObject) {
  const cluster = await openApiCluster({ kubeconfig: server.adminKubeconfig, environment: {} });
  const ignore = () => undefined;
  const warn = (reason: string, message: string) => {
    throw new Error(`${reason}: ${message}`);
  };
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  return { cluster, options: { session: { namespace, name }, signal: new AbortController().signal, log, warn } };
}

function refOf(namespace: string, name: string) {
  return { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", namespace, name };
}

async function statusOf(object: KubernetesObject): Promise<Status> {
  return ((await server.objects.get(object)).status ?? {}) as Status;
}
