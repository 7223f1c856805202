// scene: a namespace with databases, a repository, an invoker, and the accounts that its pods run as.
import { openApiCluster } from "../../runner/kubernetes/api-cluster.ts";
import type { Status } from "../../runner/kubernetes/cluster.ts";
import { type JobObjects, neededRights } from "../../runner/kubernetes/needed-rights.ts";
import type { Job } from "../../runner/kubernetes/resolve-objects.ts";
import { rolesFor } from "../../runner/kubernetes/role-manifests.ts";
import type { TargetRef } from "../../runner/kubernetes/status-target.ts";
import { parseParameters } from "../../runner/parameters.ts";
import { resolveParameters, showResolvedJobs } from "../../runner/resolve-command.ts";
import type { KubernetesObject } from "../servers/kubernetes/kubernetes-objects.ts";
import { PASSPHRASE, runHoldfast } from "./holdfast-process.ts";
import { admitRestore, admitTarget, concludeRestore, concludeSession, nameTargets, type TargetActions } from "./operator.ts";
import { makePod, type Pod } from "./pod.ts";
import { documentsIn, IMAGE, mountServiceAccount, type SessionWorld } from "./session-world.ts";

export interface SceneOptions {
  /** Names of AppBindings, and the ports of their servers. */
  readonly databases: Readonly<Record<string, number>>;
  /** "holdfast-redis": ours, one container; "stash": Stash's two. */
  readonly tasks?: "holdfast-redis" | "stash";
  readonly retentionPolicy?: Readonly<Record<string, unknown>>;
  /** The Repository's; a directory when absent. */
  readonly backend?: Readonly<Record<string, unknown>>;
  /** Of the storage Secret, beside the passphrase. */
  readonly storageSecret?: Readonly<Record<string, string>>;
  /** Where pods push metrics. */
  readonly pushgatewayUrl?: string;
  /** Names of databases that are backed up as one BackupBatch. */
  readonly batch?: readonly string[];
  readonly params?: Readonly<Record<string, string>>;
  readonly schedule?: string;
}

export interface Scene {
  readonly namespace: string;
  /** Where the backups lie, when the backend is a directory. */
  readonly store: string;
  readonly options: SceneOptions;
  ref(database: string): TargetRef;
  apply(object: Omit<KubernetesObject, "metadata"> & { metadata: { name: string } }): Promise<KubernetesObject>;
  passphrase(passphrase: string): Promise<void>;
  /** A BackupSession with its Jobs resolved and, unless `isLate`, its targets admitted. */
  backup(options?: BackupOptions): Promise<BackupRun>;
  restore(database: string, options?: { snapshot?: string; params?: Readonly<Record<string, string>> }): Promise<RestoreRun>;
  repositoryStatus(): Promise<Status>;
  events(name: string): Promise<readonly { readonly type: string; readonly reason: string; readonly message: string }[]>;
  /** Ids in the store that is a directory, oldest first. */
  snapshots(): Promise<readonly { readonly id: string; readonly target: string }[]>;
}

export interface BackupOptions extends TargetActions {
  /** Targets are not admitted: the test does it. */
  readonly isLate?: boolean;
  /** A database alone, by a BackupConfiguration of its name; "nightly" when absent: the batch, or the first database. */
  readonly invoker?: string;
}

interface Run extends AsyncDisposable {
  readonly name: string;
  readonly jobs: readonly Job[];
  /** Of the only target, or the first. */
  readonly pod: Pod;
  readonly pods: readonly Pod[];
  status(): Promise<Status>;
  /** The operator's last step; resolves with the status after it. */
  conclude(): Promise<Status>;
}

export interface BackupRun extends Run {
  admit(): Promise<void>;
}

export type RestoreRun = Run;

const STASH = "stash.appscode.com/v1beta1";
const MOUNT = "/vault";
export const ALL_ACTIONS = ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"];
const INITIALIZE = ["InitializeBackendRepository"];

export async function makeScene(world: SessionWorld, options: SceneOptions): Promise<Scene> {
  const { kubernetes, operator } = world;
  const namespace = await kubernetes.objects.createNamespace();
  const store = world.newFolder();
  const names = Object.keys(options.databases);
  const apply: Scene["apply"] = (object) =>
    kubernetes.objects.apply({ ...object, metadata: { ...object.metadata, namespace } } as KubernetesObject);
  const passphrase = async (text: string) => {
    const stringData = { RESTIC_PASSWORD: text, ...options.storageSecret };
    await apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "cellar-key" }, stringData });
  };
  await passphrase(PASSPHRASE);
  for (const object of sceneObjects(options, { namespace, store })) await apply(object);
  const accounts = { backup: await admit(world, "backup", namespace, names), restore: await admit(world, "restore", namespace, names) };
  const ref = (database: string) => ({ ...APP_BINDING, namespace, name: database });
  const sessionOf = async (object: KubernetesObject) => ({ namespace, name: object.metadata.name });
  const runOf = async (work: "backup" | "restore", jobs: readonly Job[], rest: Pick<Run, "name" | "status" | "conclude">): Promise<Run> => {
    const pods = jobs.map((job) => makePod(job, { apiPort: kubernetes.port, serviceAccount: accounts[work] }));
    const dispose = async () => {
      for (const pod of pods) await pod[Symbol.asyncDispose]();
    };
    return { ...rest, jobs, pods, pod: pods[0] as Pod, [Symbol.asyncDispose]: dispose };
  };
  return {
    ...{ namespace, store, options, ref, apply, passphrase },
    async backup({ pre = INITIALIZE, post = ALL_ACTIONS, isLate = false, invoker = "nightly" } = {}) {
      const batch = invoker === "nightly" ? options.batch : undefined;
      const kind = batch === undefined ? "BackupConfiguration" : "BackupBatch";
      const spec = { invoker: { apiGroup: "stash.appscode.com", kind, name: invoker } };
      const session = await sessionOf(
        await apply({ apiVersion: STASH, kind: "BackupSession", metadata: { name: world.newName(invoker) }, spec }),
      );
      const targets = batch ?? [invoker === "nightly" ? (names[0] as string) : invoker];
      const admitAll = async () => {
        const actions = targets.map((name, index) => ({
          ref: ref(name),
          ...(index === 0 && { pre }),
          ...(index === targets.length - 1 && { post }),
        }));
        for (const target of actions) await admitTarget(operator, session, target);
      };
      const flags = { "invoker-kind": kind, "invoker-name": invoker, backupsession: session.name };
      const jobs = await resolve(operator, { ...flags, namespace, ...urlFlag(options, world) });
      if (!isLate) {
        await nameTargets(operator, session, targets.map(ref));
        await admitAll();
      }
      const status = async () => (await operator.backupSession(session)).status ?? {};
      const conclude = () => concludeSession(operator, session);
      return { ...(await runOf("backup", jobs, { name: session.name, status, conclude })), admit: admitAll };
    },
    async restore(database, { snapshot = "latest", params = {} } = {}) {
      const task = { name: taskName(options, "restore"), params: paramsOf(params) };
      const target = { ref: { ...APP_BINDING, name: database }, rules: [{ snapshots: [snapshot] }] };
      const spec = { task, repository: { name: "cellar" }, target };
      const metadata = { name: world.newName("again") };
      const session = await sessionOf(await apply({ apiVersion: STASH, kind: "RestoreSession", metadata, spec }));
      const flags = { "invoker-kind": "RestoreSession", "invoker-name": session.name, namespace, ...urlFlag(options, world) };
      const jobs = await resolve(operator, flags);
      await admitRestore(operator, session);
      const status = async () => (await operator.restoreSession(session)).status ?? {};
      return runOf("restore", jobs, { name: session.name, status, conclude: () => concludeRestore(operator, session) });
    },
    repositoryStatus: async () => (await operator.repository({ namespace, name: "cellar" })).status ?? {},
    async events(name) {
      const all = await kubernetes.objects.list("v1", "Event", namespace);
      const events = all as unknown as { involvedObject: { name: string }; type: string; reason: string; message: string }[];
      return events.filter(({ involvedObject }) => involvedObject.name === name);
    },
    async snapshots() {
      const list = await runHoldfast(["snapshots", "--store", store, "--json"]);
      if (list.exitCode !== 0) throw new Error(list.stderr);
      return JSON.parse(list.stdout);
    },
  };
}

const APP_BINDING = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding" };

function sceneObjects(options: SceneOptions, { store }: { namespace: string; store: string }) {
  const { databases, batch, params = {}, schedule = "*/5 * * * *" } = options;
  const { retentionPolicy = { name: "keep", keepLast: 5, prune: true } } = options;
  const { backend = { local: { hostPath: { path: store }, mountPath: MOUNT } } } = options;
  const task = { name: taskName(options, "backup"), params: paramsOf(params) };
  const memberOf = (name: string) => ({ task, target: { ref: { ...APP_BINDING, name } } });
  const names = Object.keys(databases);
  const common = { repository: { name: "cellar" }, retentionPolicy, schedule };
  const invokers = [
    { kind: "BackupConfiguration", name: "nightly", spec: { ...common, ...memberOf(names[0] as string) } },
    // For backups of one database alone, by another invoker.
    ...names.map((name) => ({ kind: "BackupConfiguration", name, spec: { ...common, ...memberOf(name) } })),
    ...(batch === undefined ? [] : [{ kind: "BackupBatch", name: "nightly", spec: { ...common, members: batch.map(memberOf) } }]),
  ];
  return [
    ...Object.entries(databases).map(([name, port]) => ({
      ...{ apiVersion: APP_BINDING.apiVersion, kind: "AppBinding", metadata: { name } },
      spec: { type: "kubedb.com/redis", clientConfig: { url: `redis://127.0.0.1:${port}` } },
    })),
    {
      ...{ apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { name: "cellar" } },
      spec: { backend: { storageSecretName: "cellar-key", ...backend } },
    },
    ...invokers.map(({ kind, name, spec }) => ({ apiVersion: STASH, kind, metadata: { name }, spec })),
  ];
}

function taskName({ tasks = "holdfast-redis" }: SceneOptions, work: "backup" | "restore"): string {
  return tasks === "stash" ? `redis-${work}-7.0.5` : `holdfast-redis-${work}`;
}

function paramsOf(params: Readonly<Record<string, string>>) {
  return Object.entries(params).map(([name, value]) => ({ name, value }));
}

function urlFlag({ pushgatewayUrl }: SceneOptions, { gateway }: SessionWorld) {
  return { "pushgateway-url": pushgatewayUrl ?? gateway.url };
}

/** What `holdfast resolve` prints. */
async function resolve(cluster: SessionWorld["operator"], flags: Readonly<Record<string, string>>): Promise<readonly Job[]> {
  const texts: string[] = [];
  const parameters = parseParameters(resolveParameters, { flags: { ...flags, image: IMAGE }, environment: {} });
  await showResolvedJobs(parameters, {
    sources: { cluster: async () => cluster },
    signal: new AbortController().signal,
    warn: (reason, message) => {
      throw new Error(`${reason}: ${message}`);
    },
    print: async (text) => void texts.push(text),
  });
  return documentsIn(texts.join("")) as unknown as Job[];
}

/** A ServiceAccount with exactly the Roles for every job of this scene; resolves with its folder once they are in force. */
async function admit(world: SessionWorld, work: "backup" | "restore", namespace: string, databases: readonly string[]): Promise<string> {
  const { objects } = world.kubernetes;
  const account = { namespace, name: `${work}-jobs` };
  await objects.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: account });
  const needed = databases.map((name): JobObjects => {
    const appBinding = { namespace, name, secrets: [] };
    const repository = { namespace, name: "cellar", secrets: ["cellar-key"], selectsNamespaces: false };
    return { namespace, session: "*", appBinding, repository };
  });
  for (const [index, job] of needed.entries()) {
    for (const manifest of rolesFor(work, job, { name: `${account.name}-${index}`, serviceAccount: account })) {
      await objects.apply(manifest as unknown as KubernetesObject);
    }
  }
  const kubeconfig = await world.kubernetes.kubeconfigFor(await objects.createToken(account));
  const cluster = await openApiCluster({ kubeconfig, environment: {} });
  for (const { action } of needed.flatMap((job) => neededRights(work, job))) {
    for (const deadline = Date.now() + 30_000; !(await cluster.mayI(action)); ) {
      if (Date.now() > deadline) throw new Error(`Not granted in time: ${JSON.stringify(action)}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  return mountServiceAccount(world, account);
}
