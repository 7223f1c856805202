// Where Stash's operator was, in the middle of its work, and ours comes: with Stash's own definitions of kinds where they are at hand. The API server and its controllers are real, and
// so are the operator's rights; there is no node.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { catalogObjects } from "../../../deploy/catalog.ts";
import { IMAGE } from "../../../deploy/names.ts";
import type { Fields } from "../../../operator/objects.ts";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects, waitUntilGone } from "../../servers/kubernetes/wait-for-object.ts";
import { CRDS } from "../kubernetes/crds.ts";
import { runOperatorOn } from "./running-operator.ts";
import {
  jobOf,
  leave,
  readyConfiguration,
  runningRestore,
  runningStatus,
  STASH_IMAGE,
  sessionOf,
  surroundings,
  toldStatus,
  triggerObjects,
} from "./stash-leftovers.ts";

const STASH_CRDS = join(import.meta.dirname, "../../../../shared/crds");
const OWN_IMAGE = "registry.example/holdfast:1";
const RBAC = "rbac.authorization.k8s.io/v1";

let server: Kubernetes;

beforeAll(async () => {
  server = await startKubernetes({ crds: existsSync(STASH_CRDS) ? STASH_CRDS : CRDS, controllers: true });
  const catalog = JSON.parse(JSON.stringify(catalogObjects()).replaceAll(IMAGE, OWN_IMAGE)) as readonly KubernetesObject[];
  for (const object of catalog.filter(({ metadata }) => /7\.0\.5|update-status/.test(metadata.name))) await server.objects.apply(object);
}, 1_800_000);

afterAll(async () => {
  await server?.stop();
});

interface Scene {
  readonly namespace: string;
  readonly configuration: KubernetesObject;
}

/** As Stash's operator left it, before ours is there. */
async function leaveScene(backend?: Fields): Promise<Scene> {
  const namespace = await createReadyNamespace(server.objects);
  for (const object of surroundings(namespace, backend)) await leave(server.objects, object);
  const configuration = await leave(server.objects, readyConfiguration(namespace));
  for (const object of triggerObjects(configuration)) await leave(server.objects, object);
  return { namespace, configuration };
}

const statusOf = (object: KubernetesObject) => (object.status ?? {}) as Fields;
const reaches = (phase: string) => (object: KubernetesObject) => statusOf(object).phase === phase;
const cronJob = (namespace: string) => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { namespace, name: "stash-trigger-nightly" },
});

/** As a kubelet does. */
async function playPod({ metadata: { namespace = "", name: job } }: KubernetesObject, status: Fields): Promise<void> {
  const isOf = ({ metadata }: KubernetesObject) => (metadata.labels as Fields)["batch.kubernetes.io/job-name"] === job;
  const pods = await waitForObjects(server.objects, { apiVersion: "v1", kind: "Pod", namespace }, (all) => all.some(isOf));
  const { metadata } = pods.find(isOf) as KubernetesObject;
  for (let answer = 409; answer === 409; ) {
    const pod = await server.objects.get({ apiVersion: "v1", kind: "Pod", metadata });
    const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`;
    answer = (await server.objects.send("PUT", path, { ...pod, status: { ...(pod.status as Fields), ...status } })).status;
    if (answer !== 200 && answer !== 409) throw new Error(`The status of the pod was not taken: ${answer}`);
  }
}

async function writeStatus(session: KubernetesObject, change: (status: Fields) => Fields): Promise<void> {
  const live = await server.objects.get(session);
  const path = `/apis/stash.appscode.com/v1beta1/namespaces/${live.metadata.namespace}/backupsessions/${live.metadata.name}/status`;
  const { status, body } = await server.objects.send("PUT", path, { ...live, status: change(statusOf(live)) });
  // The operator may have written meanwhile.
  if (status === 409) return writeStatus(session, change);
  if (status !== 200) throw new Error(`Status not taken: ${JSON.stringify(body)}`);
}

const failed = { phase: "Failed", initContainerStatuses: [ended(137, "OOMKilled")] };

function ended(exitCode: number, reason: string): Fields {
  const terminated = { exitCode, reason, startedAt: "2026-11-20T03:00:00Z", finishedAt: "2026-11-20T03:00:01Z" };
  return { name: "redis-0", image: STASH_IMAGE, imageID: "", restartCount: 0, ready: false, lastState: {}, state: { terminated } };
}

test("the CronJob and the rights become ours, whole and in place, and nobody is bound to a role of Stash any more (S8)", async () => {
  const { namespace, configuration } = await leaveScene();
  const before = await server.objects.get(cronJob(namespace));

  await using _operator = await runOperatorOn(server);
  const taken = await waitForObject(server.objects, cronJob(namespace), (object) => JSON.stringify(object.spec).includes(OWN_IMAGE));
  await waitForObject(server.objects, configuration, (object) =>
    ((statusOf(object).conditions ?? []) as readonly Fields[]).every(({ status }) => status === "True"),
  );

  expect(taken.metadata.uid).toBe(before.metadata.uid);
  expect(taken.spec).toMatchObject({ schedule: "0 3 * * *", suspend: false });
  expect(JSON.stringify(taken.spec)).not.toMatch(/stash:v0|--v=5|OF_STASH|stash-pull/);
  const isOfStash = (binding: KubernetesObject) =>
    String((binding.roleRef as Fields).name).match(/^stash-(cron|backup|restore)-job$/) !== null;
  const bindings = await waitForObjects(
    server.objects,
    { apiVersion: RBAC, kind: "RoleBinding", namespace },
    (all) => !all.some(isOfStash) && all.some(({ metadata }) => metadata.name === "backupconfiguration-nightly-0"),
  );
  const roles = Object.fromEntries(bindings.map(({ metadata, roleRef }) => [metadata.name, roleRef]));
  expect(roles).toMatchObject({
    "stash-trigger-nightly": { kind: "Role", name: "stash-trigger-nightly" },
    "backupconfiguration-nightly-0": { kind: "ClusterRole", name: "holdfast-job" },
    "backupconfiguration-nightly-0-secrets": { kind: "Role", name: "backupconfiguration-nightly-0-secrets" },
  });
  expect((await server.objects.get(configuration)).metadata.generation).toBe(configuration.metadata.generation);
}, 120_000);

test("a backup that runs is neither started again nor given up: what its run tells counts", async () => {
  const { namespace, configuration } = await leaveScene();
  const session = await leave(server.objects, sessionOf(configuration, "nightly-1", runningStatus(namespace)));
  const job = await leave(server.objects, jobOf(session));

  await using _operator = await runOperatorOn(server);
  await waitForObject(server.objects, cronJob(namespace), (object) => JSON.stringify(object.spec).includes(OWN_IMAGE));
  expect(reaches("Running")(await server.objects.get(session))).toBe(true);
  await playPod(job, { phase: "Running" });
  await writeStatus(session, toldStatus);
  await playPod(job, { phase: "Succeeded", containerStatuses: [{ ...ended(0, "Completed"), name: "update-status-1" }] });

  const over = await waitForObject(server.objects, session, reaches("Succeeded"));
  expect((await server.objects.get(job)).metadata.uid).toBe(job.metadata.uid);
  expect(statusOf(over).sessionDuration).toEqual(expect.any(String));
  expect(await server.objects.list("batch/v1", "Job", namespace)).toHaveLength(1);
}, 120_000);

test("a backup whose Job went with the old operator has failed, and says so; the next one is not skipped (R2)", async () => {
  const { namespace, configuration } = await leaveScene();
  const session = await leave(server.objects, sessionOf(configuration, "nightly-1", runningStatus(namespace)));

  await using _operator = await runOperatorOn(server);
  const over = await waitForObject(server.objects, session, reaches("Failed"));
  expect(JSON.stringify(statusOf(over).targets)).toMatch(/BackupDisrupted.*JobDeleted|JobDeleted.*BackupDisrupted/);

  const next = await leave(server.objects, sessionOf(configuration, "nightly-2", {}));
  await waitForObject(server.objects, next, reaches("Running"));
}, 120_000);

test("a session of a BackupBatch ends with what each of its Jobs comes to, and what has no Job yet gets none (R2)", async () => {
  const { namespace, configuration } = await leaveScene();
  const { targets, ...status } = runningStatus(namespace) as { readonly targets: readonly Fields[] };
  const [target] = targets as readonly [Fields & { readonly ref: Fields }];
  const named = (name: string, entry: Fields = target) => ({ ...entry, ref: { ...target.ref, name } });
  const entries = [named("carts"), named("orders"), named("users", { phase: "Pending" })];
  const single = sessionOf(configuration, "batch-1", { ...status, targets: entries });
  const invoker = { apiGroup: "stash.appscode.com", kind: "BackupBatch", name: "all" };
  const session = await leave(server.objects, { ...single, spec: { invoker, retryLeft: 0 } });
  const job = await leave(server.objects, jobOf(session, 1));

  await using _operator = await runOperatorOn(server);
  await waitForObject(server.objects, session, (object) => JSON.stringify(object.status).includes("JobDeleted"));
  expect(reaches("Running")(await server.objects.get(session))).toBe(true);
  await playPod(job, failed);

  const over = await waitForObject(server.objects, session, reaches("Failed"));
  const said = (statusOf(over).targets as readonly Fields[]).map((entry) => JSON.stringify(entry));
  expect(said[0]).toContain("JobDeleted");
  expect(said[1]).toContain("OutOfMemory");
  expect(said[2]).toContain("BackupBatches are not supported");
}, 120_000);

test("a backup whose pod was killed while nobody looked has failed, and says why (R2)", async () => {
  const { namespace, configuration } = await leaveScene();
  const session = await leave(server.objects, sessionOf(configuration, "nightly-1", runningStatus(namespace)));
  const job = await leave(server.objects, jobOf(session));
  await playPod(job, failed);
  await waitForObject(server.objects, job, (object) => JSON.stringify(object.status).includes('"Failed"'));

  await using _operator = await runOperatorOn(server);

  const over = await waitForObject(server.objects, session, reaches("Failed"));
  expect(JSON.stringify(statusOf(over).targets)).toContain("OutOfMemory");
}, 120_000);

test("what Stash served and we do not is no longer Ready, and a session that its trigger still makes is skipped with the reason", async () => {
  const { namespace, configuration } = await leaveScene({ gcs: { bucket: "vault" } });

  await using _operator = await runOperatorOn(server);
  await waitForObject(server.objects, configuration, reaches("Invalid"));
  const session = await leave(server.objects, sessionOf(configuration, "nightly-1", {}));

  const skipped = await waitForObject(server.objects, session, reaches("Skipped"));
  expect(JSON.stringify(statusOf(skipped).conditions)).toContain("the backend gcs is not supported yet");
  expect(await server.objects.list("batch/v1", "Job", namespace)).toEqual([]);
}, 120_000);

test("a restore that runs is not done twice, and one that was killed has failed", async () => {
  const { namespace } = await leaveScene();
  const restore = await leave(server.objects, runningRestore(namespace));
  const job = await leave(server.objects, jobOf(restore));

  await using _operator = await runOperatorOn(server);
  await waitForObject(server.objects, cronJob(namespace), (object) => JSON.stringify(object.spec).includes(OWN_IMAGE));
  expect((await server.objects.get(job)).metadata.uid).toBe(job.metadata.uid);
  await playPod(job, failed);

  await waitForObject(server.objects, restore, reaches("Failed"));
  await server.objects.delete(restore);
  await waitUntilGone(server.objects, restore);
}, 120_000);

test("what Stash made can be deleted: its finalizers are taken off, and the Repository forgets who used it", async () => {
  const { namespace, configuration } = await leaveScene();
  const vault = { apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { namespace, name: "vault" } };
  const { integrity, snapshotCount, totalSize } = statusOf(await server.objects.get(vault));

  await using _operator = await runOperatorOn(server);
  await server.objects.delete(configuration);
  await waitUntilGone(server.objects, configuration);
  await waitUntilGone(server.objects, cronJob(namespace));

  const left = await server.objects.get(vault);
  expect(statusOf(left).references ?? []).toEqual([]);
  expect(statusOf(left)).toMatchObject({ integrity, snapshotCount, totalSize });
  await server.objects.delete(vault);
  await waitUntilGone(server.objects, vault);
}, 120_000);
