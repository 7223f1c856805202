import { InterruptedError, ParameterError } from "../../runner/errors.ts";
import { openRestoreSession } from "../../runner/session-restore.ts";
import { failureOf } from "./kubernetes/temporary-manifests.ts";
import { created, makeSession, session } from "./session-cases.ts";

const ensured = { type: "RestoreExecutorEnsured", status: "True" };
const succeeded = { hostname: "host-0", phase: "Succeeded", duration: "1s" } as const;
const pushed = { type: "MetricsPushed", status: "True", reason: "SuccessfullyPushedMetrics", message: "so" } as const;

test("a restore session says when it was created and which object it is", async () => {
  await using made = await makeSession("RestoreSession");

  expect(await openRestoreSession(made.cluster, made.options)).toMatchObject({ name: session, uid: "uid-1", created });
});

test("the number of hosts is waited for", async () => {
  await using made = await makeSession("RestoreSession", { conditions: [ensured] });
  const writes: Promise<void>[] = [];
  made.onWait(() => writes.push(made.write((status) => ({ ...status, totalHosts: 1 }))));

  const target = await (await openRestoreSession(made.cluster, made.options)).waitForTarget();
  await Promise.all(writes);

  expect(target).toEqual({ totalHosts: 1 });
  expect(writes).toHaveLength(1);
});

test("at the bound, a missing number of hosts is an error", async () => {
  await using made = await makeSession("RestoreSession", { conditions: [ensured], totalHosts: null });
  const writer = await openRestoreSession(made.cluster, { ...made.options, delays: { ...made.options.delays, targetWaitMs: 5 } });

  const error = await failureOf(writer.waitForTarget());

  expect(error).toBeInstanceOf(ParameterError);
  expect(error).toMatchObject({ reason: "TargetNotInSession", message: 'RestoreSession "demo/nightly-1" has no totalHosts in its status' });
});

test("the outcome is written, and the phase and the duration follow", async () => {
  await using made = await makeSession("RestoreSession", { conditions: [ensured], totalHosts: 1, custom: 1 });
  const writer = await openRestoreSession(made.cluster, made.options);

  await writer.hostStats(succeeded);
  const running = await made.status();
  await writer.condition(pushed);

  expect(running).toEqual({ conditions: [ensured], totalHosts: 1, custom: 1, stats: [succeeded], phase: "Running" });
  expect(await made.status()).toMatchObject({ stats: [succeeded], phase: "Succeeded", sessionDuration: "1m18s" });
});

test("after the run's abort the outcome and an event are still written", async () => {
  await using made = await makeSession("RestoreSession", { conditions: [ensured], totalHosts: 1 });
  const writer = await openRestoreSession(made.cluster, made.options);
  const stopped = new InterruptedError("SIGTERM");
  made.stop.abort(stopped);

  await writer.hostStats({ hostname: "host-0", phase: "Failed", error: "Interrupted" });
  await writer.event("Warning", "Interrupted", "It was stopped");

  await expect(writer.condition(pushed)).rejects.toBe(stopped);
  expect(await made.status()).toMatchObject({ stats: [{ phase: "Failed", error: "Interrupted" }] });
  expect(await made.files.read("events.jsonl")).toContain('"kind":"RestoreSession"');
});
