import { readdirSync } from "node:fs";
import { truncate } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Status } from "../../runner/kubernetes/cluster.ts";
import { freePort } from "../servers/free-port.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { flipBit } from "../tools/flip-bit.ts";
import { type BackupRun, makeScene, type Scene } from "./session-scene.ts";
import { type SessionWorld, startSessionWorld } from "./session-world.ts";

let world: SessionWorld;
let redis: RedisServer;

beforeAll(async () => {
  [world, redis] = await Promise.all([startSessionWorld(), startRedis()]);
  for (let key = 0; key < 20; key += 1) await redis.cli("set", `key-${key}`, "v");
}, 1_800_000);
afterEach(() => redis.cli("config", "set", "rdb-key-save-delay", "0"));
afterAll(async () => {
  await redis.stop();
  await world[Symbol.asyncDispose]();
});

const impatient = { waitTimeout: "1" };

/** The database's snapshot takes so long from now on. */
async function slowDown(seconds: number): Promise<void> {
  await redis.cli("config", "set", "rdb-key-save-delay", String(Math.round((seconds * 1e6) / 20)));
}

function hostIn(status: Status, target = 0): Status {
  const entry = (status.targets as Status[])[target] as { stats?: Status[] };
  return entry.stats?.[0] ?? {};
}

function conditionIn(status: Status, type: string): Status | undefined {
  return ((status.conditions ?? []) as Status[]).find((condition) => condition.type === type);
}

async function gaugeOf({ namespace }: Scene, name: string): Promise<number | undefined> {
  return (await world.gateway.series()).find((series) => series.name === name && series.labels.namespace === namespace)?.value;
}

test("a database that is down fails its host and, once the session is concluded, the session; the exit code says why", async () => {
  const scene = await makeScene(world, { databases: { down: await freePort() }, params: impatient });
  await using backup = await scene.backup();

  const [outcome] = await backup.pod.run();
  const running = await backup.status();
  const ended = await backup.conclude();

  expect(outcome).toMatchObject({ exitCode: 20, report: { reason: "DatabaseUnreachable" } });
  expect(running).toMatchObject({ phase: "Running", targets: [{ phase: "Failed" }] });
  expect(hostIn(running)).toMatchObject({ hostname: "host-0", phase: "Failed", error: expect.stringContaining("127.0.0.1") });
  expect(ended.phase).toBe("Failed");
  expect(await scene.events(backup.name)).toMatchObject([{ type: "Warning", reason: "HostBackupFailed" }]);
  expect(await gaugeOf(scene, "stash_backup_host_backup_success")).toBe(0);
  expect(await gaugeOf(scene, "holdfast_backup_exit_code")).toBe(20);
  expect(await scene.repositoryStatus()).toEqual({});
});

test("in Stash's Task the failure travels in output.json, and both steps exit with 0 once the session tells it", async () => {
  const scene = await makeScene(world, { databases: { down: await freePort() }, params: impatient, tasks: "stash" });
  await using backup = await scene.backup();

  const outcomes = await backup.pod.run();
  const ended = await backup.conclude();

  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(ended).toMatchObject({ phase: "Failed", targets: [{ phase: "Failed" }] });
  expect(hostIn(ended)).toMatchObject({ phase: "Failed", error: expect.stringContaining("127.0.0.1") });
  expect(await gaugeOf(scene, "stash_backup_host_backup_success")).toBe(0);
});

test("the outcome of a session that vanished is told by update-status's exit code (R4)", async () => {
  const scene = await makeScene(world, { databases: { db: redis.port }, tasks: "stash" });
  await using backup = await scene.backup();
  const session = { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata: { ...nameOf(backup, scene) } };

  const outcomes = await backup.pod.run({ before: () => world.kubernetes.objects.delete(session) });

  expect(outcomes).toHaveLength(2);
  expect(outcomes[0]?.exitCode).toBe(0);
  expect(outcomes[1]).toMatchObject({ exitCode: 2, report: { reason: "ObjectNotFound" } });
});

test("a wrong passphrase makes no new repository, and the session says so (R10)", async () => {
  const scene = await makeScene(world, { databases: { db: redis.port } });
  await using good = await scene.backup();
  await good.pod.run();
  const files = filesIn(scene.store);
  await scene.passphrase("another passphrase than before");
  await using backup = await scene.backup();

  const [outcome] = await backup.pod.run();
  const ended = await backup.conclude();

  expect(outcome?.exitCode).toBe(12);
  expect(conditionIn(ended, "BackendRepositoryInitialized")).toMatchObject({
    status: "False",
    reason: "FailedToInitializeBackendRepository",
    message: expect.stringContaining("passphrase"),
  });
  expect(hostIn(ended)).toMatchObject({ phase: "Failed" });
  expect(ended.phase).toBe("Failed");
  expect(filesIn(scene.store)).toEqual(files);
});

test.each([
  ["holdfast-redis", flipBit],
  // its step verifies a share of the objects, and the size of all
  ["stash", (path: string) => truncate(path, 100)],
] as const)(
  "a damaged object turns integrity false in status and gauge, and nothing is removed (D16), with the Task of %s",
  async (tasks, damage) => {
    const retentionPolicy = { name: "one", keepLast: 1, prune: true };
    const params = { integritySample: "100" };
    const scene = await makeScene(world, { databases: { db: redis.port }, retentionPolicy, params, tasks });
    await using good = await scene.backup();
    await good.pod.run();
    const integrity = (await scene.repositoryStatus()).integrity;
    const [object] = filesIn(join(scene.store, "holdfast/data")) as [string];
    await damage(join(scene.store, "holdfast/data", object));
    await redis.cli("incr", "changes");
    await using backup = await scene.backup();

    const outcomes = await backup.pod.run();
    const ended = await backup.conclude();

    expect(integrity).toBe(true);
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual(tasks === "stash" ? [0, 0] : [3]);
    expect(hostIn(ended)).toMatchObject({ phase: "Succeeded" });
    expect(ended.phase).toBe("Failed");
    expect(conditionIn(ended, "RepositoryIntegrityVerified")).toMatchObject({
      status: "False",
      message: expect.stringContaining(object.split("/")[0] as string),
    });
    expect(conditionIn(ended, "RetentionPolicyApplied")).toMatchObject({ status: "False", reason: "FailedToApplyRetentionPolicy" });
    expect(await scene.repositoryStatus()).toMatchObject({ integrity: false, snapshotCount: 2 });
    expect(await gaugeOf(scene, "stash_repository_integrity")).toBe(0);
    expect(await gaugeOf(scene, "stash_appscode_com_repository_integrity")).toBe(0);
    expect(await gaugeOf(scene, "stash_backup_host_backup_success")).toBe(1);
    expect(await scene.snapshots()).toHaveLength(2);
  },
);

test("a gateway that never answers delays a session by some ten seconds and fails nothing (R1)", async () => {
  const sockets: Socket[] = [];
  await using silent = await listen(createServer((socket) => void sockets.push(socket)));
  const scene = await makeScene(world, { databases: { db: redis.port }, pushgatewayUrl: `http://127.0.0.1:${portOf(silent)}` });
  await using backup = await scene.backup();

  const [outcome] = await backup.pod.run();
  const ended = await backup.conclude();
  for (const socket of sockets) socket.destroy();

  expect(outcome).toMatchObject({ exitCode: 0, report: { warnings: [{ reason: "FailedToPushMetrics" }] } });
  expect(outcome?.report?.durationSeconds).toBeGreaterThan(9);
  expect(outcome?.report?.durationSeconds).toBeLessThan(20);
  expect(ended.phase).toBe("Succeeded");
  expect(conditionIn(ended, "RepositoryMetricsPushed")).toMatchObject({ status: "True", reason: "FailedToPushRepositoryMetrics" });
  expect((await scene.events(backup.name)).map(({ reason }) => reason).toSorted()).toEqual(["FailedToPushMetrics", "HostBackupSucceeded"]);
});

test("an API that is away while the backup runs is told the outcome when it is back", async () => {
  const scene = await makeScene(world, { databases: { db: redis.port } });
  await using backup = await scene.backup();
  await slowDown(3);
  const running = backup.pod.start();
  const committed = running.logged("Snapshot committed");
  await running.logged("Backup started");

  await world.kubernetes.stopApi();
  await committed;
  await world.kubernetes.startApi();
  const outcome = await running.outcome;

  expect(outcome).toMatchObject({ exitCode: 0, report: { warnings: [] } });
  expect(await backup.conclude()).toMatchObject({ phase: "Succeeded" });
  expect(await scene.repositoryStatus()).toMatchObject({ integrity: true, snapshotCount: 1 });
});

test("a pod that is told to stop says that its host failed, well within the grace period, and leaves no snapshot", async () => {
  const scene = await makeScene(world, { databases: { db: redis.port } });
  await using backup = await scene.backup();
  await slowDown(600);
  const running = backup.pod.start();
  await running.logged("Backup started");
  const stopped = performance.now();

  running.kill("SIGTERM");
  const outcome = await running.outcome;
  const tookMs = performance.now() - stopped;

  expect(outcome).toMatchObject({ exitCode: 143, report: { reason: "Interrupted" } });
  expect(tookMs).toBeLessThan(20_000);
  expect(await backup.conclude()).toMatchObject({ phase: "Failed", targets: [{ phase: "Failed" }] });
  expect(hostIn(await backup.status())).toMatchObject({ phase: "Failed", error: expect.stringContaining("SIGTERM") });
  expect(await gaugeOf(scene, "holdfast_backup_exit_code")).toBe(143);
  expect(await scene.snapshots()).toEqual([]);
});

test("what a pod did before it was killed on its way to retention is told already (R5)", async () => {
  const databases = { db: redis.port, other: redis.port };
  const scene = await makeScene(world, { databases, batch: ["other", "db"] });
  await using backup = await scene.backup();
  const running = backup.pods[1]?.start();
  await running?.logged("Waiting for the other targets");

  running?.kill("SIGKILL");
  const outcome = await running?.outcome;

  expect(outcome?.signal).toBe("SIGKILL");
  const status = await backup.status();
  expect(hostIn(status, 1)).toMatchObject({ phase: "Succeeded", snapshots: [{ path: "dump.rdb" }] });
  expect(conditionIn(status, "RetentionPolicyApplied")).toBeUndefined();
});

test("a policy that names nothing to keep is refused by name; the backup stands and nothing is removed (R23)", async () => {
  const scene = await makeScene(world, { databases: { db: redis.port }, retentionPolicy: { name: "nothing", prune: true } });
  await using backup = await scene.backup();

  const [outcome] = await backup.pod.run();
  const ended = await backup.conclude();

  expect(outcome).toMatchObject({ exitCode: 2, report: { reason: "PolicyEmpty" } });
  expect(hostIn(ended)).toMatchObject({ phase: "Succeeded" });
  expect(ended).toMatchObject({ phase: "Failed", targets: [{ phase: "Succeeded" }] });
  expect(conditionIn(ended, "RetentionPolicyApplied")).toMatchObject({
    status: "False",
    message: expect.stringContaining("names nothing to keep"),
  });
  expect(await scene.repositoryStatus()).toMatchObject({ integrity: true, snapshotCount: 1 });
});

test("a restore that fails is told in its session, by its exit code and by metrics, over no good one", async () => {
  const scene = await makeScene(world, { databases: { db: redis.port } });
  await using backup = await scene.backup();
  await backup.pod.run();
  await using restore = await scene.restore("db");

  const [outcome] = await restore.pod.run();
  const ended = await restore.conclude();

  expect(outcome?.exitCode).toBe(21);
  expect(ended).toMatchObject({ phase: "Failed", stats: [{ hostname: "host-0", phase: "Failed", error: expect.any(String) }] });
  expect(await scene.events(restore.name)).toMatchObject([{ type: "Warning", reason: "HostRestoreFailed" }]);
  expect(await gaugeOf(scene, "stash_restore_host_restore_success")).toBe(0);
  expect(await gaugeOf(scene, "holdfast_restore_exit_code")).toBe(21);
  expect(await redis.cli("dbsize")).not.toBe("0");
});

test("every write of a status was strict", () => {
  const writes = world.audit().filter(({ verb }) => !["get", "create"].includes(verb));

  expect(writes.length).toBeGreaterThan(30);
  expect(writes.filter(({ verb, requestURI }) => verb !== "update" || !/\/status\?fieldValidation=Strict$/.test(requestURI))).toEqual([]);
});

function nameOf({ name }: BackupRun, { namespace }: Scene) {
  return { namespace, name };
}

/** Paths within the folder, sorted. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

async function listen(server: Server): Promise<Server> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It does not listen");
  return address.port;
}
