// What is done to a restore, on a real node: it is never begun twice, and never said to be whole when it is not.
import { setTimeout as sleep } from "node:timers/promises";
import { startOperatorScene } from "../e2e/kubernetes/operator-scene.ts";
import { appBinding, restoreSession } from "../e2e/kubernetes/seed-objects.ts";
import { endOf, statusOf } from "../e2e/kubernetes/session-end.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { type ObjectReference, waitForObject } from "../servers/kubernetes/wait-for-object.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { fillRedis } from "../tools/redis-dataset.ts";
import { describeData, diffData } from "../tools/redis-equality.ts";
import { failureText } from "./failure-text.ts";
import { BETA, type FaultParts, type FaultPlace, inPlace, PASSWORD } from "./fault-place.ts";
import { crashOperator, operatorPods, waitForOperators } from "./operator-faults.ts";

let parts: FaultParts;
const stack = new AsyncDisposableStack();
const addressOf = ({ port }: RedisServer) => ({ host: "127.0.0.1", port, password: PASSWORD });

beforeAll(async () => {
  const scene = stack.use(await startOperatorScene());
  const redis = stack.use(await startRedis({ password: PASSWORD }));
  await fillRedis(addressOf(redis));
  parts = { scene, redis };
}, 1_800_000);
afterAll(() => stack.disposeAsync(), 120_000);

interface Backup {
  readonly targets: readonly [{ readonly stats: readonly [{ readonly snapshots: readonly [{ readonly name: string }] }] }];
}

/** With a backup of the database, and an empty database beside it, which takes no writes until it is told to. */
interface RestorePlace extends FaultPlace {
  readonly target: RedisServer;
  readonly restore: ObjectReference;
  /** Begins the restore, and resolves once it is connected to the empty database. */
  begin(spec?: Readonly<Record<string, unknown>>): Promise<void>;
}

const place = (body: (place: RestorePlace) => Promise<void>) =>
  inPlace(
    () => parts,
    async (where) => {
      const { scene, namespace, nightly } = where;
      await using target = await startRedis({ password: PASSWORD });
      const url = `redis://${await scene.reach(target.port)}`;
      await scene.objects.apply(appBinding({ namespace, name: "empty", type: "redis", url, secret: "redis-auth" }));
      await where.configure();
      await where.start("before");
      const backup = (await where.end("before")).status as Backup;
      // A restore into another database than the one that was backed up has to name what it wants.
      const rules = [{ snapshots: [backup.targets[0].stats[0].snapshots[0].name] }];
      await target.cli("client", "pause", "600000", "write");
      const begin = async (more: Readonly<Record<string, unknown>> = {}) => {
        const spec = { rules, ...more };
        await scene.objects.apply(restoreSession({ ...nightly, name: "back", appBinding: "empty", task: "holdfast-redis-restore", spec }));
        // redis-cli is one client, and the restore has more than one.
        for (
          const deadline = Date.now() + 60_000;
          !/connected_clients:([3-9]|\d\d)/.test(await target.cli("info", "clients"));
          await sleep(50)
        ) {
          if (Date.now() > deadline) throw new Error("Waited in vain for a restore to be connected to the empty database");
        }
      };
      await body({ ...where, target, begin, restore: { apiVersion: BETA, kind: "RestoreSession", metadata: { namespace, name: "back" } } });
    },
  );

async function restoreJobs({ scene, namespace }: FaultPlace): Promise<readonly string[]> {
  const events = await scene.objects.list("v1", "Event", namespace);
  const made = events.filter(
    ({ reason, involvedObject }) => reason === "SuccessfulCreate" && (involvedObject as { kind: string }).kind === "Job",
  );
  return made.map(({ involvedObject }) => (involvedObject as { name: string }).name).filter((name) => name.startsWith("stash-restore-"));
}

test(
  "an operator that crashes in the middle of a restore finds it again, and its end",
  place(async (where) => {
    const { scene, target, redis } = where;
    await where.begin();

    for (let round = 0; round < 2; round += 1) {
      await waitForOperators(scene, 1);
      await crashOperator((await operatorPods(scene))[0] as KubernetesObject);
    }
    await target.cli("client", "unpause");
    await endOf(scene.objects, where.restore);

    expect(diffData(await describeData(addressOf(redis)), await describeData(addressOf(target)))).toEqual([]);
    expect(await restoreJobs(where)).toEqual(["stash-restore-back-0"]);
  }),
  300_000,
);

test(
  "a pod that somebody deletes in the middle of a restore fails it, and it is not begun again",
  place(async (where) => {
    const { scene } = where;
    await where.begin();

    await where.kubectl("delete", "pod", "--selector", "batch.kubernetes.io/job-name=stash-restore-back-0", "--wait=false");
    const ended = await endOf(scene.objects, where.restore, { wanted: "Failed" });

    expect(failureText(ended)).toMatch(/deleted|SIGTERM/);
    expect(await restoreJobs(where)).toEqual(["stash-restore-back-0"]);
  }),
  300_000,
);

test(
  "a Job that somebody deletes in the middle of a restore fails it, and it is not begun again",
  place(async (where) => {
    const { scene } = where;
    await where.begin();

    await where.kubectl("delete", "job", "stash-restore-back-0", "--wait=false");
    const ended = await endOf(scene.objects, where.restore, { wanted: "Failed" });
    await waitForObject(scene.objects, where.configuration(), (each) => statusOf(each).phase === "Ready");

    expect(failureText(ended)).not.toBe("");
    expect(await restoreJobs(where)).toEqual(["stash-restore-back-0"]);
  }),
  300_000,
);

test(
  "a restore that takes longer than its time limit is stopped, and has failed",
  place(async (where) => {
    const { scene, target } = where;
    await where.begin({ timeOut: "15s" });

    const ended = await endOf(scene.objects, where.restore, { wanted: "Failed" });

    expect(failureText(ended)).toMatch(/DeadlineExceeded/);
    const isOver = ({ status }: KubernetesObject) => ((status as { active?: number } | undefined)?.active ?? 0) === 0;
    await waitForObject(
      scene.objects,
      { apiVersion: "batch/v1", kind: "Job", metadata: { namespace: where.namespace, name: "stash-restore-back-0" } },
      isOver,
    );
    expect(await target.cli("dbsize")).toBe("0");
  }),
  300_000,
);
