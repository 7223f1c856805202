import { DeadlineExceededError, InterruptedError, ParameterError } from "../../runner/errors.ts";
import type { Cluster, Status } from "../../runner/kubernetes/cluster.ts";
import { openBackupSession } from "../../runner/session.ts";
import { failureOf } from "./kubernetes/temporary-manifests.ts";
import { clusterWith, created, makeSession, otherRef, ref, type SessionCase, session } from "./session-cases.ts";

const target = { ref, totalHosts: 1, preBackupActions: ["InitializeBackendRepository"], postBackupActions: ["ApplyRetentionPolicy"] };
const other = { ref: otherRef, totalHosts: 1, custom: { deep: true } };
const succeeded = { hostname: "host-0", phase: "Succeeded", duration: "1s" } as const;
const failed = { hostname: "host-0", phase: "Failed", error: "Interrupted" } as const;
const verified = { type: "RepositoryIntegrityVerified", status: "True", reason: "Checked", message: "so" } as const;
const stopped = new InterruptedError("SIGTERM");

const make = (status?: Status, metadata?: object) => makeSession("BackupSession", status, metadata);

/** With longer waits in the place of the test's short ones, if given. */
function open({ cluster, options }: SessionCase, { delays = {}, on = cluster }: { delays?: object; on?: Cluster } = {}) {
  return openBackupSession(on, { ...options, target: ref, delays: { ...options.delays, ...delays } });
}

test("a session says who asked for it, when, and which object it is", async () => {
  await using made = await make();

  const writer = await open(made);

  expect(writer).toMatchObject({
    name: session,
    uid: "uid-1",
    created,
    invoker: { kind: "BackupConfiguration", name: "nightly", namespace: "demo" },
  });
});

test("a session that does not say when it was created is new", async () => {
  await using made = await make({}, { creationTimestamp: undefined, uid: undefined });

  expect(await open(made)).toMatchObject({ uid: undefined, created: new Date("2026-01-02T03:05:23Z") });
});

test("a session that is not there, or was created at no time, is a parameter error", async () => {
  await using made = await make({}, { creationTimestamp: "yesterday" });
  const options = { ...made.options, target: ref, session: { ...session, name: "none" } };

  expect(await failureOf(openBackupSession(made.cluster, options))).toMatchObject({ reason: "ObjectNotFound" });
  await expect(open(made)).rejects.toThrow(/metadata\.creationTimestamp/);
});

describe("waiting for the target", () => {
  test("a target that is there is not waited for", async () => {
    await using made = await make({ targets: [other, target] });
    made.onWait(() => made.stop.abort(new Error("It waited")));

    const found = await (await open(made)).waitForTarget();

    expect(found).toEqual({ totalHosts: 1, preBackupActions: target.preBackupActions, postBackupActions: target.postBackupActions });
  });

  test("the entry is waited for, and then its number of hosts", async () => {
    await using made = await make();
    const steps = [{ targets: [other] }, { targets: [other, { ref }] }, { targets: [other, target] }];
    const writes: Promise<void>[] = [];
    made.onWait(() => {
      for (const step of steps) writes.push(made.write(() => step));
    });

    const found = await (await open(made)).waitForTarget();
    await Promise.all(writes);

    expect(found.totalHosts).toBe(1);
    expect(writes).toHaveLength(3);
  });

  test.each([
    ["no target at all", {}, "is not in the session's status", "The status names no target at all"],
    ["another target", { targets: [other] }, "is not in the session's status", "AppBinding demo/other"],
    ["the target without its hosts", { targets: [{ ref }] }, "AppBinding demo/sample of the session has no totalHosts", "operator"],
    ["the target with null hosts", { targets: [{ ref, totalHosts: null }] }, "has no totalHosts", "operator"],
  ])("at the bound, %s is an error that says what is missing", async (_, status, message, hint) => {
    await using made = await make(status);
    const writer = await open(made, { delays: { targetWaitMs: 5 } });

    const error = await failureOf(writer.waitForTarget());

    expect(error).toBeInstanceOf(ParameterError);
    expect(error).toMatchObject({
      reason: "TargetNotInSession",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  test("an action before the backup that nobody knows is an error that names it", async () => {
    await using made = await make({ targets: [{ ...target, preBackupActions: ["InitializeBackendRepository", "WarmUp"] }] });
    const writer = await open(made);

    for (const work of [writer.waitForTarget(), writer.repositoryInitialized({})]) {
      expect(await failureOf(work)).toMatchObject({ reason: "UnknownBackupAction", message: expect.stringContaining('"WarmUp"') });
    }
  });

  test("the run's abort ends the wait with its reason", async () => {
    await using made = await make();
    made.onWait(() => made.stop.abort(stopped));
    const writer = await open(made, { delays: { firstPollMs: 60_000, lastPollMs: 60_000 } });

    await expect(writer.waitForTarget()).rejects.toBe(stopped);
  });

  test("a session that was made anew meanwhile is an error", async () => {
    await using made = await make({ targets: [target] });
    const writer = await open(made, { on: await replaced(made) });

    expect(await failureOf(writer.waitForTarget())).toMatchObject({ reason: "ObjectReplaced" });
  });
});

describe("the repository", () => {
  test("that is there is told of once, by the target whose task it is", async () => {
    await using made = await make({ targets: [target], extra: 1 });
    const writer = await open(made);

    await writer.repositoryInitialized({});
    await writer.repositoryInitialized({ error: new Error("Too late") });

    expect(await made.status()).toMatchObject({
      extra: 1,
      phase: "Running",
      conditions: [{ type: "BackendRepositoryInitialized", status: "True", reason: "BackendRepositoryFound" }],
    });
  });

  test("that cannot be opened is told of with the reason, and without secrets", async () => {
    await using made = await make({ targets: [target] });
    const redact = (text: string) => text.replaceAll("canary", "[redacted]");
    const writer = await openBackupSession(made.cluster, { ...made.options, redact, target: ref });

    await writer.repositoryInitialized({ error: new Error("No bucket", { cause: new Error("canary") }) });

    expect((await made.status()).conditions).toMatchObject([
      { status: "False", reason: "FailedToInitializeBackendRepository", message: "No bucket: [redacted]" },
    ]);
  });

  test.each([
    ["another target's task", { targets: [{ ...target, preBackupActions: undefined }] }],
    ["said already", { targets: [target], conditions: [{ type: "BackendRepositoryInitialized", status: "False", reason: "Earlier" }] }],
  ])("is not told of when that is %s", async (_, status) => {
    await using made = await make(status);

    await (await open(made)).repositoryInitialized({});

    expect((await made.status()).conditions).toEqual((status as Status).conditions);
  });
});

describe("the outcome", () => {
  test("is written into the target's entry, and the phases follow", async () => {
    await using made = await make({
      targets: [other, target],
      custom: { deep: [1] },
      conditions: [{ type: "MetricsPushed", status: "True" }],
    });

    await (await open(made)).hostStats(succeeded);
    const running = await made.status();
    await made.write((status) => ({ ...status, targets: (status.targets as Status[]).map((each) => ({ ...each, stats: [succeeded] })) }));
    await (await open(made)).condition(verified);

    expect(running).toMatchObject({
      phase: "Running",
      custom: { deep: [1] },
      targets: [
        { ...other, phase: "Running" },
        { ...target, phase: "Succeeded", stats: [succeeded] },
      ],
    });
    expect(running).not.toHaveProperty("sessionDuration");
    expect(await made.status()).toMatchObject({ phase: "Succeeded", sessionDuration: "1m18s" });
  });

  test("of two targets at the same time: both survive, with all their conditions", async () => {
    await using made = await make({ targets: [other, target] });
    const one = await open(made);
    const two = await openBackupSession(made.cluster, { ...made.options, target: otherRef });

    await Promise.all([
      one.hostStats(failed),
      two.hostStats(succeeded),
      one.condition(verified),
      two.condition({ ...verified, type: "RetentionPolicyApplied" }),
      one.repositoryInitialized({}),
    ]);

    const status = await made.status();
    expect(status.targets).toMatchObject([
      { ref: otherRef, phase: "Succeeded", stats: [succeeded] },
      { ref, phase: "Failed", stats: [failed] },
    ]);
    expect((status.conditions as Status[]).map(({ type }) => type).sort()).toEqual([
      "BackendRepositoryInitialized",
      "RepositoryIntegrityVerified",
      "RetentionPolicyApplied",
    ]);
  });

  test("of a target that the session does not have is an error, and nothing is written", async () => {
    await using made = await make({ targets: [other] });

    const error = await failureOf((await open(made)).hostStats(succeeded));

    expect(error).toMatchObject({ reason: "TargetNotInSession" });
    expect(await made.status()).toEqual({ targets: [other] });
  });

  test("of a session that was made anew is an error, and nothing is written", async () => {
    await using made = await make({ targets: [target] });
    const writer = await open(made);
    const renewed = await makeSession("BackupSession", { targets: [target] }, { uid: "uid-2" });
    await using _ = renewed;
    const late = await open(made, {
      on: clusterWith(renewed.cluster, { backupSession: (...read) => made.cluster.backupSession(...read) }),
    });

    expect(await failureOf(late.hostStats(succeeded))).toMatchObject({ reason: "ObjectReplaced" });
    expect(await renewed.status()).toEqual({ targets: [target] });
    await expect(writer.hostStats(succeeded)).resolves.toBeUndefined();
  });

  test("is written with the patience of half an hour, to the object that was there at the start", async () => {
    await using made = await make({ targets: [target] });
    const seen: unknown[] = [];
    const updateStatus: Cluster["updateStatus"] = async (_kind, _name, _change, options) => void seen.push(options);
    const writer = await open(made, { on: clusterWith(made.cluster, { updateStatus }) });

    await writer.hostStats(succeeded);

    expect(seen).toEqual([{ uid: "uid-1", patienceMs: 1_800_000, signal: expect.any(AbortSignal) }]);
  });

  test("names no secret", async () => {
    await using made = await make({ targets: [target] });
    const redact = (text: string) => text.replaceAll("canary", "[redacted]");
    const writer = await openBackupSession(made.cluster, { ...made.options, redact, target: ref });

    await writer.hostStats({ ...failed, error: "Refused canary" });
    await writer.condition({ ...verified, message: "canary" });
    await writer.event("Normal", "Tested", "canary");

    const written = (await Promise.all((await made.files.names()).map((name) => made.files.read(name)))).join();
    expect(written).toContain("Refused [redacted]");
    expect(written).not.toContain("canary");
  });
});

describe("after the run's abort", () => {
  test("the outcome is still written, and what is asked for explicitly; nothing else is", async () => {
    await using made = await make({ targets: [target] });
    const writer = await open(made);
    made.stop.abort(stopped);

    await writer.hostStats(failed);
    await writer.condition(verified, { afterAbort: true });
    await writer.event("Warning", "Interrupted", "It was stopped");

    await expect(writer.condition({ ...verified, type: "Other" })).rejects.toBe(stopped);
    await expect(writer.repositoryInitialized({})).rejects.toBe(stopped);
    await expect(writer.waitForOtherTargets()).rejects.toBe(stopped);
    expect(await made.status()).toMatchObject({ targets: [{ phase: "Failed", stats: [failed] }], conditions: [{ type: verified.type }] });
    expect((await made.status()).conditions).toHaveLength(1);
    expect(await made.files.read("events.jsonl")).toContain('"reason":"Interrupted"');
    expect(made.warnings).toEqual([]);
  });

  test("an outcome that cannot be written ends with the abort's reason when its time is over", async () => {
    await using made = await make({ targets: [target] });
    const hanging: Cluster["updateStatus"] = (_kind, _name, _change, options) => untilAbort(options?.signal);
    const writer = await open(made, { on: clusterWith(made.cluster, { updateStatus: hanging }), delays: { lastWordMs: 5 } });
    const begunBefore = failureOf(writer.hostStats(succeeded));

    made.stop.abort(stopped);

    expect(await begunBefore).toBe(stopped);
    expect(await failureOf(writer.hostStats(failed))).toBe(stopped);
  });
});

describe("waiting for the others", () => {
  const ended = (...phases: string[]) =>
    phases.map((phase, index) => ({ ...other, ref: { ...otherRef, name: `o${index}` }, stats: [{ phase }] }));

  test("nobody is waited for when all the others have succeeded or failed, whatever we did", async () => {
    await using made = await make({ targets: [...ended("Succeeded", "Failed"), target] });
    made.onWait(() => made.stop.abort(new Error("It waited")));

    await expect((await open(made)).waitForOtherTargets()).resolves.toBeUndefined();
  });

  test("another that has not begun is waited for until it ends", async () => {
    await using made = await make({ targets: [{ ref: otherRef, phase: "Succeeded" }, target] });
    const writes: Promise<void>[] = [];
    made.onWait(() => writes.push(made.write((status) => ({ ...status, targets: [...ended("Failed"), target] }))));

    await (await open(made)).waitForOtherTargets();
    await Promise.all(writes);

    expect(writes).toHaveLength(1);
  });

  test("at the bound, those that have not ended are named", async () => {
    await using made = await make({ targets: [...ended("Succeeded", "Running"), { ref: otherRef }, target] });
    const writer = await open(made, { delays: { othersWaitMs: 5 } });

    const error = await failureOf(writer.waitForOtherTargets());

    expect(error).toBeInstanceOf(DeadlineExceededError);
    expect(error).toMatchObject({
      reason: "OtherTargetsNotFinished",
      facts: {
        unfinished: [
          "appcatalog.appscode.com/v1alpha1 AppBinding demo/o1 (Running)",
          "appcatalog.appscode.com/v1alpha1 AppBinding demo/other (Pending)",
        ],
      },
    });
  });
});

test("a condition is known of once it stands", async () => {
  await using made = await make({ targets: [target] });
  const writer = await open(made);
  const before = await writer.findCondition(verified.type);

  await writer.condition(verified);

  const after = await writer.findCondition(verified.type);
  expect([before, after?.status]).toEqual([undefined, "True"]);
});

test("an event that cannot be emitted is a warning", async () => {
  await using made = await make();
  const emitEvent = () => Promise.reject(new Error("Forbidden"));
  const writer = await open(made, { on: clusterWith(made.cluster, { emitEvent }) });

  await writer.event("Normal", "Tested", "so");

  expect(made.warnings).toEqual(['EventNotEmitted: Cannot emit event "Tested": Forbidden']);
});

/** A cluster in which another session of the same name is found from the second look on. */
async function replaced(made: SessionCase): Promise<Cluster> {
  let looks = 0;
  return clusterWith(made.cluster, {
    backupSession: async (...read) => {
      const object = await made.cluster.backupSession(...read);
      looks += 1;
      return looks === 1 ? object : { ...object, metadata: { ...object.metadata, uid: "uid-2" } };
    },
  });
}

function untilAbort(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
