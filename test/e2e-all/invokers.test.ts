// What can be wrong around a backup, on a real node: objects that are missing, late, refused or in each other's way.

import { PASSPHRASE, repository, STASH, startOperatorScene } from "../e2e/kubernetes/operator-scene.ts";
import { restoreSession, secret } from "../e2e/kubernetes/seed-objects.ts";
import { conditionsOf, endOf, statusOf } from "../e2e/kubernetes/session-end.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { waitForObject, waitForObjects } from "../servers/kubernetes/wait-for-object.ts";
import { startRedis } from "../servers/redis-server.ts";
import { ACCESS_KEY, SECRET_KEY } from "../servers/s3-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, diffData } from "../tools/redis-equality.ts";
import { failureText } from "./failure-text.ts";
import { BETA, type FaultParts, type FaultPlace, inPlace, PASSWORD } from "./fault-place.ts";
import { holdDatabase } from "./held-database.ts";
import { startWire } from "./wire.ts";

let parts: FaultParts;
const stack = new AsyncDisposableStack();
const address = () => ({ host: "127.0.0.1", port: parts.redis.port, password: PASSWORD });

beforeAll(async () => {
  const scene = stack.use(await startOperatorScene());
  const redis = stack.use(await startRedis({ password: PASSWORD }));
  parts = { scene, redis };
  await fillRedis(address());
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

const place = (body: (place: FaultPlace) => Promise<void>) => inPlace(() => parts, body);
const ALPHA = `${STASH}/v1alpha1`;

async function cronJobs({ scene, namespace }: FaultPlace): Promise<readonly KubernetesObject[]> {
  return scene.objects.list("batch/v1", "CronJob", namespace);
}

function sessions({ scene, namespace }: FaultPlace): Promise<readonly KubernetesObject[]> {
  return scene.objects.list(BETA, "BackupSession", namespace);
}

/** A bucket of its own for the Repository, behind `port`. */
async function backend({ scene, namespace }: FaultPlace, port: number): Promise<Readonly<Record<string, unknown>>> {
  const endpoint = `http://${await scene.reach(port)}`;
  return { s3: { endpoint, bucket: namespace, region: "us-east-1", prefix: "late" }, storageSecretName: "storage" };
}

test(
  "a BackupConfiguration waits for its Repository, and has no CronJob before",
  place(async (where) => {
    const { scene, namespace } = where;
    await where.apply({ repository: "late" });
    const waiting = await waitForObject(scene.objects, where.configuration(), (each) => statusOf(each).phase === "NotReady");
    const before = await cronJobs(where);

    await scene.objects.apply(repository(namespace, "late", await backend(where, scene.s3.port)));
    await waitForObject(scene.objects, where.configuration(), (each) => statusOf(each).phase === "Ready");
    await where.start("at-last");
    await where.end("at-last");

    expect(conditionsOf(statusOf(waiting))).toContain("RepositoryFound False");
    expect(before).toEqual([]);
    expect((await cronJobs(where)).map(({ metadata }) => metadata.name)).toEqual(["stash-trigger-nightly"]);
  }),
  300_000,
);

test(
  "a paused BackupConfiguration fires no more, but a session that somebody makes by hand runs",
  place(async (where) => {
    await where.configure({ spec: { paused: true } });

    await where.start("by-hand");
    await where.end("by-hand");

    expect((await cronJobs(where)).map(({ spec }) => (spec as { suspend: boolean }).suspend)).toEqual([true]);
  }),
  300_000,
);

test(
  "of three backups one after the other, a history of one keeps the last, and the Jobs of the others go with them",
  place(async (where) => {
    await where.configure({ spec: { backupHistoryLimit: 1 } });

    for (const name of ["first", "second", "third"]) {
      await where.start(name);
      await where.end(name);
    }

    const place = { apiVersion: BETA, kind: "BackupSession", namespace: where.namespace };
    const left = await waitForObjects(where.scene.objects, place, (all) => all.length === 1);
    expect(left.map(({ metadata }) => metadata.name)).toEqual(["third"]);
    const jobs = { apiVersion: "batch/v1", kind: "Job", namespace: where.namespace };
    await waitForObjects(where.scene.objects, jobs, (all) => all.map(({ metadata }) => metadata.name).join() === "stash-backup-third-0");
    const cellar = await where.scene.objects.get({
      apiVersion: ALPHA,
      kind: "Repository",
      metadata: { namespace: where.namespace, name: "cellar" },
    });
    expect(cellar.status).toMatchObject({ snapshotCount: 3, integrity: true });
  }),
  300_000,
);

test(
  "a second session of the same BackupConfiguration is skipped while the first runs",
  place(async (where) => {
    await where.configure({ spec: { backupHistoryLimit: 5 } });
    await using held = await holdDatabase(where.redis);
    await where.start("first");
    await held.reached();

    await where.start("second");
    const skipped = await where.end("second", "Skipped");
    const running = await where.scene.objects.get(where.session("first"));
    await held.release();
    await where.end("first");

    expect(statusOf(running).phase).toBe("Running");
    expect(failureText(skipped)).toContain('"first"');
    expect(await where.jobs()).toHaveLength(1);
  }),
  300_000,
);

test(
  "two BackupConfigurations of one database take turns, and both succeed",
  place(async (where) => {
    await where.configure();
    await where.configure({ name: "daily" });
    await using held = await holdDatabase(where.redis);
    await where.start("one");
    await held.reached();

    await where.start("other", { configuration: "daily" });
    const waiting = await waitForObject(where.scene.objects, where.session("other"), (each) => statusOf(each).phase === "Pending");
    const atOnce = await where.jobs();
    await held.release();
    const [one, other] = [await where.end("one"), await where.end("other")];

    expect(statusOf(waiting).phase).toBe("Pending");
    expect(atOnce.map(({ metadata }) => metadata.name)).toEqual(["stash-backup-one-0"]);
    const timeOf = (session: KubernetesObject, type: string) =>
      Date.parse(
        (session.status as { conditions: readonly { type: string; lastTransitionTime: string }[] }).conditions.find(
          (each) => each.type === type,
        )?.lastTransitionTime as string,
      );
    const [begun] = (await where.jobs()).filter(({ metadata }) => metadata.name === "stash-backup-other-0");
    expect(Date.parse(begun?.metadata.creationTimestamp as string)).toBeGreaterThanOrEqual(timeOf(one, "MetricsPushed"));
    expect(timeOf(other, "MetricsPushed")).toBeGreaterThanOrEqual(timeOf(one, "MetricsPushed"));
  }),
  300_000,
);

test(
  "a RestoreSession whose target holds data has failed, with what it found, and changes nothing",
  place(async (where) => {
    const { scene, namespace, nightly } = where;
    await where.configure();
    await where.start("before");
    await where.end("before");
    const data = await describeData(address());

    await scene.objects.apply(restoreSession({ ...nightly, name: "into-data", task: "holdfast-redis-restore" }));
    const restore = { apiVersion: BETA, kind: "RestoreSession", metadata: { namespace, name: "into-data" } };
    const ended = await endOf(scene.objects, restore, { wanted: "Failed" });

    expect(failureText(ended)).toMatch(/database 0 holds \d+ keys/);
    expect(diffData(data, await describeData(address()))).toEqual([]);
  }),
  300_000,
);

test(
  "hooks are refused by name, before any backup or restore is made without them",
  place(async (where) => {
    const { scene, namespace, nightly } = where;
    const exec = { exec: { command: ["true"] } };
    await where.apply({ spec: { hooks: { preBackup: exec } } });
    await scene.objects.apply(
      restoreSession({ ...nightly, name: "hooked", task: "holdfast-redis-restore", spec: { hooks: { preRestore: exec } } }),
    );

    const configuration = await waitForObject(scene.objects, where.configuration(), (each) => statusOf(each).phase === "Invalid");
    const restore = { apiVersion: BETA, kind: "RestoreSession", metadata: { namespace, name: "hooked" } };
    const restored = await waitForObject(scene.objects, restore, (each) => ["Invalid", "Failed"].includes(statusOf(each).phase ?? ""));
    await where.start("unhooked");
    const skipped = await where.end("unhooked", "Skipped");

    for (const each of [configuration, restored, skipped]) expect(failureText(each)).toMatch(/hooks/);
    expect(await cronJobs(where)).toEqual([]);
    expect(await scene.objects.list("batch/v1", "Job", namespace)).toEqual([]);
  }),
  300_000,
);

test(
  "BackupBatch, RestoreBatch and BackupBlueprint are refused by name",
  place(async (where) => {
    const { scene, namespace, nightly } = where;
    const { objects } = scene;
    const member = {
      target: { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "database" } },
      task: { name: nightly.task },
    };
    const common = { repository: { name: "cellar" } };
    const retentionPolicy = { name: "keep-last-5", keepLast: 5, prune: true };
    const batch = { apiVersion: BETA, kind: "BackupBatch", metadata: { namespace, name: "both" } };
    const restoreBatch = { apiVersion: BETA, kind: "RestoreBatch", metadata: { namespace, name: "both-back" } };
    await objects.apply({ ...batch, spec: { ...common, schedule: "0 0 1 1 *", retentionPolicy, members: [member] } });
    await objects.apply({ ...restoreBatch, spec: { ...common, members: [member] } });
    const blueprintSpec = { backend: await backend(where, scene.s3.port), schedule: "0 0 1 1 *", retentionPolicy };
    const blueprint = { apiVersion: BETA, kind: "BackupBlueprint", metadata: { name: namespace } };
    await objects.apply({ ...blueprint, spec: blueprintSpec });
    const spec = { invoker: { apiGroup: STASH, kind: "BackupBatch", name: "both" } };
    await objects.apply({ ...where.session("of-a-batch"), spec });

    const refused = [
      await waitForObject(objects, batch, (each) => statusOf(each).phase === "Invalid"),
      await waitForObject(objects, restoreBatch, (each) => statusOf(each).phase === "Invalid"),
      await where.end("of-a-batch", "Skipped"),
    ];
    const events = { apiVersion: "v1", kind: "Event", namespace: "default" };
    const isOfBlueprint = ({ involvedObject }: KubernetesObject) => (involvedObject as { name: string }).name === namespace;
    const told = (await waitForObjects(objects, events, (all) => all.some(isOfBlueprint))).find(isOfBlueprint);

    for (const each of refused) expect(failureText(each)).toMatch(/(BackupBatch|RestoreBatch|BackupBatches).* not supported/);
    expect(told).toMatchObject({
      type: "Warning",
      reason: "NotSupported",
      message: expect.stringContaining("BackupBlueprint is not supported"),
    });
    expect(await cronJobs(where)).toEqual([]);
    expect(await objects.list("batch/v1", "Job", namespace)).toEqual([]);
  }),
  300_000,
);

/** A Repository "shared" in another namespace, whose usage policy says so. */
async function shareRepository({ scene, namespace }: FaultPlace, usagePolicy: object | undefined): Promise<string> {
  const { objects, s3 } = scene;
  const other = await objects.createNamespace();
  await s3.createBucket(other);
  await objects.apply(
    secret(other, "storage", { RESTIC_PASSWORD: PASSPHRASE, AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY }),
  );
  const s3Backend = { endpoint: `http://${await scene.reach(s3.port)}`, bucket: other, region: "us-east-1", prefix: namespace };
  const shared = repository(other, "shared", { s3: s3Backend, storageSecretName: "storage" });
  await objects.apply({ ...shared, spec: { ...(shared.spec as object), ...(usagePolicy === undefined ? {} : { usagePolicy }) } });
  return other;
}

test(
  "a Repository of another namespace that lets everybody in is backed up to, and restored from",
  place(async (where) => {
    const { scene, namespace, nightly } = where;
    const other = await shareRepository(where, { allowedNamespaces: { from: "All" } });
    const spec = { repository: { name: "shared", namespace: other } };
    await where.configure({ spec });
    const data = await describeData(address());

    await where.start("abroad");
    await where.end("abroad");
    await parts.redis.cli("flushall");
    await parts.redis.cli("function", "flush");
    await scene.objects.apply(restoreSession({ ...nightly, name: "home", task: "holdfast-redis-restore", spec }));
    await endOf(scene.objects, { apiVersion: BETA, kind: "RestoreSession", metadata: { namespace, name: "home" } });

    expect(diffData(data, await describeData(address()))).toEqual([]);
    const shared = await scene.objects.get({ apiVersion: ALPHA, kind: "Repository", metadata: { namespace: other, name: "shared" } });
    const invokers = (shared.status as { references: readonly object[] }).references;
    expect(shared.status).toMatchObject({ snapshotCount: 1, integrity: true });
    expect(invokers).toContainEqual(expect.objectContaining({ kind: "BackupConfiguration", namespace, name: "nightly" }));
  }),
  300_000,
);

test(
  "a Repository of another namespace that says nothing of others is used by nobody there",
  place(async (where) => {
    const other = await shareRepository(where, undefined);
    await where.apply({ spec: { repository: { name: "shared", namespace: other } } });

    const invalid = await waitForObject(where.scene.objects, where.configuration(), (each) => statusOf(each).phase === "Invalid");
    await where.start("abroad");
    const skipped = await where.end("abroad", "Skipped");

    expect(failureText(invalid)).toContain("ValidationPassed ResourceValidationFailed");
    expect(failureText(skipped)).toContain("ValidationPassed is False");
    expect(await cronJobs(where)).toEqual([]);
    expect(await where.jobs()).toEqual([]);
    expect(await sessions(where)).toHaveLength(1);
  }),
  300_000,
);

test(
  "a store that is down fails the session, and the next try succeeds once it is back",
  place(async (where) => {
    const { scene, namespace } = where;
    await using wire = await startWire({ port: scene.s3.port });
    await scene.objects.apply(repository(namespace, "far", await backend(where, wire.port)));
    await where.configure({ repository: "far", spec: { retryConfig: { maxRetry: 1, delay: "10s" }, backupHistoryLimit: 5 } });
    await wire.cut();

    await where.start("in-vain", { retryLeft: 1 });
    const failed = await where.end("in-vain", "Failed");
    await wire.mend();
    const both = await waitForObjects(scene.objects, { apiVersion: BETA, kind: "BackupSession", namespace }, (all) => all.length === 2);
    const second = both.find(({ metadata }) => metadata.name !== "in-vain") as KubernetesObject;
    await where.end(second.metadata.name);

    expect(failureText(failed)).toMatch(/ECONNREFUSED|store|S3/i);
    expect(second).toMatchObject({ spec: { retryLeft: 0 }, metadata: { annotations: { "holdfast/retry-of": failed.metadata.uid } } });
    await waitForObject(scene.objects, where.session("in-vain"), ({ status }) => (status as { retried?: boolean }).retried === true);
    expect(await sessions(where)).toHaveLength(2);
  }),
  400_000,
);
