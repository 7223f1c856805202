import { backupSessionFor } from "../../../operator/build/backup-session.ts";
import { NO_RETRY, RETRY_OF } from "../../../operator/names.ts";
import type { Fields, LiveObject } from "../../../operator/objects.ts";
import { reconcileBackupSession } from "../../../operator/reconcile-backup-session.ts";
import type { World } from "../../../operator/world.ts";
import { ClusterRefusedError, ClusterUnavailableError } from "../../../runner/errors.ts";
import type { ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { appBinding, backupConfiguration } from "./invoker-world.ts";
import { JobScript, type Script } from "./job-script.ts";
import { SessionWorld, TARGET } from "./session-world.ts";

/** Passes, with the Job going on in between, until the session is final. */
async function live(world: SessionWorld, name: ObjectName, script: Script = "good"): Promise<LiveObject> {
  const job = new JobScript(world, name, script);
  for (let round = 0; round < 100 && !isFinal(world.session(name)); round += 1) {
    await world.pass(name);
    job.advance();
    await world.clock.advance(5_000);
  }
  return world.session(name);
}

function isFinal({ status }: LiveObject): boolean {
  return ["Succeeded", "Failed", "Skipped"].includes(String(status?.phase));
}

function jobOf(world: SessionWorld): LiveObject {
  const [job, ...others] = world.api.all("Job");
  if (job === undefined || others.length > 0) throw new Error(`There are ${others.length + (job ? 1 : 0)} Jobs`);
  return job;
}

function podSpecOf(job: LiveObject): Fields & { readonly containers: readonly Fields[] } {
  return (job.spec as { readonly template: { readonly spec: Fields & { readonly containers: readonly Fields[] } } }).template.spec;
}

function names(world: SessionWorld): readonly string[] {
  return world.sessions.map(({ metadata }) => metadata.name);
}

function targetConditions(session: LiveObject): readonly Fields[] {
  const [target] = (session.status?.targets ?? []) as readonly { readonly conditions?: readonly Fields[] }[];
  return target?.conditions ?? [];
}

test("from its creation to its end: rights, orders, Job, result, metrics, and nothing after that", async () => {
  const world = new SessionWorld();
  const name = world.newSession("nightly-1");

  const session = await live(world, name);

  expect(session.status).toMatchObject({ phase: "Succeeded", targets: [{ ref: TARGET, totalHosts: 1, phase: "Succeeded" }] });
  const writes = world.api.writes.filter(({ kind }) => kind !== "Event").map(({ verb, kind }) => `${verb} ${kind}`);
  expect(writes).toEqual([
    "create ServiceAccount",
    "create RoleBinding",
    "create Role",
    "create RoleBinding",
    "replaceStatus BackupSession",
    "create Job",
    "replaceStatus BackupSession",
    "replaceStatus BackupSession",
    "replaceStatus BackupSession",
  ]);
  const { get, list } = world.api.calls;
  await world.pass(name);
  expect(world.api.calls).toMatchObject({ get, list });
});

test("a session that another operator began since it was last seen is looked at again, and not begun a second time", async () => {
  const world = new SessionWorld();
  const name = world.newSession("nightly-1");
  const before = world.session(name);
  await world.pass(name);
  const { cached } = world.world;
  const lagging: World = {
    ...world.world,
    cached: (kind, object) => (kind === "BackupSession" ? before : kind === "Job" ? undefined : cached(kind, object)),
  };

  const look = reconcileBackupSession.reconcile(name, lagging);

  await expect(look).rejects.toThrow(ClusterUnavailableError);
  expect(world.api.all("Job")).toHaveLength(1);
});

test("the Job is the session's: its labels let the pods be seen, it runs as the invoker's account, within the session's time", async () => {
  const world = new SessionWorld({ timeOut: "10m" });
  await world.clock.advance(500);
  const name = world.newSession("nightly-1");
  await world.clock.advance(20_000);

  await world.pass(name);

  const job = jobOf(world);
  expect(job.metadata).toMatchObject({
    name: "stash-backup-nightly-1-0",
    ownerReferences: [{ kind: "BackupSession", name: "nightly-1", controller: true }],
  });
  const template = job.spec?.template as { readonly metadata: Fields };
  expect(template.metadata.labels).toMatchObject({ team: "carts", "app.kubernetes.io/managed-by": "stash.appscode.com" });
  expect(podSpecOf(job)).toMatchObject({ serviceAccountName: "backupconfiguration-nightly-0", activeDeadlineSeconds: 580 });
  expect(job.spec).not.toHaveProperty("ttlSecondsAfterFinished");
  expect(job.spec).not.toHaveProperty("activeDeadlineSeconds");
});

test("the operator's image fills Stash's variables, and replaces no Function's own", async () => {
  const world = new SessionWorld();
  const args = ["DOCKER_REGISTRY", "DOCKER_IMAGE", "IMAGE_TAG"].map((part) => `\${STASH_${part}}`);
  world.functions.set("backup", { image: "registry.example/own:7", args });

  await world.pass(world.newSession("nightly-1"));

  const [container] = podSpecOf(jobOf(world)).containers;
  expect(container).toMatchObject({ image: "registry.example/own:7", args: ["registry.example", "holdfast", "1"] });
});

test.each<[string, (world: SessionWorld) => unknown, string]>([
  ["a Task that is not there", (world) => world.tasks.clear(), 'Cannot find Task "redis-backup-7.0.5"'],
  [
    "a variable that nobody knows",
    (world) => world.functions.set("backup", { image: "registry.example/own:7", args: [`\${NOBODY}`] }),
    "NOBODY",
  ],
  ["an AppBinding that is gone", (world) => world.api.delete("AppBinding", TARGET), 'Cannot find AppBinding "shop/carts"'],
])("%s fails the session for good, and says why", async (_, spoil, message) => {
  const world = new SessionWorld();
  spoil(world);

  const session = await live(world, world.newSession("nightly-1"));

  expect(session.status?.phase).toBe("Failed");
  expect(targetConditions(session)).toEqual([
    expect.objectContaining({ type: "BackupExecutorEnsured", status: "False", message: expect.stringContaining(message) }),
  ]);
  expect(world.api.all("Job")).toEqual([]);
});

test("a server that is away for the moment fails the pass, not the session", async () => {
  const world = new SessionWorld();
  const name = world.newSession("nightly-1");
  world.api.failNext(new ClusterUnavailableError("no answer"), { verb: "create", kind: "Job" });

  expect(await world.pass(name)).toBeUndefined();
  expect((await live(world, name)).status?.phase).toBe("Succeeded");
});

test.each(["RoleBinding", "Job"] as const)("a server that refuses the %s fails the session with its words", async (kind) => {
  const world = new SessionWorld();
  world.api.failNext(new ClusterRefusedError("forbidden: exceeded quota"), { verb: "create", kind });

  const session = await live(world, world.newSession("nightly-1"));

  expect(session.status?.phase).toBe("Failed");
  expect(targetConditions(session)[0]).toMatchObject({ status: "False", message: expect.stringContaining("exceeded quota") });
});

test("a Job of that name that is somebody else's is not adopted", async () => {
  const world = new SessionWorld();
  world.api.put({ apiVersion: "batch/v1", kind: "Job", metadata: { name: "stash-backup-nightly-1-0", namespace: "shop" }, spec: {} });

  const session = await live(world, world.newSession("nightly-1"));

  expect(session.status?.phase).toBe("Failed");
  expect(targetConditions(session)[0]).toMatchObject({ type: "BackupExecutorEnsured", status: "False" });
});

test("a session made by hand, without labels, is run and counted like any other (R27)", async () => {
  const world = new SessionWorld();
  const { metadata, ...rest } = backupSessionFor(world.nightly, { name: "by-hand", retryLeft: 0 });
  const name = { namespace: "shop", name: "by-hand" };
  world.api.put({ ...rest, metadata: name });

  expect((await live(world, name)).status?.phase).toBe("Succeeded");

  expect(world.session(name).metadata).toMatchObject({ labels: metadata.labels, ownerReferences: [{ name: "nightly", controller: true }] });
  await live(world, world.newSession("nightly-2"));
  expect(names(world)).toEqual(["nightly-2"]);
});

test("while one runs the next is skipped; when it has ended the one after that runs", async () => {
  const world = new SessionWorld();
  const [first, second] = [world.newSession("nightly-1"), world.newSession("nightly-2")];
  await world.pass(first);

  await world.pass(second);
  await live(world, first);

  expect(world.session(second).status?.phase).toBe("Skipped");
  expect((await live(world, world.newSession("nightly-3"))).status?.phase).toBe("Succeeded");
});

test("two invokers of one target, in two namespaces: one backup after the other", async () => {
  const world = new SessionWorld();
  const other = { namespace: "cellar", name: "weekly" };
  const spec = {
    target: { ref: { kind: "AppBinding", namespace: "shop", name: "carts" } },
    repository: { namespace: "shop", name: "vault" },
  };
  world.api.put({ ...backupConfiguration(spec, other), status: { phase: "Ready", observedGeneration: 1 } });
  const weekly = world.api.peek("BackupConfiguration", other) as LiveObject;
  world.api.put(backupSessionFor(weekly, { name: "weekly-1", retryLeft: 0 }));
  await world.clock.advance(1000);
  const name = world.newSession("nightly-1");

  await world.pass(name);

  expect(world.session(name).status).toMatchObject({ phase: "Pending", targets: [{ ref: TARGET, phase: "Pending" }] });
  expect(world.api.all("Job")).toEqual([]);
  world.api.delete("BackupSession", { namespace: "cellar", name: "weekly-1" });
  expect((await live(world, name)).status?.phase).toBe("Succeeded");
});

test("only namespaces with an invoker of the same target are asked for their sessions", async () => {
  const world = new SessionWorld();
  world.api.put(appBinding({}, { namespace: "cellar", name: "carts" }));
  world.api.put(backupConfiguration({}, { namespace: "cellar", name: "weekly" }));

  await world.pass(world.newSession("nightly-1"));

  expect(world.api.calls.list).toBe(1);
});

test("a failed backup that may end better is tried again, as often as it is wanted and no more", async () => {
  const world = new SessionWorld({ retryConfig: { maxRetry: 2, delay: "1m" }, backupHistoryLimit: 9 });
  let name = world.newSession("nightly-1", 2);

  for (let tries = 0; tries < 3; tries += 1) {
    const failed = await live(world, name, "silent");
    expect(failed.status?.phase).toBe("Failed");
    for (let round = 0; round < 6; round += 1) {
      await world.pass(name);
      await world.clock.advance(30_000);
    }
    const next = world.sessions.find(({ metadata }) => metadata.annotations?.[RETRY_OF] === failed.metadata.uid);
    expect(world.session(name).status?.retried).toBe(tries < 2 ? true : undefined);
    if (next !== undefined) name = { namespace: "shop", name: next.metadata.name };
  }

  expect(world.sessions.map(({ spec }) => spec?.retryLeft)).toEqual([2, 1, 0]);
});

test("a backup that can only fail again is not tried again, and says so", async () => {
  const world = new SessionWorld({ retryConfig: { maxRetry: 2 } });
  const name = world.newSession("nightly-1", 2);
  world.tasks.clear();

  await live(world, name);
  await world.pass(name);

  expect(world.session(name).metadata.annotations?.[NO_RETRY]).toBe("NoExecutor");
  expect(names(world)).toEqual(["nightly-1"]);
  expect(world.api.all("Event").map(({ reason }) => reason)).toContain("BackupNotRetried");
});

test("a Job that is seen to end before its pod is has its pod's reason all the same", async () => {
  const world = new SessionWorld();
  world.arePodsLate = true;

  const session = await live(world, world.newSession("nightly-1"), "outOfMemory");

  expect(session.status?.phase).toBe("Failed");
  expect(targetConditions(session)).toContainEqual(
    expect.objectContaining({ type: "BackupDisrupted", message: expect.stringContaining("OutOfMemory") }),
  );
});

test("history that must not be removed holds no session up: it has failed, says why, and is not tried again", async () => {
  const world = new SessionWorld();
  await live(world, world.newSession("nightly-1"));
  world.api.failNext(new ClusterRefusedError("Forbidden to delete"), { verb: "remove", kind: "BackupSession" });
  const name = world.newSession("nightly-2", 1);

  const session = await live(world, name);
  world.api.delete("Job", { namespace: "shop", name: "stash-backup-nightly-2-0" });
  await world.pass(name);

  expect(session.status).toMatchObject({ phase: "Failed", targets: [{ phase: "Succeeded" }] });
  expect(session.status?.conditions).toContainEqual(
    expect.objectContaining({
      ...{ type: "BackupHistoryCleaned", status: "False", reason: "FailedToCleanBackupHistory" },
      message: expect.stringContaining("Forbidden to delete"),
    }),
  );
  expect(names(world)).toEqual(["nightly-1", "nightly-2"]);
  expect(world.session(name).metadata.annotations).toEqual({ [NO_RETRY]: "HistoryNotCleaned" });
});

test("history: what is beyond the limit goes when a backup has ended", async () => {
  const world = new SessionWorld({ backupHistoryLimit: 2 });

  for (const name of ["nightly-1", "nightly-2", "nightly-3"]) {
    expect((await live(world, world.newSession(name))).status?.phase).toBe("Succeeded");
  }

  expect(names(world)).toEqual(["nightly-2", "nightly-3"]);
});
