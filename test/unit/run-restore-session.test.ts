import { ClusterRefusedError, DatabaseRefusedError } from "../../runner/errors.ts";
import { runBackupSession } from "../../runner/run-backup-session.ts";
import { runRestoreSession } from "../../runner/run-restore-session.ts";
import { failureOf } from "./kubernetes/temporary-manifests.ts";
import { backupValues, makeRunCase, type RunCaseOptions, refusing, restoreValues, sampleBackup, sampleRestore } from "./run-cases.ts";

/** With one snapshot. */
async function makeRestore(text: string, { verbs }: RunCaseOptions = {}) {
  let isReady = false;
  const run = await makeRunCase({
    verbs: (cluster) => ({
      updateStatus: (...write) => (isReady ? verbs?.(cluster) : undefined)?.updateStatus?.(...write) ?? cluster.updateStatus(...write),
    }),
  });
  await runBackupSession(
    sampleBackup(() => text),
    backupValues(),
    run.parts,
  );
  isReady = true;
  run.writes.length = 0;
  return run;
}

test("a restore tells of itself in its session once all is written", async () => {
  await using run = await makeRestore("some words");
  const restored: string[] = [];

  const success = await runRestoreSession(
    sampleRestore((text) => void restored.push(text)),
    restoreValues(),
    run.parts,
  );

  expect(restored).toEqual(["some words"]);
  expect(success.counts).toEqual({ restored: 1 });
  expect(await run.restoreStatus()).toMatchObject({ stats: [{ hostname: "host-0", phase: "Succeeded" }] });
  expect(run.writes).toEqual(["RestoreSession", "Event HostRestoreSucceeded"]);
});

test("a restore that is refused tells why, and fails with that", async () => {
  await using run = await makeRestore("some words");
  const full = new DatabaseRefusedError("The database holds canary keys", { hint: "Empty it" });

  const error = await failureOf(
    runRestoreSession(
      sampleRestore(() => Promise.reject(full)),
      restoreValues(),
      run.parts,
    ),
  );

  expect(error).toBe(full);
  expect(await run.restoreStatus()).toMatchObject({ stats: [{ phase: "Failed", error: "The database holds [redacted] keys; Empty it" }] });
  expect(run.writes).toEqual(["RestoreSession", "Event HostRestoreFailed"]);
});

test.each(["a good", "a failed"])("%s restore that cannot be told of fails, and is told of once", async (kind) => {
  let tries = 0;
  const refused = new ClusterRefusedError("No right to write the status");
  const counting: RunCaseOptions["verbs"] = (cluster) => {
    tries += 1;
    return refusing(refused)?.(cluster) ?? {};
  };
  await using run = await makeRestore("some words", { verbs: counting });
  const full = new DatabaseRefusedError("The database is full");
  const restore = sampleRestore(() => (kind === "a good" ? undefined : Promise.reject(full)));

  const error = await failureOf(runRestoreSession(restore, restoreValues(), run.parts));

  expect(error).toBe(kind === "a good" ? refused : full);
  expect(tries).toBe(1);
  expect(run.writes).toEqual([]);
});

test("a snapshot that is not there is told of", async () => {
  await using run = await makeRestore("some words");

  const values = restoreValues({ snapshot: "20200102T030405Z-0a1b2c3d" });
  const error = await failureOf(
    runRestoreSession(
      sampleRestore(() => undefined),
      values,
      run.parts,
    ),
  );

  expect(error).toMatchObject({ exitCode: 10 });
  expect(await run.restoreStatus()).toMatchObject({
    stats: [{ phase: "Failed", error: expect.stringContaining("20200102T030405Z-0a1b2c3d") }],
  });
});
