import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Status } from "../../runner/kubernetes/cluster.ts";
import { formatBytes } from "../../runner/kubernetes/go-format.ts";
import type { PushedSeries } from "../servers/pushgateway.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { startVersitygw } from "../servers/versitygw.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, expectSameData } from "../tools/redis-equality.ts";
import { ROOT, runHoldfast } from "./holdfast-process.ts";
import type { Pod } from "./pod.ts";
import { makeScene, type Scene } from "./session-scene.ts";
import { documentsIn, type SessionWorld, startSessionWorld } from "./session-world.ts";

let world: SessionWorld;
let carts: RedisServer;
let orders: RedisServer;

beforeAll(async () => {
  [world, carts, orders] = await Promise.all([startSessionWorld(), startRedis(), startRedis()]);
  await fillRedis(carts);
  await orders.cli("set", "order", "1");
}, 1_800_000);
afterAll(async () => {
  await Promise.all([carts.stop(), orders.stop()]);
  await world[Symbol.asyncDispose]();
});

/** What a backup and a restore leave in the gateway, by name; both names of each series. */
async function seriesOf({ namespace }: Scene, labels: Readonly<Record<string, string>> = {}): Promise<Map<string, number>> {
  const isOurs = (series: PushedSeries) =>
    series.labels.namespace === namespace && Object.entries(labels).every(([name, value]) => series.labels[name] === value);
  return new Map((await world.gateway.series()).filter(isOurs).map(({ name, value }) => [name, value]));
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

test("a session runs from its creation to its end, and what it backed up is restored (R24, R26)", async () => {
  await using redis = await startRedis();
  await fillRedis(redis);
  const before = await describeData(redis);
  const scene = await makeScene(world, { databases: { carts: redis.port } });
  await using backup = await scene.backup();

  const [outcome] = await backup.pod.run();
  const running = await backup.status();
  const ended = await backup.conclude();
  await redis.cli("flushall");
  await redis.cli("function", "flush");
  await using restore = await scene.restore("carts");
  const [restored] = await restore.pod.run();
  const restoreEnded = await restore.conclude();

  expect(outcome).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", warnings: [] } });
  const { id = "", rawBytes = 0, storedBytes = 0 } = outcome?.report?.snapshot ?? {};
  expect(running.phase).toBe("Running");
  expect(ended).toMatchObject({ phase: "Succeeded", sessionDuration: expect.stringMatching(/^(\d+m)?\d+s$/) });
  expect(describeConditions(ended)).toEqual([
    "BackendRepositoryInitialized True BackendRepositoryFound",
    "RepositoryIntegrityVerified True SuccessfullyVerifiedRepositoryIntegrity",
    "RetentionPolicyApplied True SuccessfullyAppliedRetentionPolicy",
    "RepositoryMetricsPushed True SuccessfullyPushedRepositoryMetrics",
    "BackupHistoryCleaned True SuccessfullyCleanedBackupHistory",
    "MetricsPushed True SuccessfullyPushedMetrics",
  ]);
  expect(ended.targets).toMatchObject([
    {
      ref: scene.ref("carts"),
      phase: "Succeeded",
      stats: [
        {
          hostname: "host-0",
          phase: "Succeeded",
          duration: expect.stringMatching(/^[\d.]+m?s$/),
          snapshots: [{ name: id, path: "dump.rdb", totalSize: formatBytes(rawBytes), uploaded: formatBytes(storedBytes) }],
        },
      ],
    },
  ]);
  const repository = await scene.repositoryStatus();
  expect(repository).toEqual({
    ...{ integrity: true, snapshotCount: 1, snapshotsRemovedOnLastCleanup: 0, totalSize: formatBytes(storedBytes) },
    ...{ firstBackupTime: expect.stringMatching(TIME), lastBackupTime: expect.stringMatching(TIME) },
  });
  expect(Date.parse(String(repository.firstBackupTime))).toBeLessThanOrEqual(Date.parse(String(repository.lastBackupTime)));
  expect(await scene.events(backup.name)).toMatchObject([{ type: "Normal", reason: "HostBackupSucceeded" }]);

  expect(restored).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", warnings: [] } });
  expect(restoreEnded).toMatchObject({ phase: "Succeeded", stats: [{ hostname: "host-0", phase: "Succeeded" }] });
  expect(await scene.events(restore.name)).toMatchObject([{ type: "Normal", reason: "HostRestoreSucceeded" }]);
  expectSameData(before, await describeData(redis));

  const series = await seriesOf(scene);
  for (const start of ["stash_appscode_com_backupsession_host", "stash_backup_host"]) {
    expect(Object.fromEntries(series)).toMatchObject({
      [`${start}_backup_success`]: 1,
      [`${start}_data_size_bytes`]: rawBytes,
      [`${start}_data_uploaded_bytes`]: storedBytes,
      [`${start}_files_total`]: 1,
    });
  }
  for (const start of ["stash_appscode_com", "stash"]) {
    expect(Object.fromEntries(series)).toMatchObject({
      [`${start}_repository_integrity`]: 1,
      [`${start}_repository_size_bytes`]: storedBytes,
      [`${start}_repository_snapshot_count`]: 1,
      [`${start}_repository_snapshot_cleaned`]: 0,
    });
  }
  expect(Object.fromEntries(series)).toMatchObject({
    stash_appscode_com_restoresession_host_restore_success: 1,
    stash_restore_host_restore_success: 1,
    holdfast_backup_exit_code: 0,
    holdfast_backup_expected_interval_seconds: 300,
    holdfast_restore_exit_code: 0,
    holdfast_repository_snapshots: 1,
  });
});

test("a target that the operator writes after the program has started is waited for (R12)", async () => {
  const scene = await makeScene(world, { databases: { orders: orders.port } });
  await using backup = await scene.backup({ isLate: true });
  const running = backup.pod.start();
  await running.logged("Waiting for the session to name our target");

  await backup.admit();
  const outcome = await running.outcome;

  expect(outcome.exitCode).toBe(0);
  expect(describeConditions(await backup.conclude())).toContain("BackendRepositoryInitialized True BackendRepositoryFound");
});

test("a session backs up into a store of S3, whose certificate is verified (S1)", async () => {
  await using s3 = await startVersitygw({ tls: true });
  await s3.createBucket("vault");
  await using target = await startRedis();
  const { accessKey, secretKey, ca = "" } = s3;
  const databases = { carts: carts.port, copy: target.port };
  const backend = { s3: { endpoint: s3.endpoint, bucket: "vault", prefix: "shop/carts", region: "us-east-1" } };
  const credentials = { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
  const scene = await makeScene(world, { databases, backend, storageSecret: { ...credentials, CA_CERT_DATA: ca } });
  const distrustful = await makeScene(world, { databases, backend, storageSecret: credentials });
  await using backup = await scene.backup();
  await using refused = await distrustful.backup();

  const [outcome] = await backup.pod.run();
  await using restore = await scene.restore("copy", { snapshot: outcome?.report?.snapshot?.id ?? "" });
  const [restored] = await restore.pod.run();
  const [refusal] = await refused.pod.run();

  expect([outcome?.exitCode, restored?.exitCode]).toEqual([0, 0]);
  expect(await backup.conclude()).toMatchObject({ phase: "Succeeded" });
  expectSameData(await describeData(carts), await describeData(target));
  const { namespace } = scene;
  const labels = { backend: "s3", bucket: "vault", prefix: "shop/carts" };
  expect([...(await seriesOf(scene, labels))]).toContainEqual(["stash_repository_integrity", 1]);
  expect(await scene.repositoryStatus()).toMatchObject({ integrity: true, snapshotCount: 1 });
  expect(refusal?.exitCode).toBeGreaterThan(0);
  expect(refusal?.report?.message).toMatch(/certificate/i);
  expect(await refused.conclude()).toMatchObject({ phase: "Failed" });
  expect(namespace).not.toBe(distrustful.namespace);
});

test("Stash's own Tasks with our image come to the same end", async () => {
  await using target = await startRedis();
  const scene = await makeScene(world, { databases: { carts: carts.port, copy: target.port }, tasks: "stash" });
  await using backup = await scene.backup();

  const outcomes = await backup.pod.run();
  const output = JSON.parse(readFileSync(backup.pod.pathOf("/stash-tmp/output/output.json"), "utf8"));
  const ended = await backup.conclude();
  const snapshot = output.targetStatus.stats[0].snapshots[0].name;
  await using restore = await scene.restore("copy", { snapshot });
  const restored = await restore.pod.run();
  const restoreEnded = await restore.conclude();

  expect(backup.jobs[0]?.spec.template.spec.initContainers).toHaveLength(1);
  expect(outcomes.map(({ exitCode, report }) => [exitCode, report?.warnings])).toEqual([
    [0, []],
    [0, []],
  ]);
  expect(describeForm(ended)).toEqual(stashForm());
  expect(ended).toMatchObject({ phase: "Succeeded", targets: [{ phase: "Succeeded", stats: output.targetStatus.stats }] });
  expect(await scene.repositoryStatus()).toMatchObject({ integrity: true, snapshotCount: 1, firstBackupTime: expect.stringMatching(TIME) });
  expect(restored.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(restoreEnded).toMatchObject({ phase: "Succeeded", stats: [{ phase: "Succeeded" }] });
  expectSameData(await describeData(carts), await describeData(target));
  expect(Object.fromEntries(await seriesOf(scene))).toMatchObject({
    stash_backup_host_backup_success: 1,
    stash_backup_host_data_size_bytes: outcomes[0]?.report?.snapshot?.rawBytes,
    stash_backup_host_data_uploaded_bytes: outcomes[0]?.report?.snapshot?.storedBytes,
    stash_repository_integrity: 1,
    stash_restore_host_restore_success: 1,
  });
});

test("the targets of a batch wait for one another, and each has its metrics; others in the repository keep their snapshots (R25)", async () => {
  const retentionPolicy = { name: "one", keepLast: 1, prune: true };
  const databases = { carts: carts.port, orders: orders.port, strangers: orders.port };
  const scene = await makeScene(world, { databases, retentionPolicy, batch: ["carts", "orders"] });
  for (const _ of [1, 2]) {
    await using strange = await scene.backup({ invoker: "strangers", post: [] });
    await strange.pod.run();
  }
  const runs = [];
  for (const _ of [1, 2]) {
    await using batch = await scene.backup();
    const [first, last] = batch.pods as [Pod, Pod];
    const ending = last.start();
    await ending.logged("Waiting for the other targets");
    const started = await batch.status();
    const outcomes = [...(await first.run()), await ending.outcome];
    runs.push({ started, outcomes, ended: await batch.conclude() });
  }

  for (const { started, outcomes, ended } of runs) {
    expect(started.targets).toMatchObject([{ phase: "Running" }, { phase: "Succeeded" }]);
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(ended).toMatchObject({ phase: "Succeeded", targets: [{ phase: "Succeeded" }, { phase: "Succeeded" }] });
  }
  const targets = (await scene.snapshots()).map(({ target }) => target.split("/").at(-1));
  expect(targets.toSorted()).toEqual(["carts", "orders", "strangers", "strangers"]);
  expect(await scene.repositoryStatus()).toMatchObject({ snapshotCount: 4, snapshotsRemovedOnLastCleanup: 2 });
  for (const name of ["carts", "orders"]) {
    expect((await seriesOf(scene, { name, invoker_kind: "BackupBatch" })).get("stash_backup_host_backup_success")).toBe(1);
  }
});

test("over three sessions the policy keeps two snapshots, and what nobody needs is pruned once it is old", async () => {
  const retentionPolicy = { name: "two", keepLast: 2, prune: true };
  const scene = await makeScene(world, { databases: { orders: orders.port }, retentionPolicy });
  const leftOver = join(scene.store, "holdfast/data/20200102T030405Z-0a1b2c3d/dump.rdb/000001.zst.age");
  const seen: Status[] = [];
  const ids: string[] = [];
  for (const value of ["1", "2", "3"]) {
    await orders.cli("set", "order", value);
    if (value === "3") {
      mkdirSync(dirname(leftOver), { recursive: true });
      writeFileSync(leftOver, "of a backup that was killed years ago");
    }
    await using backup = await scene.backup();
    const [outcome] = await backup.pod.run();
    expect(outcome?.exitCode).toBe(0);
    ids.push(outcome?.report?.snapshot?.id ?? "");
    seen.push(await scene.repositoryStatus());
  }

  const kept = (await scene.snapshots()).map(({ id }) => id);
  const verified = await runHoldfast(["verify", "--store", scene.store]);

  expect(seen.map(({ snapshotCount, snapshotsRemovedOnLastCleanup }) => [snapshotCount, snapshotsRemovedOnLastCleanup])).toEqual([
    [1, 0],
    [2, 0],
    [2, 1],
  ]);
  expect(new Set(seen.map(({ firstBackupTime }) => firstBackupTime)).size).toBe(1);
  expect(kept.toSorted()).toEqual(ids.slice(1).toSorted());
  expect(filesIn(join(scene.store, "holdfast/data"))).toHaveLength(3);
  expect(existsSync(leftOver)).toBe(false);
  expect(verified.exitCode).toBe(0);
  expect(Object.fromEntries(await seriesOf(scene))).toMatchObject({
    stash_repository_snapshot_cleaned: 1,
    holdfast_prune_removed_snapshots: 1,
    holdfast_prune_removed_objects: 1,
    holdfast_prune_last_success_timestamp_seconds: expect.any(Number),
  });
});

test("every write of a status was strict, and the API never refused or corrected what the pods asked for", () => {
  const asked = world.audit().filter(({ requestURI }) => !requestURI.includes("selfsubjectaccessreviews"));
  const writes = asked.filter(({ verb }) => !["get", "create"].includes(verb));

  expect(writes.length).toBeGreaterThan(40);
  expect(writes.filter(({ verb, requestURI }) => verb !== "update" || !/\/status\?fieldValidation=Strict$/.test(requestURI))).toEqual([]);
  expect(asked.filter(({ status }) => ![200, 201, 409].includes(status))).toEqual([]);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function describeConditions(status: Status): string[] {
  return (status.conditions as Status[]).map(({ type, status: value, reason }) => `${type} ${value} ${reason}`);
}

/** Paths, with types or with those values that are of a closed set, in no order; a list has one form for all that is in it. */
function describeForm(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path}: ${/(type|reason|phase|status)$/.test(path) ? value : typeof value}`];
  const inner = Object.entries(value).flatMap(([key, each]) => describeForm(each, Array.isArray(value) ? `${path}[]` : `${path}.${key}`));
  return [...new Set(inner)].toSorted();
}

const STASH_FORM = [
  ".conditions[].lastTransitionTime: string",
  ".conditions[].message: string",
  ".conditions[].reason: BackendRepositoryFound",
  ".conditions[].reason: SuccessfullyAppliedRetentionPolicy",
  ".conditions[].reason: SuccessfullyCleanedBackupHistory",
  ".conditions[].reason: SuccessfullyPushedMetrics",
  ".conditions[].reason: SuccessfullyPushedRepositoryMetrics",
  ".conditions[].reason: SuccessfullyVerifiedRepositoryIntegrity",
  ".conditions[].status: True",
  ".conditions[].type: BackendRepositoryInitialized",
  ".conditions[].type: BackupHistoryCleaned",
  ".conditions[].type: MetricsPushed",
  ".conditions[].type: RepositoryIntegrityVerified",
  ".conditions[].type: RepositoryMetricsPushed",
  ".conditions[].type: RetentionPolicyApplied",
  ".phase: Succeeded",
  ".sessionDuration: string",
  ".targets[].conditions[].lastTransitionTime: string",
  ".targets[].conditions[].message: string",
  ".targets[].conditions[].reason: SuccessfullyEnsuredBackupExecutor",
  ".targets[].conditions[].status: True",
  ".targets[].conditions[].type: BackupExecutorEnsured",
  ".targets[].phase: Succeeded",
  ".targets[].postBackupActions[]: string",
  ".targets[].preBackupActions[]: string",
  ".targets[].ref.apiVersion: string",
  ".targets[].ref.kind: string",
  ".targets[].ref.name: string",
  ".targets[].ref.namespace: string",
  ".targets[].stats[].duration: string",
  ".targets[].stats[].hostname: string",
  ".targets[].stats[].phase: Succeeded",
  ".targets[].stats[].snapshots[].fileStats.modifiedFiles: number",
  ".targets[].stats[].snapshots[].fileStats.newFiles: number",
  ".targets[].stats[].snapshots[].fileStats.totalFiles: number",
  ".targets[].stats[].snapshots[].fileStats.unmodifiedFiles: number",
  ".targets[].stats[].snapshots[].name: string",
  ".targets[].stats[].snapshots[].path: string",
  ".targets[].stats[].snapshots[].processingTime: string",
  ".targets[].stats[].snapshots[].totalSize: string",
  ".targets[].stats[].snapshots[].uploaded: string",
  ".targets[].totalHosts: number",
];

/** As Stash leaves a session; where its sample lies beside the checkout, that is compared too. */
function stashForm(): readonly string[] {
  const sample = join(ROOT, "../shared/samples/stash/synthetic/backupsession-status-redis.yaml");
  if (existsSync(sample)) {
    const [session] = documentsIn(readFileSync(sample, "utf8"));
    expect(describeForm(session?.status)).toEqual(STASH_FORM);
  }
  return STASH_FORM;
}
