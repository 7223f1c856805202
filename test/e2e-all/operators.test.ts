// What is done to the operator, to its API server and to the network between them, on a real node: each session has one Job, and the right end.
import { setTimeout as sleep } from "node:timers/promises";
import { OPERATOR, type OperatorScene, STASH, startOperatorScene } from "../e2e/kubernetes/operator-scene.ts";
import { statusOf } from "../e2e/kubernetes/session-end.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { waitForObject } from "../servers/kubernetes/wait-for-object.ts";
import { startRedis } from "../servers/redis-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { type FaultParts, type FaultPlace, inPlace, PASSWORD } from "./fault-place.ts";
import { holdDatabase } from "./held-database.ts";
import {
  changeOperator,
  crashOperator,
  leaseHolder,
  operatorPods,
  silencePod,
  waitForNewHolder,
  waitForOperators,
} from "./operator-faults.ts";

let parts: FaultParts;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  const scene = stack.use(await startOperatorScene());
  const redis = stack.use(await startRedis({ password: PASSWORD }));
  await fillRedis({ host: "127.0.0.1", port: redis.port, password: PASSWORD });
  parts = { scene, redis };
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

const place = (body: (place: FaultPlace) => Promise<void>) => inPlace(() => parts, body);

/** Each of these sessions, and nobody else, has had one Job and one pod, and left one snapshot. */
async function expectOneBackupEach({ scene, namespace, jobs }: FaultPlace, names: readonly string[]): Promise<void> {
  const events = await scene.objects.list("v1", "Event", namespace);
  const made = events
    .filter(({ reason, involvedObject }) => reason === "SuccessfulCreate" && (involvedObject as { kind: string }).kind === "Job")
    .flatMap(({ involvedObject, count }) =>
      Array.from({ length: (count as number | undefined) ?? 1 }, () => (involvedObject as { name: string }).name),
    );
  const cellar = await scene.objects.get({ apiVersion: `${STASH}/v1alpha1`, kind: "Repository", metadata: { namespace, name: "cellar" } });
  const wanted = names.map((name) => `stash-backup-${name}-0`).toSorted();

  expect(made.toSorted()).toEqual(wanted);
  expect((await jobs()).map(({ metadata }) => metadata.name).toSorted()).toEqual(wanted);
  expect(cellar.status).toMatchObject({ snapshotCount: names.length, integrity: true });
}

async function onlyPod(scene: OperatorScene): Promise<KubernetesObject> {
  await waitForOperators(scene, 1);
  return (await operatorPods(scene))[0] as KubernetesObject;
}

/** Two ways to go without a word, in turn. */
async function kill(scene: OperatorScene, round: number): Promise<void> {
  const pod = await onlyPod(scene);
  if (round % 2 === 0) await crashOperator(pod);
  else await scene.node.kubectl(["--namespace", OPERATOR.namespace, "delete", "pod", pod.metadata.name, "--grace-period=0", "--force"]);
}

test(
  "an operator that is killed at any moment of a session leaves no double, and no session without an end",
  place(async (where) => {
    const { scene } = where;
    await where.configure({ spec: { backupHistoryLimit: 10 } });
    // As many as the retention policy keeps.
    const names = ["a", "b", "c", "d", "e"];

    for (const [round, name] of names.entries()) {
      await waitForOperators(scene, 1);
      await where.start(name);
      // From before its first look to after the end of the Job.
      await sleep(Math.random() * 4_000);
      await kill(scene, round);
      await where.end(name);
    }

    await expectOneBackupEach(where, names);
  }),
  900_000,
);

test(
  "an operator that is killed again and again while a backup hangs finds it, and its end",
  place(async (where) => {
    await where.configure();
    await using held = await holdDatabase(where.redis);
    await where.start("long");
    await held.reached();

    for (const round of [0, 1, 2]) await kill(where.scene, round);
    await onlyPod(where.scene);
    await held.release();
    await where.end("long");

    await expectOneBackupEach(where, ["long"]);
  }),
  600_000,
);

test(
  "an API server that is away while a backup ends is told of it when it is back",
  place(async (where) => {
    const { kubernetes } = where.scene.node;
    await where.configure();
    await using held = await holdDatabase(where.redis);
    await where.start("meanwhile");
    await held.reached();

    await kubernetes.stopApi();
    try {
      await held.release();
      await held.reached(0);
      await sleep(5_000);
    } finally {
      await kubernetes.startApi();
    }
    await where.end("meanwhile");
    await where.start("after");
    await where.end("after");

    const [first] = (await where.jobs()).map(({ metadata }) => metadata.name);
    expect(first).toBe("stash-backup-after-0");
  }),
  600_000,
);

test(
  "a network that swallows everything between operator and API server for two minutes loses nothing",
  place(async (where) => {
    const { scene } = where;
    await where.configure({ spec: { backupHistoryLimit: 10 } });
    await using held = await holdDatabase(where.redis);
    await where.start("before");
    await held.reached();
    const pod = await onlyPod(scene);

    {
      await using silence = await silencePod(scene, pod);
      await held.release();
      await sleep(60_000);
      await where.start("meanwhile");
      await sleep(60_000);
      expect(statusOf(await scene.objects.get(where.session("meanwhile"))).phase).toBeUndefined();
      await silence.heal();
    }
    const healed = Date.now();
    const ends = [await where.end("before"), await where.end("meanwhile")];
    const recoveredMs = Date.now() - healed;

    // The session that was there first ended well, and the one after it began by itself.
    expect(ends.map((each) => statusOf(each).phase)).toEqual(["Succeeded", "Succeeded"]);
    expect(recoveredMs).toBeLessThan(180_000);
    await expectOneBackupEach(where, ["before", "meanwhile"]);
    await waitForOperators(scene, 1);
  }),
  600_000,
);

test(
  "of two operators the other leads soon when the leader crashes, and ends what it began",
  place(async (where) => {
    const { scene } = where;
    await changeOperator(scene, { replicas: 2, args: ["operator"] });
    await where.configure();
    await using held = await holdDatabase(where.redis);
    await where.start("handed-over");
    await held.reached();
    const leader = await leaseHolder(scene);
    const pods = await operatorPods(scene);
    const own = pods.find(({ metadata }) => leader.startsWith(`${metadata.name}_`)) as KubernetesObject;

    await crashOperator(own);
    const next = await waitForNewHolder(scene, leader, { timeoutMs: 25_000 });
    await held.release();
    await where.end("handed-over");

    expect(next).not.toBe(leader);
    await expectOneBackupEach(where, ["handed-over"]);
  }),
  600_000,
);

test(
  "two operators at work at once, without a Lease, make one Job for each session",
  place(async (where) => {
    const { scene } = where;
    await changeOperator(scene, { replicas: 2, args: ["operator", "--no-lease"] });
    await where.configure({ spec: { backupHistoryLimit: 10 } });
    const names = ["a", "b", "c", "d"];

    for (const name of names) {
      await where.start(name);
      await where.end(name);
    }

    await expectOneBackupEach(where, names);
    const logs = await Promise.all((await operatorPods(scene)).map(({ metadata }) => scene.node.podLog(OPERATOR.namespace, metadata.name)));
    for (const log of logs) expect(log).toContain("At work, without a Lease");
    await waitForObject(scene.objects, where.configuration(), (each) => statusOf(each).phase === "Ready");
  }),
  600_000,
);
