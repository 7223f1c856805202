import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClusterRefusedError } from "../../../runner/errors.ts";
import type { Status } from "../../../runner/kubernetes/cluster.ts";
import { parseParameters } from "../../../runner/parameters.ts";
import { runBackupSession } from "../../../runner/run-backup-session.ts";
import { updateStatus } from "../../../runner/stash-mode/update-status.ts";
import { readLabels, updateStatusParameters } from "../../../runner/stash-mode/update-status-parameters.ts";
import { failureOf } from "../kubernetes/temporary-manifests.ts";
import {
  admitted,
  backupValues,
  conditionIn,
  hostIn,
  makeRunCase,
  type RunCase,
  type RunCaseOptions,
  refusing,
  sampleBackup,
} from "../run-cases.ts";
import { session } from "../session-cases.ts";

const failed = { hostname: "host-0", phase: "Failed", error: "No database" };

/** A case with one snapshot in the store, of which the session knows nothing yet. */
async function makeUpdate(options: RunCaseOptions = {}): Promise<{ run: RunCase; stats: object }> {
  let isReady = false;
  const run = await makeRunCase({
    ...options,
    target: { ...admitted, postBackupActions: [] },
    invoker: options.invoker ?? {},
    verbs: (cluster) => ({
      updateStatus: (...write) =>
        (isReady ? options.verbs?.(cluster).updateStatus : undefined)?.(...write) ?? cluster.updateStatus(...write),
    }),
  });
  await runBackupSession(
    sampleBackup(() => "some words"),
    backupValues(),
    run.parts,
  );
  const stats = hostIn(await run.status()) as object;
  const target = "target" in options ? options.target : admitted;
  await run.cluster.updateStatus("BackupSession", session, () => ({ targets: target === undefined ? [] : [target] }));
  run.writes.length = 0;
  isReady = true;
  return { run, stats };
}

function update({ files, store, parts }: RunCase, stats: readonly object[] | undefined, more: Readonly<Record<string, string>> = {}) {
  const directory = join(files.directory, "output");
  mkdirSync(directory, { recursive: true });
  if (stats !== undefined) writeFileSync(join(directory, "output.json"), JSON.stringify({ targetStatus: { stats } }));
  const flags = {
    ...{ provider: "local", bucket: store, "storage-secret-name": "key", "storage-secret-namespace": "demo", namespace: "demo" },
    ...{ backupsession: session.name, "invoker-kind": "BackupConfiguration", "invoker-name": "nightly" },
    ...{ "target-kind": "AppBinding", "target-name": "sample", "target-namespace": "demo", "output-dir": directory },
    ...more,
  };
  return updateStatus(parseParameters(updateStatusParameters, { flags, environment: {} }), parts);
}

test("a good outcome is told first, and then followed up (R5)", async () => {
  const { run, stats } = await makeUpdate();
  await using _ = run;
  const hosts: unknown[] = [];
  run.onWrite(async () => void hosts.push(hostIn(await run.status())?.phase));

  const success = await update(run, [stats]);

  expect(success.message).toContain("host host-0 Succeeded");
  expect(run.writes).toEqual([
    "BackupSession",
    "Event HostBackupSucceeded",
    "BackupSession",
    "BackupSession",
    "Repository",
    "BackupSession",
  ]);
  expect(new Set(hosts)).toEqual(new Set(["Succeeded"]));
  expect(hostIn(await run.status())).toEqual(stats);
  expect(await run.repositoryStatus()).toMatchObject({ integrity: true, snapshotCount: 1 });
});

test.each([
  ["a failure", [failed], "No database"],
  ["no word", undefined, "left no outcome that can be read"],
  ["two hosts", [failed, { ...failed, hostname: "b" }], "left no outcome that can be read"],
] as const)("%s of the step before is told, and nothing follows; told is done", async (_, stats, error) => {
  const { run } = await makeUpdate();
  await using __ = run;

  await update(run, stats);

  expect(hostIn(await run.status())).toMatchObject({ phase: "Failed", error: expect.stringContaining(error) });
  expect(run.writes).toEqual(["BackupSession", "Event HostBackupFailed"]);
});

test("a snapshot that the repository does not hold fails what follows", async () => {
  const { run, stats } = await makeUpdate();
  await using _ = run;
  const { snapshots } = stats as { snapshots: { name: string }[] };
  const lost = { ...stats, snapshots: [{ ...snapshots[0], name: "20300102T030405Z-0a1b2c3d" }] };

  await update(run, [lost]);

  const verified = conditionIn(await run.status(), "RepositoryIntegrityVerified");
  expect(verified).toMatchObject({ status: "False", message: expect.stringContaining("20300102T030405Z-0a1b2c3d") });
  expect(conditionIn(await run.status(), "RetentionPolicyApplied")).toMatchObject({ status: "False" });
});

test("a session that cannot be written makes the step fail (R4)", async () => {
  const refused = new ClusterRefusedError("No right to write the status");
  const { run, stats } = await makeUpdate({ verbs: refusing(refused) });
  await using _ = run;

  expect(await failureOf(update(run, [stats]))).toBe(refused);
  expect(await failureOf(update(run, [failed]))).toBe(refused);
  expect(run.writes).toEqual([]);
});

test("a session that is not there makes the step fail (R4)", async () => {
  const { run, stats } = await makeUpdate();
  await using _ = run;

  expect(await failureOf(update(run, [stats], { backupsession: "gone" }))).toMatchObject({ exitCode: 2, reason: "ObjectNotFound" });
});

test("a target that the operator writes late is waited for, so that the outcome can be told (R12)", async () => {
  const { run, stats } = await makeUpdate({ target: undefined });
  await using _ = run;

  const ended = update(run, [stats]);
  await run.cluster.updateStatus("BackupSession", session, () => ({ targets: [admitted] }));
  await ended;

  expect(hostIn(await run.status())).toMatchObject({ phase: "Succeeded" });
});

test("an action before the backup that nobody knows does not hide the outcome", async () => {
  const { run } = await makeUpdate({ target: { ...admitted, preBackupActions: ["WarmUp"] } });
  await using _ = run;

  await update(run, [failed]);

  expect(hostIn(await run.status())).toMatchObject({ phase: "Failed", error: "No database" });
});

test("a failure of what follows is told by the conditions, and told is done", async () => {
  const { run, stats } = await makeUpdate({ policy: { prune: true } });
  await using _ = run;

  await update(run, [stats]);

  expect(conditionIn(await run.status(), "RetentionPolicyApplied")).toMatchObject({ status: "False" });
  expect(run.warnings.join()).toContain("PostBackupFailed");
});

test("a store that cannot be opened any more is told by the conditions of what was to follow, never by silence", async () => {
  const { run, stats } = await makeUpdate();
  await using _ = run;

  await update(run, [stats], { bucket: join(run.files.directory, "elsewhere") });

  const status = await run.status();
  expect(hostIn(status)).toMatchObject({ phase: "Succeeded" });
  for (const type of ["RepositoryIntegrityVerified", "RetentionPolicyApplied"]) {
    expect(conditionIn(status, type)).toMatchObject({ status: "False", message: expect.stringContaining("no repository") });
  }
});

test("an action after the backup that nobody knows makes the step fail, since no condition tells of it", async () => {
  const { run, stats } = await makeUpdate({ target: { ...admitted, postBackupActions: ["CoolDown"] } });
  await using _ = run;

  expect(await failureOf(update(run, [stats]))).toMatchObject({ message: expect.stringContaining('"CoolDown"') });
  expect(hostIn(await run.status())).toMatchObject({ phase: "Succeeded" });
});

test("the outcome of a restore is told in its session", async () => {
  const { run } = await makeUpdate();
  await using _ = run;
  const restore = { backupsession: "", "invoker-kind": "RestoreSession", "invoker-name": "again" };

  await update(run, [{ hostname: "host-0", phase: "Succeeded", duration: "1s" }], restore);
  const good: Status = await run.restoreStatus();
  await update(run, [failed], restore);

  expect(good).toMatchObject({ stats: [{ phase: "Succeeded", duration: "1s" }] });
  expect(await run.restoreStatus()).toMatchObject({ stats: [{ phase: "Failed", error: "No database" }] });
  expect(run.writes).toEqual(["RestoreSession", "Event HostRestoreSucceeded", "RestoreSession", "Event HostRestoreFailed"]);
});

test("without a BackupSession, only a RestoreSession can be meant", async () => {
  const { run } = await makeUpdate();
  await using _ = run;

  const error = await failureOf(update(run, [failed], { backupsession: "", "invoker-kind": "RestoreBatch" }));

  expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining("RestoreBatch") });
});

test("labels for metrics are read as pairs", () => {
  expect(readLabels(undefined)).toBeUndefined();
  expect(readLabels("team=shop,stage=a=b, empty=")).toEqual({ team: "shop", stage: "a=b", empty: "" });
});

test.each(["team", "=x", "1st=x", "a=b,,c=d"])("labels for metrics such as %s are refused", (words) => {
  expect(() => readLabels(words)).toThrow(/--metrics-labels/);
});
