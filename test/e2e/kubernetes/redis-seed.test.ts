// Stash's guide "How Stash Backups & Restores Redis Database", step by step, on a real node: Secret to CronJob to Job to metrics, and back.
import { chmod, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { waitForObject, waitForObjects, waitUntilGone } from "../../servers/kubernetes/wait-for-object.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { fillRedis } from "../../tools/redis-dataset.ts";
import { type DataDescription, describeData, diffData } from "../../tools/redis-equality.ts";
import { type OperatorScene, repository, STASH, startOperatorScene } from "./operator-scene.ts";
import { appBinding, backupConfiguration, backupSession, restoreSession, secret } from "./seed-objects.ts";
import { conditionsOf, endOf, type SessionStatus, seriesOf, statusOf } from "./session-end.ts";
import { withDiagnosis } from "./with-diagnosis.ts";

const PASSWORD = "a-password-of-a-database";
const BETA = `${STASH}/v1beta1`;
let scene: OperatorScene;
let redis: RedisServer;
let before: DataDescription;
let namespace: string;
let volume: string;

beforeAll(async () => {
  scene = await startOperatorScene();
  redis = await startRedis({ password: PASSWORD });
  await fillRedis(address());
  before = await describeData(address());
  namespace = await scene.makeNamespace();
  volume = await mkdtemp(join(tmpdir(), "holdfast-volume-"));
  // The pods' user is another one than ours.
  await chmod(volume, 0o777);
}, 1_800_000);
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await redis?.stop();
  if (volume !== undefined) await rm(volume, { recursive: true, force: true });
}, 120_000);

const address = () => ({ host: "127.0.0.1", port: redis.port, password: PASSWORD });
const ref = (apiVersion: string, kind: string, name: string) => ({ apiVersion, kind, metadata: { namespace, name } });
const scheduled = () => ({ namespace, name: "sample-redis-backup", appBinding: "sample-redis", repository: "cellar" });
const BACKUP_CONDITIONS = ["RepositoryFound True", "BackendSecretFound True", "BackupTargetFound True", "ValidationPassed True"];

async function destroyData(): Promise<void> {
  await redis.cli("flushall");
  await redis.cli("function", "flush");
  const emptied = await describeData(address());
  expect([emptied.databases.size, emptied.functions.size]).toEqual([0, 0]);
}

/** The session's Job, once it has succeeded too, and its only pod. */
async function podOf(kind: "BackupSession" | "RestoreSession", session: string): Promise<KubernetesObject> {
  const name = `stash-${kind === "BackupSession" ? "backup" : "restore"}-${session}-0`;
  const isOver = ({ status }: KubernetesObject) => (status as { succeeded?: number } | undefined)?.succeeded === 1;
  await waitForObject(scene.objects, ref("batch/v1", "Job", name), isOver);
  const pods = (await scene.objects.list("v1", "Pod", namespace)).filter(
    ({ metadata: { labels } }) => (labels as Record<string, string>)["batch.kubernetes.io/job-name"] === name,
  );
  expect(pods).toHaveLength(1);
  return pods[0] as KubernetesObject;
}

const RESTRICTED = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

test("a schedule backs a Redis up into S3, and a RestoreSession brings everything back", async () => {
  await withDiagnosis(scene, namespace, async () => {
    // 1. A Secret with the credentials of the backend, and 2. the Repository that names it: "storage" and "cellar" of the namespace. 3. The AppBinding, and
    // a BackupConfiguration that targets it and names the Task.
    const { objects, gateway } = scene;
    const url = `redis://${await scene.reach(redis.port)}`;
    await objects.apply(secret(namespace, "redis-auth", { password: PASSWORD }));
    await objects.apply(appBinding({ namespace, name: "sample-redis", type: "redis", url, secret: "redis-auth" }));
    await objects.apply(backupConfiguration({ ...scheduled(), schedule: "*/1 * * * *", task: "holdfast-redis-backup" }));

    // 4. The operator sees it: Ready, with its conditions.
    const configuration = ref(BETA, "BackupConfiguration", "sample-redis-backup");
    const ready = await waitForObject(objects, configuration, (each) => statusOf(each).phase === "Ready");
    expect(conditionsOf(statusOf(ready))).toEqual(expect.arrayContaining([...BACKUP_CONDITIONS, "CronJobCreated True"]));

    // 5. A CronJob with its schedule.
    const cronJob = await objects.get(ref("batch/v1", "CronJob", "stash-trigger-sample-redis-backup"));
    expect(cronJob.spec).toMatchObject({ schedule: "*/1 * * * *", suspend: false });

    // 6. At the next slot, a BackupSession of that slot's name.
    const isTheirs = ({ spec }: KubernetesObject) => (spec as { invoker: { name: string } }).invoker.name === "sample-redis-backup";
    const place = { apiVersion: BETA, kind: "BackupSession", namespace };
    const sessions = await waitForObjects(objects, place, (all) => all.some(isTheirs), { timeoutMs: 180_000 });
    const { name } = (sessions.find(isTheirs) as KubernetesObject).metadata;
    expect(name).toMatch(/^sample-redis-backup-\d{10}$/);
    expect(Number(name.slice(-10)) % 60).toBe(0);
    // No second one shall run into the restore; the first runs on.
    await scene.pauseBackups(namespace, "sample-redis-backup");

    // 7. and 8. The operator resolves Task and Function, and 9. creates the Job, which 10. and 11. dumps the database into the backend.
    const ended = await endOf(objects, ref(BETA, "BackupSession", name));
    const pod = await podOf("BackupSession", name);
    const [container] = (pod.spec as { containers: readonly Record<string, unknown>[] }).containers;
    expect(container).toMatchObject({ name: "holdfast-redis-backup-0", image: scene.image, securityContext: RESTRICTED });

    // 12. The statuses tell how it went,
    const status = ended.status as SessionStatus & {
      targets: readonly (SessionStatus & { stats: readonly object[] })[];
      sessionDuration: string;
    };
    expect(conditionsOf(status)).toEqual([
      ...["BackendRepositoryInitialized True", "RepositoryIntegrityVerified True", "RetentionPolicyApplied True"],
      ...["RepositoryMetricsPushed True", "BackupHistoryCleaned True", "MetricsPushed True"],
    ]);
    expect(status.targets).toEqual([
      expect.objectContaining({
        phase: "Succeeded",
        totalHosts: 1,
        stats: [
          expect.objectContaining({
            hostname: "host-0",
            phase: "Succeeded",
            snapshots: [expect.objectContaining({ name: expect.any(String) })],
          }),
        ],
      }),
    ]);
    expect(conditionsOf(status.targets[0])).toEqual(["BackupExecutorEnsured True"]);
    const cellar = await objects.get(ref(`${STASH}/v1alpha1`, "Repository", "cellar"));
    expect(cellar.status).toMatchObject({
      integrity: true,
      snapshotCount: 1,
      lastBackupTime: expect.any(String),
      references: [{ kind: "BackupConfiguration", namespace, name: "sample-redis-backup" }],
    });
    // and so does the Pushgateway, in both namespaces of names: of the session, the target, the host and the repository.
    const values = await seriesOf(gateway, { namespace }, [
      ...["backupsession_success", "backupsession_duration_seconds", "backupsession_target_success"].map(
        (each) => `stash_appscode_com_${each}`,
      ),
      ...["backupsession_host_backup_success", "repository_integrity", "repository_snapshot_count"].map(
        (each) => `stash_appscode_com_${each}`,
      ),
      ...["stash_backup_session_success", "stash_backup_target_success", "stash_backup_host_backup_success", "stash_repository_integrity"],
      ...[
        "holdfast_backup_last_attempt_success",
        "holdfast_backup_last_success_timestamp_seconds",
        "holdfast_backup_expected_interval_seconds",
      ],
    ]);
    for (const [series, value] of values) if (/_success$|_integrity$/.test(series)) expect([series, value]).toEqual([series, 1]);
    expect(values.get("holdfast_backup_expected_interval_seconds")).toBe(60);
    // What triggered it is gone, since it succeeded.
    await waitForObjects(objects, { apiVersion: "batch/v1", kind: "Job", namespace }, (all) =>
      all.every(({ metadata }) => !metadata.name.startsWith("stash-trigger-")),
    );

    // The restore: the data are gone, 1. a RestoreSession is created, 2. to 4. becomes a Job, which 5. and 6. writes them back.
    await destroyData();
    await objects.apply(restoreSession({ ...scheduled(), name: "sample-redis-restore", task: "holdfast-redis-restore" }));
    const restored = await endOf(objects, ref(BETA, "RestoreSession", "sample-redis-restore"));
    expect(diffData(before, await describeData(address()))).toEqual([]);

    // 7. Status and metrics say so.
    expect(restored.status).toMatchObject({ totalHosts: 1, stats: [{ hostname: "host-0", phase: "Succeeded" }] });
    expect(conditionsOf(statusOf(restored))).toEqual(
      expect.arrayContaining(["RestoreTargetFound True", "RestoreExecutorEnsured True", "MetricsPushed True"]),
    );
    const back = await seriesOf(gateway, { namespace, invoker_kind: "RestoreSession" }, [
      ...["restoresession_success", "restoresession_target_success", "restoresession_host_restore_success"].map(
        (each) => `stash_appscode_com_${each}`,
      ),
      ...[
        "stash_restore_session_success",
        "stash_restore_target_success",
        "stash_restore_host_restore_success",
        "holdfast_restore_last_attempt_success",
      ],
    ]);
    for (const [series, value] of back) if (series.endsWith("_success")) expect([series, value]).toEqual([series, 1]);
  });
}, 600_000);

test("Stash's own two-step Tasks back up into a local volume at once, and restore from it", async () => {
  await withDiagnosis(scene, namespace, async () => {
    const { objects } = scene;
    // A volume of the node, claimed by the namespace: restricted pods may mount no hostPath themselves.
    const capacity = { storage: "1Gi" };
    const access = { accessModes: ["ReadWriteMany"], storageClassName: "" };
    const persistent = { capacity, ...access, hostPath: { path: volume }, claimRef: { namespace, name: "backups" } };
    await objects.apply({ apiVersion: "v1", kind: "PersistentVolume", metadata: { name: namespace }, spec: persistent });
    const claim = { ...access, volumeName: namespace, resources: { requests: capacity } };
    await objects.apply({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { namespace, name: "backups" }, spec: claim });
    const local = { mountPath: "/backups", subPath: "redis", persistentVolumeClaim: { claimName: "backups" } };
    await objects.apply(repository(namespace, "shelf", { local, storageSecretName: "storage" }));
    const named = { ...scheduled(), name: "sample-redis-local", repository: "shelf" };
    await objects.apply(backupConfiguration({ ...named, schedule: "0 0 1 1 *", task: "redis-backup-7.0.5" }));
    const configuration = ref(BETA, "BackupConfiguration", named.name);
    await waitForObject(objects, configuration, (each) => statusOf(each).phase === "Ready");

    await objects.apply(backupSession(namespace, "now", named.name));
    const ended = await endOf(objects, ref(BETA, "BackupSession", "now"));
    const pod = await podOf("BackupSession", "now");
    const shelf = await objects.get(ref(`${STASH}/v1alpha1`, "Repository", "shelf"));
    const stored = await readdir(join(volume, "redis/holdfast/snapshots"));
    const { uid } = await stat(join(volume, "redis/holdfast/snapshots"));
    await destroyData();
    await objects.apply(restoreSession({ ...named, name: "from-volume", task: "redis-restore-7.0.5" }));
    await endOf(objects, ref(BETA, "RestoreSession", "from-volume"));

    expect((ended.status as { targets: readonly object[] }).targets).toMatchObject([{ phase: "Succeeded" }]);
    const { initContainers, containers } = pod.spec as Record<string, readonly { readonly name: string }[] | undefined>;
    expect([...(initContainers ?? []), ...(containers ?? [])].map(({ name }) => name)).toEqual(["redis-backup-7-0-5-0", "update-status-1"]);
    expect(shelf.status).toMatchObject({ integrity: true, snapshotCount: 1 });
    expect(stored).toHaveLength(1);
    // The image's user, as restricted namespaces want it.
    expect(uid).toBe(65532);
    expect(diffData(before, await describeData(address()))).toEqual([]);
  });
}, 600_000);

const LEFT_OVERS = [
  ...(["CronJob", "Job"] as const).map((kind) => ["batch/v1", kind] as const),
  ...(["Role", "RoleBinding"] as const).map((kind) => ["rbac.authorization.k8s.io/v1", kind] as const),
  ...(["BackupSession", "RestoreSession", "BackupConfiguration"] as const).map((kind) => [BETA, kind] as const),
  ["v1", "Pod"] as const,
];

test("what is deleted takes everything with it that was made for it, and the Repository is free again", async () => {
  await withDiagnosis(scene, namespace, async () => {
    const { objects } = scene;
    const invokers = ["sample-redis-backup", "sample-redis-local"].map((name) => ref(BETA, "BackupConfiguration", name));
    const restores = ["sample-redis-restore", "from-volume"].map((name) => ref(BETA, "RestoreSession", name));

    for (const each of [...invokers, ...restores]) await objects.delete(each);
    for (const each of [...invokers, ...restores]) await waitUntilGone(objects, each);
    for (const [apiVersion, kind] of LEFT_OVERS) await waitForObjects(objects, { apiVersion, kind, namespace }, (all) => all.length === 0);
    const isDefault = (all: readonly KubernetesObject[]) => all.map(({ metadata }) => metadata.name).join() === "default";
    await waitForObjects(objects, { apiVersion: "v1", kind: "ServiceAccount", namespace }, isDefault);

    for (const name of ["cellar", "shelf"]) {
      const freed = await objects.get(ref(`${STASH}/v1alpha1`, "Repository", name));
      expect(freed.status).toMatchObject({ snapshotCount: 1, references: [] });
      await objects.delete(freed);
      await waitUntilGone(objects, freed);
    }
    // What lies in the store is not touched.
    expect(await readdir(join(volume, "redis/holdfast/snapshots"))).toHaveLength(1);
    await scene.node.kubectl(["delete", "persistentvolume", namespace, "--wait=false"]);
  });
}, 300_000);
