// What people have in their clusters for Stash: taken as it is, or refused by name. On a real API server with its controllers, by the operator's own account, with the Functions and
// Tasks that we ship under Stash's names; there is no node.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { catalogObjects } from "../../../deploy/catalog.ts";
import { IMAGE } from "../../../deploy/names.ts";
import type { Fields } from "../../../operator/objects.ts";
import { createReadyNamespace } from "../../servers/kubernetes/create-ready-namespace.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { waitForObject, waitForObjects } from "../../servers/kubernetes/wait-for-object.ts";
import { CRDS } from "../kubernetes/crds.ts";
import { type RunningOperator, runOperatorOn } from "./running-operator.ts";
import { backupArguments, restoreArguments, type StashRun, type StashStore, updateStatusArguments } from "./stash-arguments.ts";

const SAMPLES = join(import.meta.dirname, "../../../../shared/samples/stash");
const STASH = "stash.appscode.com/v1beta1";
const OWN_IMAGE = "registry.example/holdfast:1";
/** Nobody listens there, and it is refused at once. */
const GATEWAY = "http://127.0.0.1:9";

let server: Kubernetes;
let operator: RunningOperator;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS, controllers: true });
  const catalog = JSON.parse(JSON.stringify(catalogObjects()).replaceAll(IMAGE, OWN_IMAGE)) as readonly KubernetesObject[];
  for (const object of catalog) await server.objects.apply(object);
  operator = await runOperatorOn(server, { "pushgateway-url": GATEWAY });
}, 1_800_000);

afterAll(async () => {
  await operator?.[Symbol.asyncDispose]();
  await server?.stop();
});

afterEach(() => {
  expect(operator.log.filter(({ level }) => level === "error")).toEqual([]);
});

const S3 = { endpoint: "s3.amazonaws.com", bucket: "stash-demo", region: "us-west-1", prefix: "/backup/demo" };
const STORE: StashStore = {
  ...{ provider: "s3", bucket: S3.bucket, endpoint: S3.endpoint, region: S3.region, path: S3.prefix },
  secret: "gcs-secret",
};

interface Sample {
  readonly file: string;
  readonly engine: "redis" | "es";
  readonly binding: string;
  readonly keeps?: readonly string[];
  readonly args?: string;
  readonly snapshot?: string;
  readonly hasDashboards?: boolean;
}

const [redis, es] = [{ engine: "redis", binding: "sample-redis" } as const, { engine: "es", hasDashboards: true } as const];
const ELASTIC = { ...es, binding: "sample-elasticsearch" };
const INDICES = "--match=^(?![.])(?!searchguard).+ --ignoreType=template";
const YEARS = ["last=5", "daily=10", "weekly=20", "monthly=50", "yearly=100"];

const backups = present<Sample>([
  { ...redis, file: "redis/backupconfiguration.yaml", keeps: ["last=5"] },
  { ...redis, file: "redis/backupconfiguration-args.yaml", keeps: ["last=5"], args: "-db 1" },
  { ...redis, file: "redis/backupconfiguration-multi-retention.yaml", keeps: YEARS },
  { ...es, binding: "sample-es", file: "elasticsearch/backupconfiguration-interim-volume.yaml", keeps: ["last=5"] },
  { ...ELASTIC, file: "elasticsearch/backupconfiguration-match-args.yaml", keeps: ["last=5"], args: INDICES },
]);

const restores = present<Sample>([
  { ...redis, file: "redis/restoresession.yaml", snapshot: "latest" },
  { ...redis, file: "redis/restoresession-specific-snapshot.yaml", snapshot: "4bc21d6f" },
  { ...es, binding: "sample-es", file: "elasticsearch/restoresession.yaml", snapshot: "latest" },
  { ...ELASTIC, file: "elasticsearch/restoresession-specific-snapshot.yaml", snapshot: "4bc21d6f" },
]);

/** Those of the files that are there. */
function present<T extends { readonly file: string }>(all: readonly T[]): readonly T[] {
  return all.filter(({ file }) => existsSync(join(SAMPLES, file)));
}

function read(file: string): readonly KubernetesObject[] {
  return parseAllDocuments(readFileSync(join(SAMPLES, file), "utf8")).map((document) => document.toJS() as KubernetesObject);
}

/** A sample's object in a namespace of the test's own. */
function within(object: KubernetesObject, namespace: string): KubernetesObject {
  const { uid: _uid, creationTimestamp: _created, ...metadata } = object.metadata;
  const { repository } = (object.spec ?? {}) as { readonly repository?: Fields };
  const spec = { ...(object.spec as Fields), ...(repository?.namespace === undefined ? {} : { repository: { ...repository, namespace } }) };
  return { ...object, metadata: { ...metadata, namespace } as KubernetesObject["metadata"], spec };
}

async function furnish({ binding, backend = { s3: S3 } }: { readonly binding: string; readonly backend?: Fields }): Promise<string> {
  const namespace = await createReadyNamespace(server.objects);
  for (const name of ["gcs-secret", "login"]) {
    await server.objects.apply({ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData: { RESTIC_PASSWORD: "p" } });
  }
  await server.objects.apply(appBinding(namespace, binding));
  const spec = { backend: { ...backend, storageSecretName: "gcs-secret" } };
  await server.objects.apply({
    apiVersion: "stash.appscode.com/v1alpha1",
    kind: "Repository",
    metadata: { namespace, name: "gcs-repo" },
    spec,
  });
  return namespace;
}

function appBinding(namespace: string, name: string, spec: Fields = {}): KubernetesObject {
  const service = { name, port: 6379, scheme: "http" };
  const metadata = { namespace, name };
  const whole = { type: "any", clientConfig: { service }, secret: { name: "login" }, ...spec };
  return { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata, spec: whole };
}

const statusOf = (object: KubernetesObject) => (object.status ?? {}) as Fields;

function conditionOf(object: KubernetesObject, type: string): Fields | undefined {
  return ((statusOf(object).conditions ?? []) as readonly Fields[]).find((condition) => condition.type === type);
}

/** A container of a Job. */
interface MadeContainer {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
}

async function containersOf(namespace: string, name: string): Promise<readonly MadeContainer[]> {
  const job = await waitForObject(server.objects, { apiVersion: "batch/v1", kind: "Job", metadata: { namespace, name } }, () => true);
  const { spec } = (job.spec as { readonly template: { readonly spec: Fields } }).template;
  return [...((spec.initContainers ?? []) as readonly MadeContainer[]), ...(spec.containers as readonly MadeContainer[])];
}

/** As `kubectl create` of a BackupSession by hand does. */
async function backUp(namespace: string, name: string): Promise<string> {
  const session = `${name}-1`;
  const spec = { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name } };
  await server.objects.apply({ apiVersion: STASH, kind: "BackupSession", metadata: { namespace, name: session }, spec });
  return session;
}

async function becomesReady(configuration: KubernetesObject): Promise<void> {
  await waitForObject(server.objects, configuration, (object) => statusOf(object).phase === "Ready");
  const { namespace = "", name } = configuration.metadata;
  const cronJob = await server.objects.get({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { namespace, name: `stash-trigger-${name}` },
  });
  expect(cronJob.spec).toMatchObject({ schedule: (configuration.spec as Fields).schedule, suspend: false });
}

async function expectBackup(configuration: KubernetesObject, run: Omit<StashRun, "invoker" | "store">, engine: "redis" | "es") {
  const { namespace = "", name } = configuration.metadata;
  const session = await backUp(namespace, name);
  const containers = await containersOf(namespace, `stash-backup-${session}-0`);
  const whole = { ...run, session, store: STORE, invoker: { kind: "BackupConfiguration", name } };
  expect(containers.map(({ args }) => args)).toEqual([backupArguments(engine, whole), updateStatusArguments(whole, GATEWAY)]);
  expect(containers.map(({ image }) => image)).toEqual([OWN_IMAGE, OWN_IMAGE]);
  return containers.map((container) => container.name);
}

test.each(backups)(
  "$file becomes Ready, and its session's Job has the containers and arguments that Stash gives them",
  async (sample) => {
    const { file, engine, binding } = sample;
    const namespace = await furnish({ binding });
    const configuration = within(read(file)[0] as KubernetesObject, namespace);
    await server.objects.apply(configuration);

    await becomesReady(configuration);

    const { task } = configuration.spec as { readonly task: { readonly name: string } };
    const names = await expectBackup(configuration, { ...sample, namespace, binding }, engine);
    expect(names).toEqual([`${task.name.replaceAll(".", "-")}-0`, "update-status-1"]);
  },
  120_000,
);

test.each(restores)(
  "$file runs, and its Job has the containers and arguments that Stash gives them",
  async (sample) => {
    const { file, engine, binding } = sample;
    const namespace = await furnish({ binding });
    const restore = within(read(file)[0] as KubernetesObject, namespace);
    const { name } = restore.metadata;
    await server.objects.apply(restore);

    const containers = await containersOf(namespace, `stash-restore-${name}-0`);

    const run = { ...sample, namespace, binding, store: STORE, invoker: { kind: "RestoreSession", name } };
    expect(containers.map(({ args }) => args)).toEqual([restoreArguments(engine, run), updateStatusArguments(run, GATEWAY)]);
    const running = await waitForObject(server.objects, restore, (object) => conditionOf(object, "RestoreExecutorEnsured") !== undefined);
    expect(statusOf(running)).toMatchObject({ totalHosts: 1, phase: "Running" });
    expect(conditionOf(running, "RestoreExecutorEnsured")).toMatchObject({ status: "True", reason: "SuccessfullyEnsuredRestoreExecutor" });
  },
  120_000,
);

// As Stash chooses a rule and says it to the container; the last row is one that it takes for "anything".
const selections: readonly (readonly [string, string, readonly Fields[], readonly string[]])[] = [
  ["no rules", "", [], ["", "", ""]],
  ["no rules and an alias", "a", [], ["", "", ""]],
  ["a rule without an alias", "", [{ snapshots: ["latest"] }], ["", "", "latest"]],
  ["a rule for all the others", "a", [{ snapshots: ["latest"] }], ["a", "a", "latest"]],
  ["a source", "a", [{ sourceHost: "s" }], ["a", "s", ""]],
  ["the rule that names the alias", "a", [{ snapshots: ["one"] }, { targetHosts: ["a"], snapshots: ["two"] }], ["a", "a", "two"]],
  ["several snapshots", "", [{ snapshots: ["4bc21d6f", "b54ee4a0"] }], ["", "", "4bc21d6f,b54ee4a0"]],
];

test.each(selections)(
  "a restore by %s",
  async (_, alias, rules, [hostname, source, snapshot]) => {
    const namespace = await furnish({ binding: "db" });
    const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "db" };
    const target = { ref, ...(alias === "" ? {} : { alias }), rules };
    const spec = { repository: { name: "gcs-repo" }, target, task: { name: "elasticsearch-restore-8.2.0" } };
    await server.objects.apply({ apiVersion: STASH, kind: "RestoreSession", metadata: { namespace, name: "back" }, spec });

    const [restore] = await containersOf(namespace, "stash-restore-back-0");

    expect(restore?.args).toEqual(
      expect.arrayContaining([`--hostname=${hostname}`, `--source-hostname=${source}`, `--snapshot=${snapshot}`]),
    );
  },
  120_000,
);

test("a restore of which no rule is for its target is refused, and restores nothing", async () => {
  const namespace = await furnish({ binding: "db" });
  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "db" };
  const rules = [{ targetHosts: ["another"], snapshots: ["latest"] }];
  const spec = { repository: { name: "gcs-repo" }, target: { ref, rules }, task: { name: "redis-restore-7.0.5" } };
  const restore = { apiVersion: STASH, kind: "RestoreSession", metadata: { namespace, name: "back" }, spec };
  await server.objects.apply(restore);

  const refused = await waitForObject(server.objects, restore, (live) => statusOf(live).phase === "Invalid");

  expect(conditionOf(refused, "ValidationPassed")?.message).toContain("none of its rules is for a target without an alias");
  expect(await server.objects.list("batch/v1", "Job", namespace)).toEqual([]);
}, 120_000);

test("what an AppBinding of KubeDB is labelled, its restore is too, so that KubeDB sees it; the alias of a backup is its host", async () => {
  const namespace = await furnish({ binding: "db" });
  const kubedb = {
    "app.kubernetes.io/instance": "db",
    "app.kubernetes.io/managed-by": "kubedb.com",
    "app.kubernetes.io/name": "redises.kubedb.com",
  };
  const binding = appBinding(namespace, "db");
  await server.objects.apply({ ...binding, metadata: { ...binding.metadata, labels: { ...kubedb, team: "carts" } } });
  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "db" };
  const common = { repository: { name: "gcs-repo" }, target: { ref, alias: "cart" } };
  const restore = {
    ...{ apiVersion: STASH, kind: "RestoreSession", metadata: { namespace, name: "back" } },
    spec: { ...common, task: { name: "redis-restore-7.0.5" } },
  };
  const retentionPolicy = { name: "any", keepLast: 1, prune: true };
  const configuration = {
    ...{ apiVersion: STASH, kind: "BackupConfiguration", metadata: { namespace, name: "own" } },
    spec: { ...common, schedule: "0 3 * * *", task: { name: "redis-backup-7.0.5" }, retentionPolicy },
  };

  await server.objects.apply(restore);
  await server.objects.apply(configuration);
  await becomesReady(configuration);
  const [backup] = await containersOf(namespace, `stash-backup-${await backUp(namespace, "own")}-0`);

  expect(backup?.args).toContain("--hostname=cart");
  const labelled = await waitForObject(server.objects, restore, ({ metadata }) => metadata.labels !== undefined);
  expect(labelled.metadata.labels).toEqual(kubedb);
}, 120_000);

const TASKS = [
  { engine: "redis", version: "5.0.13" },
  { engine: "redis", version: "7.0.5" },
  { engine: "es", version: "5.6.4" },
  { engine: "es", version: "7.2.0" },
  { engine: "es", version: "7.14.0", hasDashboards: true },
  { engine: "es", version: "8.2.0", hasDashboards: true },
] as const;

test.each(TASKS)(
  "the Task of $engine $version, named by an AppBinding with parameters of its own, is used as Stash uses it; nobody asks for a licence (C1)",
  async ({ engine, version, ...rest }) => {
    const namespace = await furnish({ binding: "db" });
    const named = `${engine === "redis" ? "redis" : "elasticsearch"}-backup-${version}`;
    const params = [
      { name: "args", value: "-db 2" },
      { name: "waitTimeout", value: "300" },
    ];
    const parameters = {
      apiVersion: "config.kubedb.com/v1alpha1",
      kind: "Configuration",
      stash: { addon: { backupTask: { name: named, params } } },
    };
    await server.objects.apply(appBinding(namespace, "db", { parameters }));
    const spec = {
      ...{ schedule: "0 3 * * *", repository: { name: "gcs-repo" }, retentionPolicy: { name: "any", keepWeekly: 4, prune: true } },
      ...{ target: { ref: { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "db" } }, task: {} },
    };
    const configuration = { apiVersion: STASH, kind: "BackupConfiguration", metadata: { namespace, name: "own" }, spec };
    await server.objects.apply(configuration);

    await becomesReady(configuration);

    // The last of its arguments but for the dashboards is "--license-apiservice=": no APIService is named, and none is asked.
    await expectBackup(configuration, { ...rest, namespace, binding: "db", keeps: ["weekly=4"], args: "-db 2" }, engine);
  },
  120_000,
);

const places = present([{ file: "misc/repositories-all-backends.yaml" }]).flatMap(({ file }) =>
  read(file).map((object) => {
    const { backend } = object.spec as { readonly backend: Fields };
    const provider = Object.keys(backend).find((key) => key !== "storageSecretName") ?? "";
    return { provider, name: object.metadata.name, backend };
  }),
);
const isServed = ({ provider }: { readonly provider: string }) => provider === "s3" || provider === "local";

test.each(places.filter(isServed))(
  "the Repository $name ($provider) is served",
  async ({ backend }) => {
    const namespace = await furnish({ binding: "sample-redis", backend });
    const configuration = within(read("redis/backupconfiguration.yaml")[0] as KubernetesObject, namespace);
    await server.objects.apply(configuration);

    await becomesReady(configuration);
  },
  120_000,
);

test.each(places.filter((place) => !isServed(place)))(
  "the Repository $name ($provider) is refused by the name of its backend, and nothing is scheduled",
  async ({ backend, provider }) => {
    const namespace = await furnish({ binding: "sample-redis", backend });
    const configuration = within(read("redis/backupconfiguration.yaml")[0] as KubernetesObject, namespace);
    await server.objects.apply(configuration);

    const refused = await waitForObject(server.objects, configuration, (object) => statusOf(object).phase === "Invalid");

    expect(conditionOf(refused, "ValidationPassed")).toMatchObject({
      ...{ status: "False", reason: "ResourceValidationFailed" },
      message: expect.stringContaining(`the backend ${provider} is not supported yet`),
    });
    expect(await server.objects.list("batch/v1", "CronJob", namespace)).toEqual([]);

    const restore = within(read("redis/restoresession.yaml")[0] as KubernetesObject, namespace);
    await server.objects.apply(restore);
    const invalid = await waitForObject(server.objects, restore, (object) => statusOf(object).phase === "Invalid");

    expect(conditionOf(invalid, "ValidationPassed")?.message).toContain(`the backend ${provider} is not supported yet`);
    expect(await server.objects.list("batch/v1", "Job", namespace)).toEqual([]);
  },
  120_000,
);

const refusals = present([
  { file: "misc/backupconfiguration-hooks.yaml", phase: "Invalid", message: "hooks.preBackup, hooks.postBackup: hooks are not supported" },
  { file: "concepts/backupbatch.yaml", phase: "Invalid", message: "BackupBatch is not supported" },
  {
    file: "concepts/restoresession.yaml",
    phase: "Invalid",
    message: "hooks.preRestore, hooks.postRestore: hooks are not supported",
  },
  { file: "misc/backupsession-instant.yaml", phase: "Skipped", message: 'deployment-backup" is missing' },
]);

test.each(refusals)(
  "$file is refused: $message",
  async ({ file, phase, message }) => {
    const namespace = await furnish({ binding: "sample-mysql" });
    const { status: _status, ...object } = within(read(file)[0] as KubernetesObject, namespace);
    await server.objects.apply(object as KubernetesObject);

    const refused = await waitForObject(server.objects, object as KubernetesObject, (live) => statusOf(live).phase === phase);

    const said = (statusOf(refused).conditions as readonly Fields[]).map((condition) => String(condition.message));
    expect(said).toEqual(expect.arrayContaining([expect.stringContaining(message)]));
    expect(await server.objects.list("batch/v1", "CronJob", namespace)).toEqual([]);
  },
  120_000,
);

test.each(present([{ file: "elasticsearch/backupblueprint.yaml" }]))(
  "$file is told that nothing comes of it",
  async ({ file }) => {
    const blueprint = read(file)[0] as KubernetesObject;
    await server.objects.apply(blueprint);

    const events = await waitForObjects(server.objects, { apiVersion: "v1", kind: "Event", namespace: "default" }, (all) =>
      all.some(({ reason }) => reason === "NotSupported"),
    );

    expect(events.find(({ reason }) => reason === "NotSupported")).toMatchObject({
      involvedObject: { kind: "BackupBlueprint", name: blueprint.metadata.name },
    });
  },
  120_000,
);

test.each(present([{ file: "concepts/backupsession.yaml" }]))(
  "$file, which Stash ended, stays as it is",
  async ({ file }) => {
    const namespace = await furnish({ binding: "sample-redis" });
    const object = within(read(file)[0] as KubernetesObject, namespace);
    // Its creation and its status are two writes, and the operator may be faster than the second one.
    const ended = await server.objects.apply(object).catch(() => server.objects.apply(object));

    const configuration = within(read("redis/backupconfiguration.yaml")[0] as KubernetesObject, namespace);
    await server.objects.apply(configuration);
    await becomesReady(configuration);

    expect((await server.objects.get(object)).metadata.resourceVersion).toBe(ended.metadata.resourceVersion);
  },
  120_000,
);
