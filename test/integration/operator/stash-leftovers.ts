// What Stash's operator leaves behind in a namespace when it is taken away in the middle of its work: made as its own words describe it, by an administrator, with none of our code.
import type { Fields } from "../../../operator/objects.ts";
import type { KubernetesObject, KubernetesObjects } from "../../servers/kubernetes/kubernetes-objects.ts";

const STASH = "stash.appscode.com/v1beta1";
const RBAC = "rbac.authorization.k8s.io/v1";
const REF = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts" };
const WHEN = "2026-11-20T03:00:00Z";
export const STASH_IMAGE = "registry.example/stash:v0.31.0";

const PLURALS: Readonly<Record<string, string>> = {
  BackupConfiguration: "backupconfigurations",
  BackupSession: "backupsessions",
  RestoreSession: "restoresessions",
  Repository: "repositories",
};

const yes = (type: string, reason: string): Fields => ({ type, status: "True", reason, message: "", lastTransitionTime: WHEN });

/** Puts Stash's objects there; the server warns of its finalizers' names, so a plain request does it. */
export async function leave(objects: KubernetesObjects, object: KubernetesObject): Promise<KubernetesObject> {
  const plural = PLURALS[object.kind];
  if (plural === undefined) return objects.apply(object);
  const { status, ...main } = object;
  const path = `/apis/${object.apiVersion}/namespaces/${object.metadata.namespace}/${plural}`;
  const created = await objects.send("POST", path, main);
  if (created.status !== 201) throw new Error(`Not taken: ${JSON.stringify(created.body)}`);
  const live = created.body as KubernetesObject;
  const written = await objects.send("PUT", `${path}/${object.metadata.name}/status`, { ...live, status });
  if (written.status !== 200) throw new Error(`Status not taken: ${JSON.stringify(written.body)}`);
  return written.body as KubernetesObject;
}

/** Secrets, AppBinding, and a Repository with three snapshots that knows its user. */
export function surroundings(
  namespace: string,
  backend: Fields = { s3: { endpoint: "s3:9000", bucket: "vault" } },
): readonly KubernetesObject[] {
  const secret = (name: string) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name },
    stringData: { RESTIC_PASSWORD: "p" },
  });
  const binding = { clientConfig: { url: "redis://carts:6379" }, type: "redis", secret: { name: "login" } };
  const references = [{ kind: "BackupConfiguration", namespace, name: "nightly" }];
  return [
    ...[secret("key"), secret("login")],
    { apiVersion: REF.apiVersion, kind: REF.kind, metadata: { namespace, name: REF.name }, spec: binding },
    {
      ...{ apiVersion: "stash.appscode.com/v1alpha1", kind: "Repository", metadata: { namespace, name: "vault", finalizers: ["stash"] } },
      spec: { backend: { ...backend, storageSecretName: "key" } },
      status: { observedGeneration: 1, references, integrity: true, snapshotCount: 3, totalSize: "2.567 KiB", lastBackupTime: WHEN },
    },
  ];
}

export function readyConfiguration(namespace: string): KubernetesObject {
  const spec = {
    ...{ driver: "Restic", schedule: "0 3 * * *", repository: { name: "vault" }, target: { ref: REF }, backupHistoryLimit: 3 },
    ...{ task: { name: "redis-backup-7.0.5" }, retentionPolicy: { name: "keep", keepLast: 5, prune: true } },
  };
  const conditions = [
    ...[yes("RepositoryFound", "RepositoryAvailable"), yes("BackendSecretFound", "BackendSecretAvailable")],
    ...[yes("ValidationPassed", "ResourceValidationPassed"), yes("BackupTargetFound", "TargetAvailable")],
    yes("CronJobCreated", "CronJobCreationSucceeded"),
  ];
  const metadata = { namespace, name: "nightly", finalizers: ["stash.appscode.com"], labels: { team: "carts" } };
  return { apiVersion: STASH, kind: "BackupConfiguration", metadata, spec, status: { observedGeneration: 1, phase: "Ready", conditions } };
}

/** CronJob, service accounts and RoleBindings, as they go with the BackupConfiguration. */
export function triggerObjects(configuration: KubernetesObject): readonly KubernetesObject[] {
  const { namespace = "" } = configuration.metadata;
  const labels = { team: "carts", "app.kubernetes.io/component": "stash-backup", "app.kubernetes.io/managed-by": "stash.appscode.com" };
  const named = (name: string) => ({ namespace, name, labels, ownerReferences: [ownerOf(configuration)] });
  const account = (name: string) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: named(name) });
  const bound = (name: string, role: string) => ({
    ...{ apiVersion: RBAC, kind: "RoleBinding", metadata: named(name) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ kind: "ServiceAccount", namespace, name }],
  });
  const container = {
    ...{ name: "stash-trigger", image: STASH_IMAGE, imagePullPolicy: "IfNotPresent" },
    args: ["create-backupsession", "--invoker-name=nightly", "--invoker-kind=BackupConfiguration", "--v=5"],
    env: [{ name: "OF_STASH", value: "yes" }],
  };
  const pod = {
    ...{ restartPolicy: "Never", serviceAccountName: "stash-trigger-nightly", imagePullSecrets: [{ name: "stash-pull" }] },
    containers: [container],
  };
  const template = { metadata: { labels }, spec: pod };
  const jobLabels = { ...labels, "stash.appscode.com/delete-job-on-completion": "true" };
  return [
    ...[account("stash-trigger-nightly"), account("backupconfiguration-nightly-0")],
    ...[bound("stash-trigger-nightly", "stash-cron-job"), bound("backupconfiguration-nightly-0", "stash-backup-job")],
    {
      ...{ apiVersion: "batch/v1", kind: "CronJob", metadata: named("stash-trigger-nightly") },
      // Its schedule was changed while nobody was there to see it.
      spec: { schedule: "30 1 * * *", suspend: true, jobTemplate: { metadata: { labels: jobLabels }, spec: { template } } },
    },
  ];
}

export function sessionOf(configuration: KubernetesObject, name: string, status: Fields): KubernetesObject {
  const { namespace = "" } = configuration.metadata;
  const labels = { "stash.appscode.com/invoker-type": "BackupConfiguration", "stash.appscode.com/invoker-name": "nightly" };
  const metadata = { namespace, name, labels, ownerReferences: [ownerOf(configuration)] };
  const spec = { invoker: { apiGroup: "stash.appscode.com", kind: "BackupConfiguration", name: "nightly" }, retryLeft: 0 };
  return { apiVersion: STASH, kind: "BackupSession", metadata, spec, status };
}

/** Of a session whose Job was made, and whose run has told nothing but that the repository is there. */
export function runningStatus(namespace: string): Fields {
  const target = {
    ...{ ref: { ...REF, namespace }, phase: "Running", totalHosts: 1, preBackupActions: ["InitializeBackendRepository"] },
    postBackupActions: ["ApplyRetentionPolicy", "VerifyRepositoryIntegrity", "SendRepositoryMetrics"],
    conditions: [yes("BackupExecutorEnsured", "SuccessfullyEnsuredBackupExecutor")],
  };
  return { phase: "Running", conditions: [yes("BackendRepositoryInitialized", "BackendRepositoryFound")], targets: [target] };
}

/** What update-status of Stash writes last. */
export function toldStatus(status: Fields): Fields {
  const [target] = status.targets as readonly Fields[];
  const fileStats = { totalFiles: 1, newFiles: 1, modifiedFiles: 0, unmodifiedFiles: 0 };
  const snapshot = { name: "b30beb44", path: "dumpfile.resp", processingTime: "0:00", totalSize: "1 B", uploaded: "1 B", fileStats };
  const stats = [{ hostname: "host-0", phase: "Succeeded", duration: "1.5s", snapshots: [snapshot] }];
  const conditions = [
    ...(status.conditions as readonly Fields[]),
    yes("RetentionPolicyApplied", "SuccessfullyAppliedRetentionPolicy"),
    yes("RepositoryIntegrityVerified", "SuccessfullyVerifiedRepositoryIntegrity"),
    yes("RepositoryMetricsPushed", "SuccessfullyPushedRepositoryMetrics"),
  ];
  return { ...status, conditions, targets: [{ ...target, stats, phase: "Succeeded" }] };
}

export function runningRestore(namespace: string): KubernetesObject {
  const rules = [{ snapshots: ["latest"] }];
  const spec = { repository: { name: "vault" }, task: { name: "redis-restore-7.0.5" }, target: { ref: REF, rules } };
  const conditions = [
    ...[yes("RepositoryFound", "RepositoryAvailable"), yes("BackendSecretFound", "BackendSecretAvailable")],
    ...[yes("ValidationPassed", "ResourceValidationPassed"), yes("RestoreTargetFound", "TargetAvailable")],
    yes("RestoreExecutorEnsured", "SuccessfullyEnsuredRestoreExecutor"),
  ];
  const metadata = { namespace, name: "back", finalizers: ["stash.appscode.com"] };
  return { apiVersion: STASH, kind: "RestoreSession", metadata, spec, status: { phase: "Running", totalHosts: 1, conditions } };
}

/** The Job of a session, with Stash's image in both of its containers. */
export function jobOf(session: KubernetesObject, index = 0): KubernetesObject {
  const direction = session.kind === "BackupSession" ? "backup" : "restore";
  const labels = { "app.kubernetes.io/component": `stash-${direction}`, "app.kubernetes.io/managed-by": "stash.appscode.com" };
  const { namespace = "", name } = session.metadata;
  const container = (step: string) => ({ name: step, image: STASH_IMAGE });
  const pod = { restartPolicy: "Never", initContainers: [container("redis-0")], containers: [container("update-status-1")] };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { namespace, name: `stash-${direction}-${name}-${index}`, labels, ownerReferences: [ownerOf(session)] },
    spec: { backoffLimit: 0, template: { metadata: { labels }, spec: pod } },
  };
}

function ownerOf({ apiVersion, kind, metadata }: KubernetesObject): Fields {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}
