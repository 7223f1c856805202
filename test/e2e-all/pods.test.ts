// What is done to the pod of a backup, on a real node: every session ends, and says why.
import { startOperatorScene } from "../e2e/kubernetes/operator-scene.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { waitForObject } from "../servers/kubernetes/wait-for-object.ts";
import { startRedis } from "../servers/redis-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { failureText } from "./failure-text.ts";
import { BACKUP_TASK, BETA, type FaultParts, type FaultPlace, inPlace, PASSWORD } from "./fault-place.ts";
import { holdDatabase } from "./held-database.ts";

let parts: FaultParts;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  const scene = stack.use(await startOperatorScene({ operatorArguments: ["--waiting-timeout", "10s", "--pending-timeout", "30s"] }));
  const redis = stack.use(await startRedis({ password: PASSWORD }));
  await fillRedis({ host: "127.0.0.1", port: redis.port, password: PASSWORD });
  parts = { scene, redis };
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

const place = (body: (place: FaultPlace) => Promise<void>) => inPlace(() => parts, body);

/** Our own Function and Task, changed. */
async function addTask({ scene }: FaultPlace, name: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const { spec } = await scene.objects.get({ apiVersion: BETA, kind: "Function", metadata: { name: BACKUP_TASK } });
  await scene.objects.apply({ apiVersion: BETA, kind: "Function", metadata: { name }, spec: { ...(spec as object), ...change } });
  await scene.objects.apply({ apiVersion: BETA, kind: "Task", metadata: { name }, spec: { steps: [{ name }] } });
}

function isOver({ status }: KubernetesObject): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  return conditions.some(({ type, status }) => (type === "Failed" || type === "Complete") && status === "True");
}

async function waitForJobsEnd({ scene, jobs }: FaultPlace): Promise<void> {
  for (const { metadata } of await jobs()) await waitForObject(scene.objects, { apiVersion: "batch/v1", kind: "Job", metadata }, isOver);
}

/** No process of the session's is left. */
async function expectStopped(where: FaultPlace, session: string): Promise<void> {
  await waitForJobsEnd(where);
  const phases = (await where.pods(session)).map(({ status }) => (status as { phase: string }).phase);
  expect(phases.filter((phase) => phase !== "Failed" && phase !== "Succeeded")).toEqual([]);
}

test(
  "a backup that needs more memory than its limit has failed, and says so",
  place(async (where) => {
    const memory = { memory: "24Mi" };
    await where.configure({ spec: { runtimeSettings: { container: { resources: { limits: memory, requests: memory } } } } });

    await where.start("small");
    const ended = await where.end("small", "Failed");

    // Where the node's runtime does not see that it was the memory, there is the signal.
    expect(failureText(ended)).toMatch(/OutOfMemory: .*limit of 24Mi|Killed: .*137/);
    await expectStopped(where, "small");
  }),
  300_000,
);

test(
  "a pod that somebody deletes in the middle of a backup ends the session as failed, and the next one succeeds",
  place(async (where) => {
    await where.configure();
    await using held = await holdDatabase(where.redis);
    await where.start("deleted");
    await held.reached();

    await where.kubectl("delete", "pod", "--selector", "batch.kubernetes.io/job-name=stash-backup-deleted-0");
    const ended = await where.end("deleted", "Failed");
    await held.release();
    await where.start("next");
    await where.end("next");

    expect(failureText(ended)).toMatch(/deleted|SIGTERM/);
  }),
  300_000,
);

test(
  "a pod that is deleted without grace ends the session as failed, too",
  place(async (where) => {
    await where.configure();
    await using held = await holdDatabase(where.redis);
    await where.start("deleted");
    await held.reached();

    await where.kubectl(
      "delete",
      "pod",
      "--selector",
      "batch.kubernetes.io/job-name=stash-backup-deleted-0",
      "--grace-period=0",
      "--force",
    );
    const ended = await where.end("deleted", "Failed");

    expect(failureText(ended)).toMatch(/deleted|SIGTERM/);
    await held.reached(0);
  }),
  300_000,
);

test(
  "an image that cannot be had fails the session in due time, with the image's name",
  place(async (where) => {
    await addTask(where, "without-image", { image: "localhost/nobody-has-this:1" });
    await where.configure({ task: "without-image" });

    await where.start("imageless");
    const ended = await where.end("imageless", "Failed");

    expect(failureText(ended)).toMatch(/(ErrImagePull|ImagePullBackOff): .*localhost\/nobody-has-this:1/);
    await expectStopped(where, "imageless");
  }),
  300_000,
);

test(
  "a pod that no node takes fails the session in due time, with the scheduler's words",
  place(async (where) => {
    const cpu = { cpu: "1000" };
    await where.configure({ spec: { runtimeSettings: { container: { resources: { limits: cpu, requests: cpu } } } } });

    await where.start("huge");
    const ended = await where.end("huge", "Failed");

    expect(failureText(ended)).toMatch(/Unschedulable: .*Insufficient cpu/);
    await expectStopped(where, "huge");
  }),
  300_000,
);

test(
  "a backup that takes longer than its time limit is stopped, and has failed",
  place(async (where) => {
    await where.configure({ spec: { timeOut: "15s" } });
    await using held = await holdDatabase(where.redis);
    await where.start("late");
    await held.reached();

    const ended = await where.end("late", "Failed");

    expect(failureText(ended)).toContain("DeadlineExceeded FailedToCompleteWithinDeadline");
    // Nobody waits for a snapshot any more.
    await held.reached(0);
    await expectStopped(where, "late");
    const [created, deadline] = [ended.metadata.creationTimestamp as string, (ended.status as { sessionDeadline: string }).sessionDeadline];
    expect(Date.parse(deadline) - Date.parse(created)).toBe(15_000);
  }),
  300_000,
);

test(
  "a program that knows nothing of time limits, and does not heed signals, is ended at its time limit",
  place(async (where) => {
    const deaf = "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000)";
    await addTask(where, "deaf", { command: ["/usr/local/bin/node", "-e", deaf], args: [] });
    await where.configure({ task: "deaf", spec: { timeOut: "15s" } });

    await where.start("deaf");
    const ended = await where.end("deaf", "Failed");

    expect(failureText(ended)).toContain("DeadlineExceeded FailedToCompleteWithinDeadline");
    await expectStopped(where, "deaf");
  }),
  300_000,
);

test(
  "a wrong password of the database fails the session at once, and is not tried again",
  place(async (where) => {
    const { scene, namespace } = where;
    await scene.objects.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name: "redis-auth" },
      stringData: { password: "wrong" },
    });
    await where.configure({ spec: { retryConfig: { maxRetry: 2, delay: "1s" } } });

    await where.start("locked-out", { retryLeft: 2 });
    const ended = await where.end("locked-out", "Failed");
    const annotated = await waitForObject(
      scene.objects,
      where.session("locked-out"),
      ({ metadata }) => "holdfast/no-retry" in ((metadata.annotations ?? {}) as object),
    );

    expect(failureText(ended)).toMatch(/WRONGPASS|password/);
    expect(annotated.metadata.annotations).toMatchObject({ "holdfast/no-retry": "WrongCredentials" });
    expect(await scene.objects.list(BETA, "BackupSession", namespace)).toHaveLength(1);
  }),
  300_000,
);

test(
  "a passphrase that is not the repository's fails the session, and leaves what is stored as it was",
  place(async (where) => {
    const { scene, namespace } = where;
    await where.configure();
    await where.start("first");
    await where.end("first");
    const storage = await scene.objects.get({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "storage" } });
    const data = { ...(storage.data as object), RESTIC_PASSWORD: Buffer.from("another passphrase").toString("base64") };
    const { apiVersion, kind, metadata } = storage;
    await scene.objects.apply({ apiVersion, kind, metadata: { namespace, name: metadata.name }, data });

    await where.start("wrong");
    const ended = await where.end("wrong", "Failed");
    await scene.objects.apply({ apiVersion, kind, metadata: { namespace, name: metadata.name }, data: storage.data });
    await where.start("right");
    await where.end("right");

    expect(failureText(ended)).toMatch(/passphrase/);
    const cellar = await scene.objects.get({
      apiVersion: "stash.appscode.com/v1alpha1",
      kind: "Repository",
      metadata: { namespace, name: "cellar" },
    });
    expect(cellar.status).toMatchObject({ snapshotCount: 2, integrity: true });
  }),
  300_000,
);
