import { rm } from "node:fs/promises";
import { ClusterRefusedError, DatabaseUnavailableError, InterruptedError } from "../../runner/errors.ts";
import type { Status } from "../../runner/kubernetes/cluster.ts";
import { runBackupSession } from "../../runner/run-backup-session.ts";
import { failureOf } from "./kubernetes/temporary-manifests.ts";
import { admitted, backupValues, conditionIn, hostIn, makeRunCase, type RunCase, refusing, sampleBackup } from "./run-cases.ts";
import { otherRef, session } from "./session-cases.ts";

const down = sampleBackup(() => Promise.reject(new DatabaseUnavailableError("Nobody answers at canary", { hint: "Start it" })));

async function backUp({ parts }: RunCase, text = "some words") {
  return runBackupSession(
    sampleBackup(() => text),
    backupValues(),
    parts,
  );
}

test("a backup tells of itself before anything follows it, and of all that follows in order (R5)", async () => {
  await using run = await makeRunCase({ policy: { keepLast: 1, prune: true } });
  await backUp(run, "first");
  await using second = await makeRunCase({ policy: { keepLast: 1, prune: true } });
  const seen: { write: string; snapshots: number; host: unknown }[] = [];
  await backUp(second, "first");
  await second.cluster.updateStatus("BackupSession", session, () => ({ targets: [admitted] }));
  second.writes.length = 0;
  second.onWrite(async (write) => {
    seen.push({ write, snapshots: (await second.stored("snapshots")).length, host: hostIn(await second.status())?.phase });
  });

  const success = await backUp(second, "second");

  expect(seen).toEqual([
    { write: "BackupSession", snapshots: 1, host: undefined },
    { write: "BackupSession", snapshots: 2, host: "Succeeded" },
    { write: "Event HostBackupSucceeded", snapshots: 2, host: "Succeeded" },
    { write: "BackupSession", snapshots: 2, host: "Succeeded" },
    { write: "BackupSession", snapshots: 1, host: "Succeeded" },
    { write: "Repository", snapshots: 1, host: "Succeeded" },
    { write: "BackupSession", snapshots: 1, host: "Succeeded" },
  ]);
  expect(((await second.status()).conditions as Status[]).map(({ type, status }) => `${type} ${status}`)).toEqual([
    "BackendRepositoryInitialized True",
    "RepositoryIntegrityVerified True",
    "RetentionPolicyApplied True",
    "RepositoryMetricsPushed True",
  ]);
  expect(await second.snapshots()).toEqual([success.snapshot?.id]);
  expect(run.warnings).toEqual([]);
});

test("a database that fails is told with what a person can do, without secrets, and nothing follows", async () => {
  await using run = await makeRunCase();

  const error = await failureOf(runBackupSession(down, backupValues(), run.parts));

  expect(error).toBeInstanceOf(DatabaseUnavailableError);
  expect(hostIn(await run.status())).toMatchObject({ phase: "Failed", error: "Nobody answers at [redacted]; Start it" });
  expect(run.writes).toEqual(["BackupSession", "BackupSession", "Event HostBackupFailed"]);
  expect(await run.snapshots()).toEqual([]);
});

test.each([
  ["without its invoker", { invoker: null }, "ObjectNotFound"],
  ["of an invoker that is not valid", { invoker: { timeOut: "soon" } }, "InvalidParameters"],
] as const)("a session %s is told so, although the operator writes its target later (R12)", async (_, options, reason) => {
  await using run = await makeRunCase({ ...options, target: undefined });
  const ended = failureOf(backUp(run));
  await run.cluster.updateStatus("BackupSession", session, () => ({ targets: [admitted] }));

  expect(await ended).toMatchObject({ exitCode: 2, reason });
  expect(hostIn(await run.status())).toMatchObject({ phase: "Failed", error: expect.stringContaining("BackupConfiguration") });
});

test("a session that is over time is told so", async () => {
  await using run = await makeRunCase({ invoker: { timeOut: "10ms" } });

  const error = await failureOf(backUp(run));

  expect(error).toMatchObject({ reason: "DeadlineExceeded" });
  expect(hostIn(await run.status())).toMatchObject({ phase: "Failed", error: expect.stringContaining("timeOut of 10ms") });
});

test("a run that is stopped says so, and leaves no snapshot", async () => {
  await using run = await makeRunCase();
  const waiting = sampleBackup(({ signal }) => {
    run.stop.abort(new InterruptedError("SIGTERM"));
    return Promise.reject(signal.reason);
  });

  const error = await failureOf(runBackupSession(waiting, backupValues(), run.parts));

  expect(error).toMatchObject({ exitCode: 143 });
  expect(hostIn(await run.status())).toMatchObject({ phase: "Failed", error: expect.stringContaining("SIGTERM") });
  expect(await run.snapshots()).toEqual([]);
});

test("a good backup that cannot be told of fails, and nothing follows it", async () => {
  const refused = new ClusterRefusedError("No right to write the status");
  await using run = await makeRunCase({ verbs: refusing(refused) });

  const error = await failureOf(backUp(run));

  expect(error).toBe(refused);
  expect(run.writes).toEqual(["BackupSession"]);
  expect(await run.snapshots()).toHaveLength(1);
});

test("a failed backup that cannot be told of fails with its own failure", async () => {
  await using run = await makeRunCase({ verbs: refusing(new ClusterRefusedError("No right to write the status")) });

  expect(await failureOf(runBackupSession(down, backupValues(), run.parts))).toBeInstanceOf(DatabaseUnavailableError);
});

test("what fails after a good backup is the run's failure, and the host stays Succeeded (R23)", async () => {
  await using run = await makeRunCase({ policy: { prune: true } });

  const error = await failureOf(backUp(run));

  expect(error).toMatchObject({ exitCode: 2, reason: "PolicyEmpty" });
  const status = await run.status();
  expect(hostIn(status)).toMatchObject({ phase: "Succeeded" });
  expect(conditionIn(status, "RepositoryIntegrityVerified")).toMatchObject({ status: "True" });
  expect(conditionIn(status, "RetentionPolicyApplied")).toMatchObject({ status: "False" });
  expect(await run.repositoryStatus()).toMatchObject({ integrity: true, snapshotCount: 1 });
});

test("a repository that is damaged loses no snapshot to the policy (D16)", async () => {
  await using run = await makeRunCase();
  await backUp(run, "first");
  await rm((await run.stored("data"))[0] as string);
  await run.cluster.updateStatus("BackupSession", session, () => ({ targets: [admitted] }));

  const error = await failureOf(backUp(run, "second"));

  expect(error).toMatchObject({ exitCode: 3, reason: "VerificationFailed" });
  expect(await run.repositoryStatus()).toMatchObject({ integrity: false, snapshotCount: 2 });
  expect(conditionIn(await run.status(), "RetentionPolicyApplied")).toMatchObject({ status: "False" });
  expect(await run.snapshots()).toHaveLength(2);
});

test("a target that nobody follows up leaves retention and the Repository's status to the last one", async () => {
  const own = { ...admitted, postBackupActions: undefined };
  const other = { ref: otherRef, totalHosts: 1, postBackupActions: admitted.postBackupActions };
  await using run = await makeRunCase({ target: own, otherTargets: [other] });

  await backUp(run);

  expect(run.writes).toEqual(["BackupSession", "BackupSession", "Event HostBackupSucceeded"]);
  expect(await run.repositoryStatus()).toEqual({});
});
