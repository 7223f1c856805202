// Faults that Stash is known for, each by its number, and what comes of the same here: on a real API server with its Job controller, by the operator's own account. What a run and a
// kubelet would write is played.
import { catalogObjects } from "../../../deploy/catalog.ts";
import { IMAGE } from "../../../deploy/names.ts";
import type { Fields } from "../../../operator/objects.ts";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects } from "../../servers/kubernetes/wait-for-object.ts";
import { appBinding, backupConfiguration, repository } from "../../unit/operator/invoker-world.ts";
import { CRDS } from "../kubernetes/crds.ts";
import { type RunningOperator, runOperatorOn } from "./running-operator.ts";
import { leave, toldStatus } from "./stash-leftovers.ts";

const STASH = "stash.appscode.com/v1beta1";
/** Nobody listens there. */
const GATEWAY = "http://127.0.0.1:9";

let server: Kubernetes;
let operator: RunningOperator;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS, controllers: true });
  const catalog = JSON.parse(JSON.stringify(catalogObjects()).replaceAll(IMAGE, "registry.example/holdfast:1")) as KubernetesObject[];
  for (const object of catalog) await server.objects.apply(object);
  operator = await runOperatorOn(server, { "pushgateway-url": GATEWAY });
}, 1_800_000);

afterAll(async () => {
  await operator?.[Symbol.asyncDispose]();
  await server?.stop();
});

const statusOf = (object: KubernetesObject) => (object.status ?? {}) as Fields;
const reaches = (phase: string) => (object: KubernetesObject) => statusOf(object).phase === phase;

function at(object: object, namespace: string): KubernetesObject {
  const { metadata, ...rest } = object as KubernetesObject;
  return { ...rest, metadata: { ...metadata, namespace } };
}

/** A namespace with everything that invoker "nightly" names, but not the invoker. */
async function furnish(binding: Fields = {}): Promise<string> {
  const namespace = await createReadyNamespace(server.objects);
  for (const name of ["vault-key", "carts-login", "another"]) {
    await server.objects.apply({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData: { RESTIC_PASSWORD: "p" } });
  }
  for (const object of [repository(), appBinding(binding)]) await server.objects.apply(at(object, namespace));
  return namespace;
}

async function configure(namespace: string, spec: Fields, phase = "Ready"): Promise<KubernetesObject> {
  const nightly = await server.objects.apply(at(backupConfiguration(spec), namespace));
  return waitForObject(server.objects, nightly, reaches(phase));
}

async function begin(namespace: string): Promise<KubernetesObject> {
  const invoker = { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" };
  const session = { apiVersion: STASH, kind: "BackupSession", metadata: { namespace, name: "one" }, spec: { invoker } };
  return waitForObject(server.objects, await server.objects.apply(session), (object) =>
    JSON.stringify(object.status ?? {}).includes("BackupExecutorEnsured"),
  );
}

interface MadeContainer {
  readonly name: string;
  readonly args: readonly string[];
  readonly resources: Fields;
  readonly env?: readonly Fields[];
}

async function jobOf(
  namespace: string,
  name: string,
): Promise<{ readonly job: KubernetesObject; readonly containers: readonly MadeContainer[] }> {
  const job = await waitForObject(server.objects, { apiVersion: "batch/v1", kind: "Job", metadata: { namespace, name } }, () => true);
  const { spec } = (job.spec as { readonly template: { readonly spec: Fields } }).template;
  return { job, containers: [...((spec.initContainers ?? []) as MadeContainer[]), ...(spec.containers as MadeContainer[])] };
}

async function succeed({ metadata: { namespace = "", name: job } }: KubernetesObject): Promise<void> {
  const isOf = ({ metadata }: KubernetesObject) => (metadata.labels as Fields)["batch.kubernetes.io/job-name"] === job;
  const pods = await waitForObjects(server.objects, { apiVersion: "v1", kind: "Pod", namespace }, (all) => all.some(isOf));
  const { metadata } = pods.find(isOf) as KubernetesObject;
  for (let answer = 409; answer === 409; ) {
    const pod = await server.objects.get({ apiVersion: "v1", kind: "Pod", metadata });
    const status = { ...(pod.status as Fields), phase: "Succeeded" };
    answer = (await server.objects.send("PUT", `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`, { ...pod, status })).status;
    if (answer !== 200 && answer !== 409) throw new Error(`The status of the pod was not taken: ${answer}`);
  }
}

async function tell(session: KubernetesObject): Promise<void> {
  const live = await server.objects.get(session);
  const path = `/apis/${STASH}/namespaces/${live.metadata.namespace}/backupsessions/${live.metadata.name}/status`;
  const status = toldStatus({ conditions: [], ...statusOf(live) });
  const answer = await server.objects.send("PUT", path, { ...live, status });
  // The operator may have written meanwhile.
  if (answer.status === 409) return tell(session);
  if (answer.status !== 200) throw new Error(`Status not taken: ${JSON.stringify(answer.body)}`);
}

test("a gateway that is away does not make a complete backup a failed one (R1)", async () => {
  const namespace = await furnish();
  await configure(namespace, {});
  const session = await begin(namespace);
  const { job } = await jobOf(namespace, "stash-backup-one-0");

  await tell(session);
  await succeed(job);

  const over = await waitForObject(server.objects, session, reaches("Succeeded"), { timeoutMs: 90_000 });
  expect(statusOf(over).conditions).toEqual(
    expect.arrayContaining([expect.objectContaining({ type: "MetricsPushed", status: "True", reason: "FailedToPushMetrics" })]),
  );
}, 180_000);

test("a Job that ends well without having told a result is no backup (R4)", async () => {
  const namespace = await furnish();
  await configure(namespace, {});
  const session = await begin(namespace);
  const { job } = await jobOf(namespace, "stash-backup-one-0");

  await succeed(job);

  const over = await waitForObject(server.objects, session, reaches("Failed"), { timeoutMs: 120_000 });
  expect(JSON.stringify(statusOf(over).targets)).toContain("NoResult: The Job ended without a failure, and without telling of a result");
}, 240_000);

test("an interim volume that nobody works on is neither claimed nor asked rights for (R13, R14)", async () => {
  const namespace = await furnish();
  const claim = { metadata: { name: "dump" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
  await configure(namespace, { task: { name: "elasticsearch-backup-8.2.0" }, interimVolumeTemplate: claim });

  await begin(namespace);
  const { job, containers } = await jobOf(namespace, "stash-backup-one-0");

  expect(await server.objects.list("v1", "PersistentVolumeClaim", namespace)).toEqual([]);
  const roles = await server.objects.list("rbac.authorization.k8s.io/v1", "Role", namespace);
  expect(JSON.stringify(roles)).not.toContain("persistentvolumeclaims");
  expect(JSON.stringify(job.spec)).not.toContain('stash-interim-volume","persistentVolumeClaim');
  expect(containers[0]?.args).toContain("--interim-data-dir=/stash-tmp/stash-interim-volume/data");
}, 120_000);

test("quotes and backslashes in a parameter arrive in the Job as they are (R18)", async () => {
  const namespace = await furnish();
  const args = String.raw`--match=^"a\.b" --x='{"y":1}'`;
  await configure(namespace, { task: { name: "redis-backup-7.0.5", params: [{ name: "args", value: args }] } });

  await begin(namespace);
  const { containers } = await jobOf(namespace, "stash-backup-one-0");

  expect(containers[0]?.args).toContain(`--redis-args=${args}`);
}, 120_000);

test.each([
  ["a Task that is not there", { task: { name: "redis-backup-0.0.1" } }, 'Cannot find Task "redis-backup-0.0.1"'],
  ["a setting that is not known", { runtimeSettings: { container: { livenessProbe: { exec: { command: ["true"] } } } } }, "livenessProbe"],
])(
  "%s fails the session by name, and makes no Job of nothing (R19)",
  async (_, spec, message) => {
    const namespace = await furnish();
    await configure(namespace, spec);

    const invoker = { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" };
    const session = { apiVersion: STASH, kind: "BackupSession", metadata: { namespace, name: "one" }, spec: { invoker } };
    const over = await waitForObject(server.objects, await server.objects.apply(session), reaches("Failed"), { timeoutMs: 90_000 });

    expect(JSON.stringify(statusOf(over).targets).replaceAll("\\", "")).toContain(message);
    expect(await server.objects.list("batch/v1", "Job", namespace)).toEqual([]);
  },
  180_000,
);

test("requests without limits count, nice and ionice arrive: in the Job and, as far as it has them, in the trigger (R20)", async () => {
  const namespace = await furnish();
  const requests = { cpu: "300m", memory: "200Mi" };
  const container = { resources: { requests }, nice: { adjustment: 5 }, ionice: { class: 2, classData: 4 } };
  await configure(namespace, { runtimeSettings: { container } });

  await begin(namespace);
  const { containers } = await jobOf(namespace, "stash-backup-one-0");

  expect(containers.map(({ resources }) => resources)).toEqual([{ requests }, { requests }]);
  for (const { env } of containers) {
    expect(env).toEqual(
      expect.arrayContaining([
        { name: "NICE_ADJUSTMENT", value: "5" },
        { name: "IONICE_CLASS", value: "2" },
        { name: "IONICE_CLASS_DATA", value: "4" },
      ]),
    );
  }
  const [cronJob] = await server.objects.list("batch/v1", "CronJob", namespace);
  expect(JSON.stringify(cronJob?.spec)).toContain('"resources":{"requests":{"cpu":"300m","memory":"200Mi"}}');
}, 120_000);

test("a restore takes its own Task's parameters, and those that the session says, never the backup's (R22)", async () => {
  const task = (direction: string, args: string) => ({
    name: `redis-${direction}-7.0.5`,
    params: [
      { name: "args", value: args },
      { name: "waitTimeout", value: direction === "backup" ? "1" : "42" },
    ],
  });
  const addon = { backupTask: task("backup", "-db 1"), restoreTask: task("restore", "-db 2") };
  const namespace = await furnish({
    parameters: { apiVersion: "config.kubedb.com/v1alpha1", kind: "RedisConfiguration", stash: { addon } },
  });
  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };
  const spec = { repository: { name: "vault" }, target: { ref }, task: { params: [{ name: "args", value: "-db 3" }] } };

  await server.objects.apply({ apiVersion: STASH, kind: "RestoreSession", metadata: { namespace, name: "back" }, spec });
  const { containers } = await jobOf(namespace, "stash-restore-back-0");

  expect(containers[0]?.name).toBe("redis-restore-7-0-5-0");
  expect(containers[0]?.args).toEqual(expect.arrayContaining(["restore-redis", "--redis-args=-db 3", "--wait-timeout=42"]));
}, 120_000);

test("a retention policy that keeps nothing is refused before the first night, not after it (R23)", async () => {
  const namespace = await furnish();

  const refused = await configure(namespace, { retentionPolicy: { name: "none", prune: true } }, "Invalid");

  expect(JSON.stringify(statusOf(refused).conditions).replaceAll("\\", "")).toContain('the retentionPolicy "none" keeps nothing');
  expect(await server.objects.list("batch/v1", "CronJob", namespace)).toEqual([]);
}, 120_000);

test("sessions made by hand, without labels, are seen while they run, and go with their invoker (R27)", async () => {
  const namespace = await furnish();
  const nightly = await configure(namespace, {});
  const one = await begin(namespace);

  const two = { ...one, metadata: { namespace, name: "two" }, status: {} };
  const skipped = await waitForObject(server.objects, await leave(server.objects, two), reaches("Skipped"));

  expect(JSON.stringify(statusOf(skipped).conditions).replaceAll("\\", "")).toContain(
    'BackupSession "one" of the same BackupConfiguration',
  );
  const adopted = (await server.objects.get(one)).metadata;
  expect(adopted.ownerReferences).toEqual([expect.objectContaining({ uid: nightly.metadata.uid, controller: true })]);
  expect(adopted.labels).toMatchObject({
    "stash.appscode.com/invoker-type": "BackupConfiguration",
    "stash.appscode.com/invoker-name": "nightly",
  });
}, 120_000);

test("a job's account opens the Secrets of its own backup, and writes nothing but statuses (S8)", async () => {
  const namespace = await furnish();
  await configure(namespace, {});
  const user = `system:serviceaccount:${namespace}:backupconfiguration-nightly-0`;
  const may = async (verb: string, resource: string, name = "", group = "stash.appscode.com") => {
    const [plural, subresource] = resource.split("/");
    const spec = { user, resourceAttributes: { verb, group, resource: plural, subresource, namespace, name } };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    const { body } = await server.objects.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
    return (body as { readonly status: { readonly allowed: boolean } }).status.allowed;
  };

  // An authorizer learns of a new Role some moments later.
  for (const deadline = Date.now() + 30_000; !(await may("get", "secrets", "vault-key", "")) && Date.now() < deadline; );

  expect(await Promise.all(["vault-key", "carts-login", "another", ""].map((name) => may("get", "secrets", name, "")))).toEqual([
    ...[true, true, false, false],
  ]);
  for (const verb of ["list", "watch", "create", "update", "delete"]) expect(await may(verb, "secrets", "vault-key", "")).toBe(false);
  for (const kind of ["backupconfigurations", "backupsessions", "repositories", "restoresessions", "functions", "tasks"]) {
    for (const verb of ["create", "update", "patch", "delete"])
      expect([kind, verb, await may(verb, kind, "nightly")]).toEqual([kind, verb, false]);
  }
  expect(await may("update", "backupsessions/status", "one")).toBe(true);
}, 120_000);
