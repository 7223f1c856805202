import type { Fields, LiveObject } from "../../../operator/objects.ts";
import { type TriggerParameters, triggerSession } from "../../../operator/trigger-session.ts";
import { ClusterRefusedError, ClusterUnavailableError } from "../../../runner/errors.ts";
import { backupConfiguration, InvokerWorld, QUIET } from "./invoker-world.ts";

const MINUTES = Date.parse("2026-11-22T03:00:00Z") / 60_000;
const SESSION = { namespace: "shop", name: `nightly-${MINUTES * 60}` };

function scene(spec: Fields = {}, metadata: Fields = {}): InvokerWorld {
  const world = new InvokerWorld();
  world.api.put(backupConfiguration(spec, metadata));
  return world;
}

function trigger(world: InvokerWorld, parameters: Partial<TriggerParameters> = {}) {
  const parts = { api: world.api, log: QUIET, signal: new AbortController().signal, pauseMs: 1 };
  const jobName = `stash-trigger-nightly-${MINUTES}`;
  return triggerSession({ namespace: "shop", invokerKind: "BackupConfiguration", invokerName: "nightly", jobName, ...parameters }, parts);
}

function session(world: InvokerWorld): LiveObject | undefined {
  return world.api.peek("BackupSession", SESSION);
}

test("the session of the minute that the Job is for, however late it runs", async () => {
  const world = scene({ retryConfig: { maxRetry: 3 } });
  await world.clock.advance(540_000);

  await expect(trigger(world)).resolves.toEqual({ name: SESSION.name, isNew: true });

  const { uid } = world.nightly.metadata;
  expect(session(world)).toMatchObject({
    apiVersion: "stash.appscode.com/v1beta1",
    metadata: {
      labels: {
        team: "carts",
        "app.kubernetes.io/component": "stash-backup",
        "app.kubernetes.io/managed-by": "stash.appscode.com",
        "stash.appscode.com/invoker-type": "BackupConfiguration",
        "stash.appscode.com/invoker-name": "nightly",
        "stash.appscode.com/target-kind": "AppBinding",
        "stash.appscode.com/target-name": "carts",
        "stash.appscode.com/target-namespace": "",
      },
      ownerReferences: [{ kind: "BackupConfiguration", name: "nightly", uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" }, retryLeft: 3 },
  });
});

test.each([
  ["no retryConfig", {}, 0],
  ["Stash's default", { retryConfig: {} }, 1],
  ["none", { retryConfig: { maxRetry: 0 } }, 0],
])("%s: as many tries as there are left", async (_, spec, retryLeft) => {
  const world = scene(spec);

  await trigger(world);

  expect(session(world)?.spec).toMatchObject({ retryLeft });
});

test.each([undefined, "", "by-hand", "by-hand-20261122", "nightly-1234"])(
  "without a minute in the Job's name (%s) the clock counts",
  async (jobName) => {
    const world = scene();
    await world.clock.advance(61_500);

    await expect(trigger(world, { jobName })).resolves.toEqual({ name: `nightly-${MINUTES * 60 + 61}`, isNew: true });
  },
);

test("run again for the same Job it is content with the session that is there", async () => {
  const world = scene();
  await trigger(world);

  await expect(trigger(world)).resolves.toEqual({ name: SESSION.name, isNew: false });

  expect(world.api.all("BackupSession")).toHaveLength(1);
});

test("an answer that was lost is asked for again, and the session that was made is found", async () => {
  const world = scene();
  let isLost = false;
  world.api.afterWrite(({ verb }) => {
    if (verb !== "create" || isLost) return;
    isLost = true;
    throw new ClusterUnavailableError("No answer");
  });

  await expect(trigger(world)).resolves.toEqual({ name: SESSION.name, isNew: false });
});

test("an API that is away for longer fails the trigger, which its Job runs again", async () => {
  const world = scene();
  for (let tries = 0; tries < 10; tries += 1) world.api.failNext(new ClusterUnavailableError("No answer"), { verb: "create" });

  await expect(trigger(world)).rejects.toThrow(ClusterUnavailableError);

  expect(world.api.calls.create).toBe(5);
});

test("what the API refuses is not asked for twice", async () => {
  const world = scene();
  world.api.failNext(new ClusterRefusedError("Not allowed", { reason: "Forbidden" }), { verb: "create" });

  await expect(trigger(world)).rejects.toMatchObject({ reason: "Forbidden" });

  expect(world.api.calls.create).toBe(1);
});

test.each<[string, (world: InvokerWorld) => Fields, RegExp]>([
  [
    "another invoker",
    () => ({ spec: { invoker: { kind: "BackupConfiguration", name: "other" } } }),
    /made for BackupConfiguration "other"/,
  ],
  [
    "a namesake that was deleted",
    () => ({
      spec: { invoker: { kind: "BackupConfiguration", name: "nightly" } },
      ownerReferences: [
        { apiVersion: "stash.appscode.com/v1beta1", kind: "BackupConfiguration", name: "nightly", uid: "u-0", controller: true },
      ],
    }),
    /made for a namesake that was deleted/,
  ],
])("a session of %s that has the name fails the trigger, and the invoker is told", async (_, taken, message) => {
  const world = scene();
  const { spec, ...metadata } = taken(world);
  world.api.put({ apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata: { ...SESSION, ...metadata }, spec });

  await expect(trigger(world)).rejects.toMatchObject({ reason: "NameTaken", message: expect.stringMatching(message) });

  expect(world.events).toMatchObject([
    {
      type: "Warning",
      reason: "TriggerFailed",
      involvedObject: { kind: "BackupConfiguration", name: "nightly" },
      message: expect.stringMatching(message),
    },
  ]);
});

test("a session that somebody made by hand for the same second counts", async () => {
  const world = scene();
  const spec = { invoker: { kind: "BackupConfiguration", name: "nightly" } };
  world.api.put({ apiVersion: "stash.appscode.com/v1beta1", kind: "BackupSession", metadata: { ...SESSION }, spec });

  await expect(trigger(world)).resolves.toMatchObject({ isNew: false });
});

test("a paused invoker is backed up: somebody ran the trigger by hand", async () => {
  const world = scene({ paused: true });

  await expect(trigger(world)).resolves.toMatchObject({ isNew: true });
});

test("an invoker that is being deleted gets no more sessions", async () => {
  const world = scene({}, { finalizers: ["stash.appscode.com"] });
  world.api.delete("BackupConfiguration", { namespace: "shop", name: "nightly" });

  await expect(trigger(world)).rejects.toMatchObject({ reason: "InvokerDeleted" });

  expect(world.api.all("BackupSession")).toEqual([]);
});

test("a BackupBatch, and an invoker that is not there, are refused by name", async () => {
  const world = scene();

  await expect(trigger(world, { invokerKind: "BackupBatch" })).rejects.toMatchObject({
    reason: "NotSupported",
    message: expect.stringContaining('BackupBatch "shop/nightly"'),
  });
  await expect(trigger(world, { invokerName: "gone" })).rejects.toMatchObject({ reason: "ObjectNotFound" });
});

test("a name too long for a label is left out of it, and cut for the session", async () => {
  const name = "n".repeat(70);
  const world = scene({}, { name });

  const made = await trigger(world, { invokerName: name });

  expect(made.name).toHaveLength(63);
  const labels = world.api.peek("BackupSession", { namespace: "shop", name: made.name })?.metadata.labels;
  expect(labels).not.toHaveProperty(["stash.appscode.com/invoker-name"]);
  expect(labels).toHaveProperty(["stash.appscode.com/invoker-type"]);
});
