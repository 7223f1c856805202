// A real Redis, a directory for backups and the objects of a job in three namespaces: its own, the AppBinding's and the Repository's.
import { mkdir, readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { openApiCluster } from "../../../runner/kubernetes/api-cluster.ts";
import type { BackupInvokerKind, Cluster, ClusterAction, ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { type JobObjects, type NeededRight, neededRights } from "../../../runner/kubernetes/needed-rights.ts";
import type { Work } from "../../../runner/kubernetes/permissions.ts";
import { type RoleRule, rolesFor } from "../../../runner/kubernetes/role-manifests.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import type { Kubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import type { RedisServer } from "../../servers/redis-server.ts";
import { impatientCluster } from "./impatient-cluster.ts";

export type JobWork = "backup" | "restore";

export interface JobWorld {
  readonly namespaces: { readonly jobs: string; readonly databases: string; readonly vault: string };
  /** The directory that the Repository names. */
  readonly store: string;
  /** Makes a session that nobody has used, as the operator leaves it for the job; resolves with what the job works with. */
  makeJob(work: JobWork, options?: JobOptions): Promise<JobObjects>;
  /** A ServiceAccount without any right. */
  makeAccount(namespace: string): Promise<JobAccount>;
  /** A ServiceAccount with the Roles for this job, without the right that is left out; resolves when they are in force. */
  admit(work: Work, job: JobObjects, options?: { readonly without?: NeededRight }): Promise<JobAccount>;
}

export interface JobOptions {
  readonly hasSession?: boolean;
  /** Of a backup's session. */
  readonly invokerKind?: BackupInvokerKind;
}

export interface JobAccount extends ObjectName {
  readonly kubeconfig: string;
  /** As seen by this account. */
  readonly cluster: Cluster;
  /** Resolves when all of these rights are in force. */
  untilAllowed(rights: readonly NeededRight[]): Promise<void>;
  /** One request with the account's token; resolves with the status of the answer. */
  send(method: "GET" | "DELETE", path: string): Promise<number>;
}

const STASH = "stash.appscode.com";
const TARGET = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "redis" };

export async function makeJobWorld(server: Kubernetes, redis: RedisServer): Promise<JobWorld> {
  const store = join(server.directory, "store");
  await mkdir(store, { recursive: true });
  const { objects } = server;
  const [jobs, databases, vault] = [
    await objects.createNamespace({ may: "use" }),
    await objects.createNamespace(),
    await objects.createNamespace(),
  ];
  const namespaces = { jobs, databases, vault };
  for (const object of jobObjects(namespaces, { port: redis.port, store })) await objects.apply(object);
  let made = 0;
  const makeAccount = (namespace: string) => openAccount(server, { namespace, name: `job-${++made}` });
  return {
    namespaces,
    store,
    makeAccount,
    async makeJob(work, { hasSession = true, invokerKind = "BackupConfiguration" } = {}) {
      const name = `${work}-${++made}`;
      if (hasSession)
        await objects.apply(work === "backup" ? backupSession(namespaces, name, invokerKind) : restoreSession(namespaces, name));
      return {
        namespace: jobs,
        session: hasSession ? name : undefined,
        invoker: work === "backup" && hasSession ? { kind: invokerKind, name: "nightly" } : undefined,
        appBinding: { namespace: databases, name: "redis", secrets: ["redis-login", "redis-more"] },
        repository: { namespace: vault, name: "cellar", secrets: ["cellar-key"], selectsNamespaces: true },
      };
    },
    async admit(work, job, { without } = {}) {
      const account = await makeAccount(jobs);
      const serviceAccount = { namespace: account.namespace, name: account.name };
      for (const manifest of rolesFor(work, job, { name: account.name, serviceAccount })) {
        const rules = "rules" in manifest ? { rules: rulesWithout(manifest.rules, manifest.metadata.namespace, without?.action) } : {};
        await objects.apply({ ...manifest, ...rules } as unknown as KubernetesObject);
      }
      await account.untilAllowed(neededRights(work, job).filter(({ action }) => !isDeepStrictEqual(action, without?.action)));
      return account;
    },
  };
}

async function openAccount(server: Kubernetes, name: ObjectName): Promise<JobAccount> {
  await server.objects.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { ...name } });
  const token = await server.objects.createToken(name);
  const kubeconfig = await server.kubeconfigFor(token);
  const cluster = impatientCluster(await openApiCluster({ kubeconfig, environment: {} }));
  const ca = await readFile(server.caFile);
  return {
    ...name,
    kubeconfig,
    cluster,
    async untilAllowed(rights) {
      for (const { action } of rights) await untilAllowed(cluster, action);
    },
    send: (method, path) =>
      new Promise((resolve, reject) => {
        const sent = request(`${server.url}${path}`, { method, ca, headers: { authorization: `Bearer ${token}` } }, (answer) => {
          answer.resume().once("end", () => resolve(answer.statusCode ?? 0));
        });
        sent.once("error", reject).end();
      }),
  };
}

/** The rules of a Role of this namespace, with one name less, or one rule when it has no other. */
function rulesWithout(rules: readonly RoleRule[], namespace: string | undefined, without: ClusterAction | undefined): readonly RoleRule[] {
  if (without === undefined || without.namespace !== namespace) return rules;
  return rules.flatMap((rule) => {
    const isIt = rule.apiGroups[0] === without.group && rule.resources[0] === without.resource && rule.verbs[0] === without.verb;
    if (!isIt) return [rule];
    const resourceNames = (rule.resourceNames ?? []).filter((each) => each !== without.name);
    return resourceNames.length === 0 ? [] : [{ ...rule, resourceNames }];
  });
}

async function untilAllowed(cluster: Cluster, action: ClusterAction): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await cluster.mayI(action)); ) {
    if (Date.now() > deadline) throw new Error(`Not granted in time: ${JSON.stringify(action)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function jobObjects(
  { jobs, databases, vault }: JobWorld["namespaces"],
  { port, store }: { port: number; store: string },
): KubernetesObject[] {
  const secret = (namespace: string, name: string, stringData: Record<string, string>) => ({
    ...{ apiVersion: "v1", kind: "Secret", metadata: { namespace, name } },
    stringData,
  });
  const invoker = (kind: BackupInvokerKind) => ({ apiVersion: `${STASH}/v1beta1`, kind, metadata: { namespace: jobs, name: "nightly" } });
  const wish = { repository: { namespace: vault, name: "cellar" }, retentionPolicy: { name: "keep", keepLast: 5, prune: true } };
  const target = { ref: { ...TARGET, namespace: databases } };
  return [
    secret(databases, "redis-login", { username: "keeper", password: "to be replaced" }),
    secret(databases, "redis-more", { password: "hush" }),
    secret(databases, "somebody-elses", { password: "canary" }),
    {
      ...{ apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", metadata: { namespace: databases, name: "redis" } },
      spec: {
        type: "redis",
        clientConfig: { url: `redis://127.0.0.1:${port}` },
        secret: { name: "redis-login" },
        secretTransforms: [{ addKeysFrom: { secretRef: { name: "redis-more" } } }],
      },
    },
    secret(vault, "cellar-key", { RESTIC_PASSWORD: "correct horse battery staple" }),
    {
      ...{ apiVersion: `${STASH}/v1alpha1`, kind: "Repository", metadata: { namespace: vault, name: "cellar" } },
      spec: {
        backend: { storageSecretName: "cellar-key", local: { mountPath: store } },
        usagePolicy: { allowedNamespaces: { from: "Selector", selector: { matchLabels: { may: "use" } } } },
      },
    },
    { ...invoker("BackupConfiguration"), spec: { ...wish, target } },
    { ...invoker("BackupBatch"), spec: { ...wish, members: [{ target }] } },
  ];
}

function backupSession({ jobs, databases }: JobWorld["namespaces"], name: string, kind: BackupInvokerKind): KubernetesObject {
  const target = {
    ref: { ...TARGET, namespace: databases },
    totalHosts: 1,
    preBackupActions: ["InitializeBackendRepository"],
    postBackupActions: ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"],
  };
  return {
    ...{ apiVersion: `${STASH}/v1beta1`, kind: "BackupSession", metadata: { namespace: jobs, name } },
    spec: { invoker: { apiGroup: STASH, kind, name: "nightly" } },
    status: { phase: "Running", targets: [target] },
  };
}

function restoreSession({ jobs, databases, vault }: JobWorld["namespaces"], name: string): KubernetesObject {
  return {
    ...{ apiVersion: `${STASH}/v1beta1`, kind: "RestoreSession", metadata: { namespace: jobs, name } },
    spec: {
      repository: { namespace: vault, name: "cellar" },
      target: { ref: { ...TARGET, namespace: databases }, rules: [{ snapshots: ["latest"] }] },
    },
    status: { phase: "Running", totalHosts: 1 },
  };
}
