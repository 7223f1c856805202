import { RIGHTS_OF } from "../../../../operator/build/job-rbac.ts";
import { finishRestore } from "../../../../operator/decide/finish-restore.ts";
import { FINALIZER, JOB_CREATED } from "../../../../operator/names.ts";
import type { Fields, WantedObject } from "../../../../operator/objects.ts";
import {
  at,
  completeJob,
  failedJob,
  INIT,
  job,
  MAIN,
  pod,
  podEndedBy,
  running,
  SCHEDULED,
  stamp,
  terminated,
  waiting,
} from "./executor-cases.ts";
import { appBinding, NAME, RestoreCase, repository, restoreSession } from "./restore-cases.ts";

const succeeded = { stats: [{ phase: "Succeeded", duration: "3s" }] };

/** A restore whose Job is there, and has not ended. */
async function startedRestore(spec: Fields = {}): Promise<RestoreCase> {
  const restore = new RestoreCase(spec);
  await restore.pass();
  restore.putJob(job().status as Fields);
  return restore;
}

describe("a restore that has all it needs", () => {
  test("gets its rights, its status, the mark and its Job, in this order", async () => {
    const restore = new RestoreCase();

    await restore.pass();

    expect(restore.api.writes.map(({ verb, kind }) => `${verb} ${kind}`)).toEqual([
      "replace RestoreSession",
      "create ServiceAccount",
      "create RoleBinding",
      "create Role",
      "create RoleBinding",
      "replaceStatus RestoreSession",
      "replace RestoreSession",
      "create Job",
      "replaceStatus RestoreSession",
    ]);
    expect(restore.session.metadata.finalizers).toEqual([FINALIZER]);
    expect(restore.session.metadata.annotations).toEqual({ [JOB_CREATED]: `${stamp(0)} ${restore.session.metadata.uid}` });
    expect(restore.status).toMatchObject({ phase: "Running", totalHosts: 1 });
    expect(
      ["RepositoryFound", "BackendSecretFound", "ValidationPassed", "RestoreTargetFound"].map((type) => restore.condition(type)?.status),
    ).toEqual(["True", "True", "True", "True"]);
    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({ status: "True", reason: "SuccessfullyEnsuredRestoreExecutor" });
  });

  test("has a Job that goes with it, runs as its own account and knows its session", async () => {
    const restore = new RestoreCase();

    await restore.pass();

    const { metadata, spec } = restore.job ?? {};
    expect(metadata?.ownerReferences).toEqual([
      expect.objectContaining({ kind: "RestoreSession", uid: restore.session.metadata.uid, controller: true }),
    ]);
    expect(spec).toMatchObject({
      template: {
        metadata: { labels: { team: "carts", "app.kubernetes.io/managed-by": "stash.appscode.com" } },
        spec: {
          serviceAccountName: "restoresession-back-0",
          initContainers: [{ args: ["--session=back", "--gateway="] }],
          containers: [{ args: ["--session=back", "--gateway="] }],
        },
      },
    });
  });

  test("has a Job that names the gateway, unless its URL holds a password: everybody may read it", async () => {
    const [open, closed] = [new RestoreCase(), new RestoreCase()];
    open.pushgatewayUrl = "http://push:9091";
    closed.pushgatewayUrl = "http://me:canary@push:9091";

    await open.pass();
    await closed.pass();

    expect(JSON.stringify(open.job)).toContain("--gateway=http://push:9091");
    expect(JSON.stringify(closed.job)).not.toContain("canary");
  });

  test("with a timeOut has a deadline counted from its creation, and its pod has one somewhat later", async () => {
    const restore = new RestoreCase({ timeOut: "10m" });
    restore.seconds = 60;

    const wakeAt = await restore.pass();

    expect(restore.status.sessionDeadline).toBe(stamp(600));
    expect(restore.job?.spec).toMatchObject({ template: { spec: { activeDeadlineSeconds: 570 } } });
    expect(wakeAt).toBeUndefined();
  });

  test("is then left alone until its Job or its deadline ends it", async () => {
    const restore = await startedRestore({ timeOut: "10m" });
    restore.putPod(pod({ phase: "Running", conditions: [SCHEDULED], containerStatuses: [running(MAIN)] }));
    const before = restore.api.writes.length;

    const wakeAt = await restore.pass();

    expect(restore.api.writes).toHaveLength(before);
    expect(wakeAt).toEqual(at(600));
  });

  test("of one of KubeDB's databases carries that one's labels, and its pods are ours all the same", async () => {
    const labels = {
      "app.kubernetes.io/managed-by": "kubedb.com",
      "app.kubernetes.io/instance": "carts",
      "app.kubernetes.io/name": "redises.kubedb.com",
      other: "no",
    };
    const base = appBinding();
    const restore = new RestoreCase({}, { appBinding: { ...base, metadata: { ...base.metadata, labels } } });

    await restore.pass();

    expect(restore.session.metadata.labels).toEqual({
      team: "carts",
      "app.kubernetes.io/managed-by": "kubedb.com",
      "app.kubernetes.io/instance": "carts",
      "app.kubernetes.io/name": "redises.kubedb.com",
    });
    expect(restore.job?.metadata.labels).toMatchObject({ "app.kubernetes.io/managed-by": "stash.appscode.com" });
  });
});

describe("a restore with wishes of its own", () => {
  test("gets a volume before its Job when a Function mounts it", async () => {
    const template = { metadata: { name: "room" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
    const restore = new RestoreCase({ interimVolumeTemplate: template });
    const mounts = [{ name: "stash-interim-volume", mountPath: "/room" }];
    const fn = restore.api.peek("Function", { namespace: "", name: "redis-restore-1" }) as WantedObject;
    restore.api.put({ ...fn, spec: { ...(fn.spec as Fields), volumeMounts: mounts } });

    await restore.pass();

    const made = restore.api.writes.filter(({ verb }) => verb === "create").map(({ kind }) => kind);
    expect(made.slice(-2)).toEqual(["PersistentVolumeClaim", "Job"]);
    const claim = restore.api.peek("PersistentVolumeClaim", { namespace: "shop", name: "back-room" });
    expect(claim?.metadata.ownerReferences).toEqual([expect.objectContaining({ uid: restore.session.metadata.uid })]);
  });

  test("gets no volume that nobody mounts", async () => {
    const restore = new RestoreCase({ interimVolumeTemplate: { metadata: { name: "room" }, spec: {} } });

    await restore.pass();

    expect(restore.api.all("PersistentVolumeClaim")).toEqual([]);
    expect(restore.jobsMade).toBe(1);
  });

  test("has a target elsewhere when it runs as an account of the user's, which is neither made nor changed", async () => {
    const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts", namespace: "elsewhere" };
    const base = appBinding();
    const restore = new RestoreCase(
      { target: { ref }, runtimeSettings: { pod: { serviceAccountName: "mine" } } },
      { appBinding: { ...base, metadata: { name: "carts", namespace: "elsewhere" } } },
    );

    await restore.pass();

    expect(restore.job?.spec).toMatchObject({ template: { spec: { serviceAccountName: "mine" } } });
    expect(restore.api.all("ServiceAccount")).toEqual([]);
    expect(restore.api.all("Role").flatMap(({ rules }) => rules)).not.toContainEqual(
      expect.objectContaining({ resourceNames: ["carts-auth"] }),
    );
  });
});

describe("a restore that cannot be served", () => {
  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };

  test.each<[string, Fields, RegExp]>([
    ["has hooks", { hooks: { preRestore: { exec: { command: ["true"] } } } }, /hooks\.preRestore: hooks are not supported/],
    ["has another driver", { driver: "VolumeSnapshotter" }, /driver VolumeSnapshotter/],
    [
      "has another kind of target",
      { target: { ref: { apiVersion: "v1", kind: "PersistentVolumeClaim", name: "data" } } },
      /PersistentVolumeClaim is not supported/,
    ],
    ["has no target", { target: undefined }, /names no target/],
    ["wants volumes", { target: { ref, volumeClaimTemplates: [{ metadata: { name: "data" } }] } }, /volumeClaimTemplates/],
    ["has rules that no target fits", { target: { ref, rules: [{ targetHosts: ["other"] }] } }, /none of its rules/],
    [
      "has rules twice",
      { rules: [{ snapshots: ["latest"] }], target: { ref, rules: [{ snapshots: ["latest"] }] } },
      /both spec\.rules and spec\.target\.rules/,
    ],
    ["has a timeOut that is none", { timeOut: "1 day" }, /timeOut/],
    [
      "has a target elsewhere, and no account of the user's",
      { target: { ref: { ...ref, namespace: "elsewhere" } } },
      /Name a ServiceAccount/,
    ],
  ])("because it %s is Invalid, and told so once", async (_, spec, words) => {
    const restore = new RestoreCase(spec);

    await restore.settle();
    const wakeAt = await restore.pass();

    expect(restore.status.phase).toBe("Invalid");
    expect(restore.condition("ValidationPassed")).toMatchObject({
      status: "False",
      reason: "ResourceValidationFailed",
      message: expect.stringMatching(words),
    });
    expect(restore.events).toEqual(["ResourceValidationFailed"]);
    expect(restore.jobsMade).toBe(0);
    expect(restore.has(JOB_CREATED)).toBe(false);
    expect(wakeAt).toBeUndefined();
  });

  test("because of a policy is Invalid until the policy changes", async () => {
    const base = repository();
    const foreign: WantedObject = { ...base, metadata: { name: "vault", namespace: "stores" } };
    const restore = new RestoreCase({ repository: { name: "vault", namespace: "stores" } }, { repository: foreign });
    await restore.settle();
    const wakeAt = await restore.pass();
    const before = [restore.status.phase, restore.condition("ValidationPassed")?.message];

    restore.api.put({ ...foreign, spec: { ...(base.spec as Fields), usagePolicy: { allowedNamespaces: { from: "All" } } } });
    await restore.settle();

    expect(before).toEqual(["Invalid", expect.stringContaining('must not be used from namespace "shop"')]);
    expect(wakeAt).toEqual(at(60));
    expect(restore.status.phase).toBe("Running");
    expect(restore.condition("ValidationPassed")?.status).toBe("True");
    expect(restore.api.peek("Role", { namespace: "stores", name: "shop-restoresession-back-0" })).toBeDefined();
  });

  test("because of a policy is Invalid although it lacked a Secret before", async () => {
    const base = repository();
    const open = { allowedNamespaces: { from: "All" } };
    const foreign = (usagePolicy?: Fields): WantedObject => ({
      ...base,
      metadata: { name: "vault", namespace: "stores" },
      spec: { ...(base.spec as Fields), usagePolicy },
    });
    const restore = new RestoreCase({ repository: { name: "vault", namespace: "stores" } }, { repository: foreign(open) });
    restore.secrets.clear();
    await restore.settle();
    const before = restore.status.phase;

    restore.api.put(foreign());
    await restore.settle();

    expect(before).toBe("Pending");
    expect(restore.status.phase).toBe("Invalid");
    expect(restore.condition("BackendSecretFound")).toBeUndefined();
  });

  test("because its Task is missing has failed", async () => {
    const restore = new RestoreCase({ task: { name: "nothing" } });

    await restore.settle();

    expect(restore.status.phase).toBe("Failed");
    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({
      status: "False",
      message: expect.stringContaining('Task "/nothing" is missing'),
    });
    expect(restore.jobsMade).toBe(0);
  });

  test("with rules in their old place is served", async () => {
    const restore = new RestoreCase({ rules: [{ snapshots: ["latest"] }] });

    await restore.settle();

    expect(restore.status.phase).toBe("Running");
  });
});

describe("a restore that waits", () => {
  const lost = { namespace: "shop", name: "vault" };

  test.each<[string, string, (restore: RestoreCase) => void, (restore: RestoreCase) => void]>([
    ["a Repository", "RepositoryFound", ({ api }) => api.delete("Repository", lost), ({ api }) => api.put(repository())],
    ["a Secret", "BackendSecretFound", ({ secrets }) => secrets.clear(), ({ secrets }) => secrets.add("vault-key")],
    [
      "its target",
      "RestoreTargetFound",
      ({ api }) => api.delete("AppBinding", { namespace: "shop", name: "carts" }),
      ({ api }) => api.put(appBinding()),
    ],
  ])("for %s is looked at again after 5 s, at most after a minute, and then begins", async (_, type, lose, find) => {
    const restore = new RestoreCase();
    lose(restore);

    const looks = [];
    for (const seconds of [0, 5, 10, 20, 600]) {
      restore.seconds = seconds;
      looks.push((Number(await restore.pass()) - Number(at(seconds))) / 1000);
    }
    const waitingStatus = restore.status;
    find(restore);
    await restore.settle();

    expect(looks).toEqual([5, 5, 10, 20, 60]);
    expect(waitingStatus).toMatchObject({
      phase: "Pending",
      conditions: expect.arrayContaining([expect.objectContaining({ type, status: "False", lastTransitionTime: stamp(0) })]),
    });
    expect(restore.events).toHaveLength(1);
    expect(restore.status.phase).toBe("Running");
    expect(restore.condition(type)?.status).toBe("True");
  });

  test("for longer than its timeOut has failed, and never begins", async () => {
    const restore = new RestoreCase({ timeOut: "1m" });
    restore.secrets.clear();
    const first = await restore.pass();
    restore.seconds = 61;
    restore.secrets.add("vault-key");

    await restore.settle();

    expect(first).toEqual(at(5));
    expect(restore.status.phase).toBe("Failed");
    expect(restore.condition("DeadlineExceeded")?.status).toBe("True");
    expect(restore.jobsMade).toBe(0);
  });
});

describe("a restore whose Job has ended", () => {
  test("with a result is pushed and final with that result", async () => {
    const restore = await startedRestore();
    restore.putStatus(succeeded);
    restore.putJob(completeJob());

    await restore.settle();

    expect(restore.status).toMatchObject({ phase: "Succeeded", sessionDuration: "0s" });
    expect(restore.events).toEqual(["RestoreSucceeded"]);
    expect(restore.condition("MetricsPushed")).toMatchObject({
      status: "True",
      message: "No Pushgateway is named: metrics are not pushed",
    });
  });

  test("with a result succeeds although its metrics could not be pushed, and says so", async () => {
    const restore = await startedRestore();
    restore.putStatus(succeeded);
    const { actions } = finishRestore({ session: restore.session, now: at(9) }, { appBindingTypes: new Map([["shop/carts", "redis"]]) });
    const push = actions.find((action) => action.do === "push");

    const then =
      push?.afterwards({ isPushed: false, reason: "FailedToPushMetrics", message: "Cannot push metrics: refused", hint: "" }) ?? [];

    const statuses = then.flatMap((action) => (action.do === "status" ? [action.change(restore.status)] : []));
    expect(statuses).toMatchObject([
      {
        phase: "Succeeded",
        conditions: expect.arrayContaining([
          expect.objectContaining({
            type: "MetricsPushed",
            status: "True",
            reason: "FailedToPushMetrics",
            message: "Cannot push metrics: refused",
          }),
        ]),
      },
    ]);
    expect(then.flatMap((action) => (action.do === "event" ? [action.reason] : []))).toEqual(["RestoreSucceeded", "FailedToPushMetrics"]);
    expect(push?.pushes.map(({ samples }) => samples[0]?.value)).toEqual([1, 1]);
  });

  test("with a result is final although its last container has not ended", async () => {
    const restore = await startedRestore();
    restore.putStatus(succeeded);

    await restore.settle();

    expect(restore.status.phase).toBe("Succeeded");
    expect(restore.job?.spec?.activeDeadlineSeconds).toBeUndefined();
  });

  test("with the word of a failed host has failed", async () => {
    const restore = await startedRestore();
    restore.putStatus({ stats: [{ phase: "Failed", error: "wrong password" }] });
    restore.putJob(completeJob());

    await restore.settle();

    expect(restore.status.phase).toBe("Failed");
    expect(restore.condition("RestoreExecutorEnsured")?.status).toBe("True");
  });

  test.each<[string, () => { pods: ReturnType<typeof pod>[]; status: Fields }, Fields]>([
    [
      "out of memory",
      () => ({ pods: [podEndedBy({ exitCode: 137, reason: "OOMKilled" })], status: failedJob() }),
      { reason: "OutOfMemory", message: expect.stringContaining("memory") },
    ],
    ["with its pod deleted", () => ({ pods: [], status: failedJob("BackoffLimitExceeded") }), { reason: "PodDeleted" }],
    [
      "by its program's word",
      () => ({ pods: [podEndedBy({ exitCode: 31, message: '{"code":31,"reason":"StoreRefused","message":"403"}' })], status: failedJob() }),
      { reason: "StoreRefused", message: "403" },
    ],
  ])("%s, without a result, has failed with that reason", async (_, make, expected) => {
    const restore = await startedRestore();
    const { pods, status } = make();
    for (const each of pods) restore.putPod(each);
    restore.putJob(status);

    await restore.settle();

    expect(restore.status.phase).toBe("Failed");
    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({ status: "False", ...expected });
    expect(restore.events).toContain(String(expected.reason));
    expect(restore.jobsMade).toBe(1);
  });

  test("well, and without a result, gets half a minute for it, and has failed then", async () => {
    const restore = await startedRestore();
    restore.seconds = 62;
    restore.putJob(completeJob(61));

    const wakeAt = await restore.pass();
    const before = restore.status.phase;
    restore.seconds = 91;
    await restore.settle();

    expect(wakeAt).toEqual(at(91));
    expect(before).toBe("Running");
    expect(restore.status.phase).toBe("Failed");
    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({ status: "False", reason: "NoResult" });
  });

  test("well, although its program failed and only said so as it ended, has failed with that word", async () => {
    const restore = await startedRestore();
    const told = '{"code":21,"reason":"DatabaseRefused","message":"NOPERM"}';
    restore.putPod(
      pod({ phase: "Succeeded", initContainerStatuses: [terminated(INIT, { exitCode: 0, reason: "Completed", message: told })] }),
    );
    restore.putJob(completeJob(0));
    restore.seconds = 31;

    await restore.settle();

    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({
      status: "False",
      reason: "DatabaseRefused",
      message: expect.stringContaining("NOPERM"),
    });
  });

  test("with a result written between two looks keeps it", async () => {
    const restore = await startedRestore();
    restore.putJob(failedJob("BackoffLimitExceeded"));
    restore.api.beforeWrite(({ verb }) => {
      if (verb !== "replaceStatus" || restore.status.stats !== undefined) return;
      restore.putStatus(succeeded);
    });

    await restore.settle();

    expect(restore.status.phase).toBe("Succeeded");
    expect(restore.condition("RestoreExecutorEnsured")?.status).toBe("True");
  });
});

describe("a restore that does not get on", () => {
  test("is told of, fails in time, and its Job is stopped before that is final", async () => {
    const restore = await startedRestore();
    const stuck = {
      phase: "Pending",
      startTime: stamp(1),
      conditions: [SCHEDULED],
      containerStatuses: [waiting(MAIN, "ImagePullBackOff", "not found")],
    };
    restore.putPod(pod(stuck));
    restore.seconds = 10;

    const wakeAt = await restore.pass();
    const told = restore.events;
    restore.seconds = 301;
    await restore.settle();

    expect(told).toEqual(["ImagePullBackOff"]);
    expect(wakeAt).toEqual(at(301));
    expect(restore.status.phase).toBe("Failed");
    expect(restore.job?.spec?.activeDeadlineSeconds).toBe(1);
    const order = restore.api.writes.slice(-3).map(({ verb, kind }) => `${verb} ${kind}`);
    expect(order).toEqual(["replace Job", "replaceStatus RestoreSession", "create Event"]);
  });

  test("is told of at its deadline, has half a minute for its last words, and is stopped then", async () => {
    const restore = await startedRestore({ timeOut: "10m" });
    restore.putPod(pod({ phase: "Running", conditions: [SCHEDULED], containerStatuses: [running(MAIN)] }));
    restore.seconds = 600;

    const wakeAt = await restore.pass();
    await restore.pass();
    const before = [restore.status.phase, restore.job?.spec?.activeDeadlineSeconds];
    restore.seconds = 630;
    await restore.settle();

    expect(wakeAt).toEqual(at(630));
    expect(before).toEqual(["Running", undefined]);
    expect(restore.condition("DeadlineExceeded")).toMatchObject({ status: "True", reason: "FailedToCompleteWithinDeadline" });
    expect(restore.status.phase).toBe("Failed");
    expect(restore.job?.spec?.activeDeadlineSeconds).toBe(1);
  });

  test("for another reason than its deadline keeps that reason, however late it is seen", async () => {
    const restore = await startedRestore({ timeOut: "10m" });
    restore.putPod(podEndedBy({ exitCode: 137, reason: "OOMKilled" }));
    restore.putJob(failedJob());
    restore.seconds = 100_000;

    await restore.settle();

    expect(restore.condition("RestoreExecutorEnsured")?.reason).toBe("OutOfMemory");
    expect(restore.condition("DeadlineExceeded")).toBeUndefined();
  });
});

describe("a Job is never made twice", () => {
  test("when it is deleted while it works", async () => {
    const restore = await startedRestore();
    restore.api.delete("Job", { namespace: "shop", name: "stash-restore-back-0" });

    await restore.settle();

    expect(restore.status.phase).toBe("Failed");
    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({
      reason: "JobMissing",
      message: expect.stringContaining("create a new RestoreSession"),
    });
    expect(restore.jobsMade).toBe(1);
  });

  test("when it was marked and never made", async () => {
    const restore = new RestoreCase();
    restore.api.beforeWrite(({ verb, kind }) => {
      if (verb === "create" && kind === "Job") throw new Error("Killed");
    });
    await expect(restore.pass()).rejects.toThrow("Killed");

    await restore.settle();

    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({ status: "False", reason: "JobMissing" });
    expect(restore.status.phase).toBe("Failed");
    expect(restore.job).toBeUndefined();
  });

  test("when it was made although nobody answered, and comes after its restore was given up: it is stopped", async () => {
    const restore = new RestoreCase();
    restore.api.beforeWrite(({ verb, kind }) => {
      if (verb === "create" && kind === "Job") throw new Error("Killed");
    });
    await expect(restore.pass()).rejects.toThrow("Killed");
    await restore.settle();
    const { uid } = restore.session.metadata;
    const owner = { apiVersion: "stash.appscode.com/v1beta1", kind: "RestoreSession", name: "back", uid, controller: true };
    const { name, namespace } = job().metadata;
    restore.api.put({
      ...{ apiVersion: "batch/v1", kind: "Job", spec: {} },
      metadata: { name, namespace: namespace as string, ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }] },
    });

    await restore.settle();

    expect(restore.status.phase).toBe("Failed");
    expect(restore.job?.spec?.activeDeadlineSeconds).toBe(1);
  });

  test("for a session that somebody copied with all its annotations, of which the mark is another one's", async () => {
    const restore = new RestoreCase();
    const mark = (uid: string) =>
      restore.api.put({ ...restoreSession(), metadata: { ...NAME, annotations: { [JOB_CREATED]: `${stamp(-60)} ${uid}` } } });
    mark("another");

    await restore.settle();

    expect(restore.status.phase).toBe("Running");
    expect(restore.jobsMade).toBe(1);
  });

  test("for a session whose mark does not say whose it is", async () => {
    const restore = new RestoreCase();
    restore.api.put({ ...restoreSession(), metadata: { ...NAME, annotations: { [JOB_CREATED]: stamp(-60) } } });

    await restore.settle();

    expect(restore.status.phase).toBe("Failed");
    expect(restore.jobsMade).toBe(0);
  });

  test("before the Job of a former session of this name is collected", async () => {
    const restore = new RestoreCase();
    const owner = { apiVersion: "stash.appscode.com/v1beta1", kind: "RestoreSession", name: "back", uid: "former", controller: true };
    const { name, namespace } = job().metadata;
    const metadata = {
      name,
      namespace: namespace as string,
      ownerReferences: [{ ...owner, controller: true as const, blockOwnerDeletion: true as const }],
    };
    restore.api.put({ apiVersion: "batch/v1", kind: "Job", spec: {}, metadata });
    await expect(restore.pass()).rejects.toThrow("once it is collected");
    const hadMark = restore.has(JOB_CREATED);

    restore.api.delete("Job", { namespace: "shop", name });
    await restore.settle();

    expect(hadMark).toBe(false);
    expect(restore.status.phase).toBe("Running");
    expect(restore.jobsMade).toBe(1);
  });

  test("by another operator that began at the same time", async () => {
    const restore = new RestoreCase();
    let isSecond = true;
    restore.api.beforeWrite(async ({ verb, kind, index }) => {
      if (!isSecond || verb !== "create" || kind !== "RoleBinding" || index === 0) return;
      isSecond = false;
      await restore.pass();
      restore.putJob(failedJob("BackoffLimitExceeded"));
      restore.api.delete("Job", { namespace: "shop", name: "stash-restore-back-0" });
    });

    await expect(restore.pass()).rejects.toThrow("Somebody else has begun");
    await restore.settle();

    expect(restore.jobsMade).toBe(1);
    expect(restore.status.phase).toBe("Failed");
  });

  test("when its name is taken by somebody else's", async () => {
    const restore = new RestoreCase();
    restore.api.put({ ...job(), status: undefined } as never);

    await restore.settle();

    expect(restore.status.phase).toBe("Failed");
    expect(restore.condition("RestoreExecutorEnsured")).toMatchObject({
      status: "False",
      message: expect.stringContaining("is there already"),
    });
    expect(restore.job?.spec?.activeDeadlineSeconds).toBeUndefined();
  });
});

describe("an operator that is killed", () => {
  const ends: readonly [string, (restore: RestoreCase) => void, string][] = [
    ["a good one", (restore) => restore.putStatus(succeeded), "Succeeded"],
    ["one whose pod ran out of memory", (restore) => restore.putPod(podEndedBy({ exitCode: 137, reason: "OOMKilled" })), "Failed"],
    ["one whose Job was deleted", ({ api }) => api.delete("Job", { namespace: "shop", name: "stash-restore-back-0" }), "Failed"],
  ];
  const times = ["before", "after"] as const;
  const kills = ends.flatMap((end) => times.flatMap((time) => Array.from({ length: 14 }, (_, index) => ({ end, time, index }))));

  test.each(kills)(
    "$time its write number $index of $end.0 ends it in the same way, with one Job at most",
    async ({ end: [, finish, phase], time, index }) => {
      const restore = new RestoreCase();
      const kill = (write: { readonly index: number }) => {
        if (write.index === index) throw new Error("Killed");
      };
      if (time === "before") restore.api.beforeWrite(kill);
      else restore.api.afterWrite(kill);

      await restore.settle();
      const hasJob = restore.job !== undefined;
      if (hasJob && restore.status.phase === "Running") finish(restore);
      await restore.settle();

      expect(restore.status.phase).toBe(hasJob ? phase : "Failed");
      expect(restore.jobsMade).toBeLessThanOrEqual(1);
      expect(restore.condition("MetricsPushed")?.status).toBe("True");
    },
  );
});

describe("a restore that is deleted", () => {
  test("is released, with its rights in the Repository's namespace removed first", async () => {
    const foreign = repository({
      ...repository(),
      metadata: { name: "vault", namespace: "stores" },
      spec: { ...(repository().spec as Fields), usagePolicy: { allowedNamespaces: { from: "All" } } },
    });
    const restore = new RestoreCase({ repository: { name: "vault", namespace: "stores" } }, { repository: foreign });
    await restore.pass();
    const given = restore.api.all("Role").filter(({ metadata }) => metadata.namespace === "stores");
    restore.api.delete("RestoreSession", NAME);

    await restore.pass();

    expect(given.map(({ metadata }) => metadata.annotations?.[RIGHTS_OF])).toEqual(["RestoreSession/shop/back"]);
    expect(restore.api.writes.slice(-3).map(({ verb, kind }) => `${verb} ${kind}`)).toEqual([
      "remove RoleBinding",
      "remove Role",
      "replace RestoreSession",
    ]);
    expect(restore.api.peek("RestoreSession", NAME)).toBeUndefined();
    expect(restore.api.all("Role").filter(({ metadata }) => metadata.namespace === "stores")).toEqual([]);
  });

  test("takes back its rights beside a Repository that it does not name any more", async () => {
    const foreign = repository({
      ...repository(),
      metadata: { name: "vault", namespace: "stores" },
      spec: { ...(repository().spec as Fields), usagePolicy: { allowedNamespaces: { from: "All" } } },
    });
    const restore = new RestoreCase({ repository: { name: "vault", namespace: "stores" } }, { repository: foreign });
    await restore.pass();
    restore.api.put({ ...restore.session, spec: restoreSession().spec } as never);
    restore.api.delete("RestoreSession", NAME);

    await restore.pass();

    expect(restore.api.all("Role").filter(({ metadata }) => metadata.namespace === "stores")).toEqual([]);
    expect(restore.api.all("RoleBinding").filter(({ metadata }) => metadata.namespace === "stores")).toEqual([]);
    expect(restore.api.peek("RestoreSession", NAME)).toBeUndefined();
  });

  test("leaves rights of others alone, whatever they are called", async () => {
    const restore = await startedRestore({ repository: { name: "vault", namespace: "shop" } });
    restore.api.put({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: { namespace: "stores", name: "shop-restoresession-back-0" },
    });
    restore.api.delete("RestoreSession", NAME);

    await restore.pass();

    expect(restore.api.peek("RestoreSession", NAME)).toBeUndefined();
    expect(restore.api.peek("Role", { namespace: "stores", name: "shop-restoresession-back-0" })).toBeDefined();
  });

  test("before it had begun asks for nothing", async () => {
    const restore = new RestoreCase({ driver: "VolumeSnapshotter" });
    restore.api.delete("RestoreSession", NAME);

    await restore.pass();

    expect(restore.api.writes).toEqual([]);
  });
});

test.each([{ timeOut: "10m" }, {}])(
  "what somebody writes into the timeOut of a restore that works (%j) does not hold it up",
  async (spec) => {
    const restore = await startedRestore(spec);
    restore.api.put({ ...restore.session, spec: { ...restore.session.spec, timeOut: "1 day" } } as never);
    restore.putStatus(succeeded);

    await restore.settle();

    expect(restore.status.phase).toBe("Succeeded");
  },
);

test("a restore that is over is not looked at again", async () => {
  const restore = await startedRestore();
  restore.putStatus(succeeded);
  await restore.settle();
  restore.api.delete("Job", { namespace: "shop", name: "stash-restore-back-0" });
  const before = restore.api.calls.get;

  const wakeAt = await restore.pass();

  expect(restore.status.phase).toBe("Succeeded");
  expect(restore.api.calls.get).toBe(before);
  expect(wakeAt).toBeUndefined();
});
