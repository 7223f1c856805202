import { rm } from "node:fs/promises";
import { InterruptedError, StoreUnavailableError } from "../../runner/errors.ts";
import type { BackupInvoker, Status } from "../../runner/kubernetes/cluster.ts";
import { type OpenedRepository, runPostBackupActions } from "../../runner/post-backup.ts";
import type { RunParts } from "../../runner/run.ts";
import { openBackupSession } from "../../runner/session.ts";
import type { SessionDelays } from "../../runner/session-object.ts";
import { takePruneLease } from "../../runner/snapshot/prune-lease.ts";
import { openOrCreateRepository } from "../../runner/snapshot/repository.ts";
import { openStore } from "../../runner/storage/open-store.ts";
import { ALL_ACTIONS, admitted, conditionIn, makeRunCase, type RunCase, type RunCaseOptions } from "./run-cases.ts";
import { otherRef, ref, session } from "./session-cases.ts";
import { passphrase, takeSnapshot } from "./snapshot/snapshot-parts.ts";

const finished = { hostname: "host-0", phase: "Succeeded" };

/** Two snapshots of our target, and one of a stranger's, in the repository. */
async function arrange(options: RunCaseOptions = {}) {
  const target = { ...admitted, stats: [finished] };
  const run = await makeRunCase({ target, ...options });
  const store = openStore({ kind: "directory", path: run.store }, {});
  const repository = await openOrCreateRepository(store, { passphrase, warn: () => undefined });
  for (const name of ["stranger", "sample", "sample"]) {
    await takeSnapshot(repository, { "dump.rdb": Buffer.from(name) }, { head: { target: { ...ref, name } } });
  }
  const name = { namespace: "demo", name: "nightly" };
  const invoker: BackupInvoker = await run.cluster.backupInvoker("BackupConfiguration", name);
  const object = { cluster: run.cluster, name: { namespace: "demo", name: "cellar" } };
  return { run, opened: { repository, object, invoker } };
}

interface Choice {
  readonly actions?: readonly string[];
  readonly delays?: Partial<SessionDelays>;
  open?(): Promise<OpenedRepository>;
}

async function follow({ run, opened }: { run: RunCase; opened: OpenedRepository }, choice: Choice = {}) {
  const { actions = ALL_ACTIONS, delays = {}, open = async () => opened } = choice;
  const { signal, log, warn }: RunParts = run.parts;
  const writer = await openBackupSession(run.cluster, { session, target: ref, signal, log, warn, delays: { othersPollMs: 1, ...delays } });
  return runPostBackupActions({ session: writer, actions, open, samplePercent: 100 }, run.parts);
}

async function conditionsOf(run: RunCase): Promise<string[]> {
  return (((await run.status()).conditions ?? []) as Status[]).map(({ type, status }) => `${type} ${status}`);
}

const FAILED = ["RepositoryIntegrityVerified False", "RetentionPolicyApplied False"];

test("a whole repository is verified, then the policy removes what is our own, and all is told", async () => {
  const made = await arrange();
  await using run = made.run;

  const outcome = await follow(made);

  expect(outcome).toMatchObject({
    verification: { isWhole: true },
    retention: { forgotten: [expect.any(String)] },
    snapshots: { count: 2 },
  });
  expect(outcome.failure).toBeUndefined();
  expect(run.writes).toEqual(["BackupSession", "BackupSession", "Repository"]);
  expect(await conditionsOf(run)).toEqual(["RepositoryIntegrityVerified True", "RetentionPolicyApplied True"]);
  expect(await run.repositoryStatus()).toMatchObject({ integrity: true, snapshotCount: 2, snapshotsRemovedOnLastCleanup: 1 });
});

test("where nothing is wanted, nothing is opened", async () => {
  const made = await arrange();
  await using run = made.run;

  expect(await follow(made, { actions: [], open: () => Promise.reject(new Error("It was opened")) })).toEqual({});
  expect(run.writes).toEqual([]);
});

test("damage is told everywhere, and nothing is removed (D16)", async () => {
  const made = await arrange();
  await using run = made.run;
  await rm((await run.stored("data"))[0] as string);

  const outcome = await follow(made);

  expect(outcome).toMatchObject({
    ...{ verification: { isWhole: false }, snapshots: { count: 3 }, isFailureTold: true },
    failure: { exitCode: 3, reason: "VerificationFailed" },
  });
  expect(outcome.retention).toBeUndefined();
  expect(await conditionsOf(run)).toEqual(FAILED);
  expect(await run.repositoryStatus()).toMatchObject({ integrity: false, snapshotCount: 3 });
  expect(await run.snapshots()).toHaveLength(3);
});

test("another target that never ends keeps the repository as it is, and is named", async () => {
  const made = await arrange({ otherTargets: [{ ref: otherRef, totalHosts: 1 }] });
  await using run = made.run;

  const outcome = await follow(made, { delays: { othersWaitMs: 5 } });

  expect(outcome).toMatchObject({ failure: { reason: "OtherTargetsNotFinished" }, isFailureTold: true });
  expect(await conditionsOf(run)).toEqual(FAILED);
  expect(conditionIn(await run.status(), "RetentionPolicyApplied")?.message).toContain("demo/other");
  expect(await run.snapshots()).toHaveLength(3);
});

test("a repository that cannot be opened is told by the conditions of all that was wanted of it", async () => {
  const made = await arrange();
  await using run = made.run;
  const away = new StoreUnavailableError("No answer");

  const outcome = await follow(made, { open: () => Promise.reject(away) });

  expect(outcome).toEqual({ failure: away, isFailureTold: true });
  expect(await conditionsOf(run)).toEqual(FAILED);
  expect(await run.repositoryStatus()).toEqual({});
});

test("an action that nobody knows is named; the others are done, and no condition tells of it", async () => {
  const made = await arrange();
  await using run = made.run;

  const outcome = await follow(made, { actions: ["CoolDown", ...ALL_ACTIONS] });

  expect(outcome).toMatchObject({ failure: { message: expect.stringContaining('"CoolDown"') }, isFailureTold: false });
  expect(await conditionsOf(run)).toEqual(["RepositoryIntegrityVerified True", "RetentionPolicyApplied True"]);
});

test("what an earlier try has done is not done again", async () => {
  const made = await arrange();
  await using run = made.run;
  const conditions = ["RepositoryIntegrityVerified", "RetentionPolicyApplied"].map((type) => ({ type, status: "True", reason: "Earlier" }));
  await run.cluster.updateStatus("BackupSession", session, (status) => ({ ...status, conditions }));

  const outcome = await follow(made);

  expect(outcome).not.toHaveProperty("verification");
  expect(outcome).not.toHaveProperty("retention");
  expect(await run.snapshots()).toHaveLength(3);
});

test("what an earlier try found wrong still keeps everything as it is", async () => {
  const found = { type: "RepositoryIntegrityVerified", status: "False", reason: "Damaged", message: "An object is gone" };
  const made = await arrange();
  await using run = made.run;
  await run.cluster.updateStatus("BackupSession", session, (status) => ({ ...status, conditions: [found] }));

  const outcome = await follow(made);

  expect(outcome).toMatchObject({ failure: { reason: "FailedBefore" }, isFailureTold: true });
  expect(await run.snapshots()).toHaveLength(3);
  expect(outcome.retention).toBeUndefined();
  expect(await conditionsOf(run)).toEqual(FAILED);
});

test("a policy that is only tried removes nothing and says what it would", async () => {
  const made = await arrange({ policy: { keepLast: 1, prune: true, dryRun: true } });
  await using run = made.run;

  await follow(made);

  expect(conditionIn(await run.status(), "RetentionPolicyApplied")?.message).toContain("would remove 1");
  expect(await run.snapshots()).toHaveLength(3);
});

test("a Repository whose status cannot be written is a failure that nobody was told", async () => {
  const made = await arrange();
  await using run = made.run;
  const name = { namespace: "demo", name: "not there" };

  const outcome = await follow(made, { open: async () => ({ ...made.opened, object: { cluster: run.cluster, name } }) });

  expect(outcome).toMatchObject({ failure: { reason: "ObjectNotFound" }, isFailureTold: false });
});

test("a run that is stopped removes nothing, and says so", async () => {
  const made = await arrange();
  await using run = made.run;
  const open = async () => {
    run.stop.abort(new InterruptedError("SIGTERM"));
    return made.opened;
  };

  const outcome = await follow(made, { open });

  expect(outcome).toMatchObject({ failure: { exitCode: 143 } });
  expect(await conditionsOf(run)).toEqual(FAILED);
  expect(await run.snapshots()).toHaveLength(3);
});

test("somebody else who prunes, from whatever cluster, keeps the lease: nothing is pruned beside him (R11)", async () => {
  const made = await arrange({ policy: { keepLast: 1, prune: true } });
  await using run = made.run;
  const holder = "BackupConfiguration elsewhere/other-cluster";
  const lease = await takePruneLease(made.opened.repository.store, { holder, signal: undefined, now: () => new Date() });

  const outcome = await follow(made);

  expect(outcome.retention).toMatchObject({ forgotten: [expect.any(String)], pruned: undefined });
  expect(outcome.failure).toBeUndefined();
  expect(run.warnings.join()).toContain(holder);
  expect(await run.stored("data")).toHaveLength(3);
  await lease.hold();
});
