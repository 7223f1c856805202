import type { Fields, LiveObject } from "../../../operator/objects.ts";
import { reconcileTriggerJob as reconciler } from "../../../operator/reconcile-trigger-job.ts";
import { backupConfiguration, InvokerWorld } from "./invoker-world.ts";

const JOB = { namespace: "shop", name: "stash-trigger-nightly-29692980" };
const MANAGED = { "app.kubernetes.io/managed-by": "stash.appscode.com" };
const TIME = "2026-11-22T03:00:00Z";

function owner({ apiVersion, kind, metadata }: LiveObject): Fields {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

function trigger(status: Fields, { labels = {}, pod }: { labels?: Record<string, string>; pod?: Fields } = {}): InvokerWorld {
  const world = new InvokerWorld();
  const invoker = world.api.put(backupConfiguration());
  const metadata = { namespace: "shop", name: "stash-trigger-nightly", labels: MANAGED, ownerReferences: [owner(invoker)] };
  const cronJob = world.api.put({ apiVersion: "batch/v1", kind: "CronJob", metadata, spec: {} } as never);
  const marked = { ...MANAGED, "stash.appscode.com/delete-job-on-completion": "true", ...labels };
  const template = { spec: { containers: [{ name: "stash-trigger" }] } };
  const job = world.api.put({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { ...JOB, labels: marked, ownerReferences: [owner(cronJob)] },
    spec: { template },
    status,
  } as never);
  if (pod !== undefined) {
    const name = `${JOB.name}-abcde`;
    world.api.put({
      ...{ apiVersion: "v1", kind: "Pod", spec: {}, status: pod },
      metadata: { namespace: "shop", name, labels: MANAGED, ownerReferences: [owner(job)] },
    } as never);
  }
  return world;
}

const condition = (type: string, fields: Fields = {}) => ({ conditions: [{ type, status: "True", lastTransitionTime: TIME, ...fields }] });
const FAILED = condition("Failed", { reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" });

test("a trigger that is done is removed once its CronJob's controller has seen it", async () => {
  const world = trigger({ ...condition("Complete"), completionTime: TIME });

  const { wakeAt } = await world.pass(reconciler, JOB);
  expect(wakeAt).toEqual(new Date("2026-11-22T03:00:05Z"));
  expect(world.api.peek("Job", JOB)).toBeDefined();
  await world.clock.advance(5_000);
  await world.pass(reconciler, JOB);

  expect(world.api.peek("Job", JOB)).toBeUndefined();
  expect(world.events).toEqual([]);
});

test("a Job of anybody else is left alone", async () => {
  const world = trigger(condition("Complete"), { labels: { "stash.appscode.com/delete-job-on-completion": "false" } });

  await world.clock.advance(60_000);
  await world.pass(reconciler, JOB);

  expect(world.api.peek("Job", JOB)).toBeDefined();
});

test("a session's Job is no trigger, whatever labels its invoker has", async () => {
  const world = trigger(condition("Complete"));
  const owned = world.api.peek("Job", JOB) as LiveObject;
  const session = { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", name: "nightly-1", uid: "u-1", controller: true };
  world.api.put({ ...owned, metadata: { ...owned.metadata, ownerReferences: [{ ...session, blockOwnerDeletion: true }] } } as never);

  await world.clock.advance(60_000);
  await world.pass(reconciler, JOB);

  expect(world.api.peek("Job", JOB)).toBeDefined();
});

test("a trigger that failed is told of on its BackupConfiguration with the program's own words, once, and its Job stays", async () => {
  const message = JSON.stringify({ code: 41, reason: "Forbidden", message: "Not allowed to create backupsessions", hint: "Grant it" });
  const terminated = { exitCode: 41, reason: "Error", message, finishedAt: TIME };
  const world = trigger(FAILED, { pod: { phase: "Failed", containerStatuses: [{ name: "stash-trigger", state: { terminated } }] } });

  await world.settle(reconciler, JOB);
  await world.clock.advance(7_200_000);
  await world.settle(reconciler, JOB);

  expect(world.events).toMatchObject([
    {
      type: "Warning",
      reason: "TriggerFailed",
      involvedObject: { kind: "BackupConfiguration", namespace: "shop", name: "nightly" },
      message: `Job "${JOB.name}" started no backup (Forbidden): Not allowed to create backupsessions; Grant it`,
    },
  ]);
  expect(world.api.peek("Job", JOB)?.metadata.annotations).toMatchObject({ "holdfast/failure-told": "true" });
});

test("one whose pods are gone is told of all the same, on the Job where its invoker is gone, too", async () => {
  const world = trigger(FAILED);
  world.api.delete("BackupConfiguration", { namespace: "shop", name: "nightly" });

  await world.pass(reconciler, JOB);

  expect(world.events).toMatchObject([{ reason: "TriggerFailed", involvedObject: { kind: "Job", name: JOB.name } }]);
});

test("one that waits for its image is told of now, and again as failed when it waited too long; its Job is left to come right", async () => {
  const waiting = { reason: "ImagePullBackOff", message: "Back-off pulling image" };
  const pod = { phase: "Pending", startTime: TIME, containerStatuses: [{ name: "stash-trigger", state: { waiting } }] };
  const world = trigger({ active: 1, startTime: TIME }, { pod });

  const { wakeAt } = await world.pass(reconciler, JOB);
  expect(wakeAt).toBeDefined();
  await world.clock.advance((wakeAt as Date).getTime() - world.clock.now().getTime());
  const later = await world.pass(reconciler, JOB);
  await world.clock.advance(later.wakeAt === undefined ? 0 : later.wakeAt.getTime() - world.clock.now().getTime());
  await world.pass(reconciler, JOB);

  expect(world.events.map(({ reason }) => reason)).toEqual(["TriggerDelayed", "TriggerFailed"]);
  expect(world.api.peek("Job", JOB)?.metadata).not.toHaveProperty("annotations");
});

test("one that runs is left alone", async () => {
  const running = {
    phase: "Running",
    startTime: TIME,
    containerStatuses: [{ name: "stash-trigger", state: { running: { startedAt: TIME } } }],
  };
  const world = trigger({ active: 1, startTime: TIME }, { pod: running });

  expect(await world.pass(reconciler, JOB)).toMatchObject({ actions: [] });
});
