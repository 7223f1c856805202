// The only list of kinds that the operator touches. Watched ones are kept in memory, the others are asked for by name.
import type { ApiResource } from "../runner/kubernetes/api-resources.ts";

export interface Kind extends ApiResource {
  /** Present for kinds that are watched: which of them. */
  readonly watch?: { readonly labelSelector?: string };
  readonly hasStatus?: true;
}

/** On everything that is made for a backup or a restore, by Stash as by us. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "stash.appscode.com" } as const;

const STASH = { group: "stash.appscode.com", version: "v1beta1", isNamespaced: true } as const;
const RBAC = { group: "rbac.authorization.k8s.io", version: "v1", isNamespaced: true } as const;
const BATCH = { group: "batch", version: "v1", isNamespaced: true } as const;
const CORE = { group: "", version: "v1", isNamespaced: true } as const;
const OURS = { labelSelector: "app.kubernetes.io/managed-by=stash.appscode.com" } as const;

export const KINDS = {
  BackupConfiguration: { ...STASH, kind: "BackupConfiguration", plural: "backupconfigurations", watch: {}, hasStatus: true },
  BackupBatch: { ...STASH, kind: "BackupBatch", plural: "backupbatches", watch: {}, hasStatus: true },
  BackupBlueprint: { ...STASH, kind: "BackupBlueprint", plural: "backupblueprints", isNamespaced: false, watch: {} },
  BackupSession: { ...STASH, kind: "BackupSession", plural: "backupsessions", watch: {}, hasStatus: true },
  RestoreSession: { ...STASH, kind: "RestoreSession", plural: "restoresessions", watch: {}, hasStatus: true },
  RestoreBatch: { ...STASH, kind: "RestoreBatch", plural: "restorebatches", watch: {}, hasStatus: true },
  Repository: { ...STASH, version: "v1alpha1", kind: "Repository", plural: "repositories", watch: {}, hasStatus: true },
  AppBinding: { ...STASH, group: "appcatalog.appscode.com", version: "v1alpha1", kind: "AppBinding", plural: "appbindings", watch: {} },
  Task: { ...STASH, kind: "Task", plural: "tasks", isNamespaced: false },
  Function: { ...STASH, kind: "Function", plural: "functions", isNamespaced: false },
  CronJob: { ...BATCH, kind: "CronJob", plural: "cronjobs", watch: OURS, hasStatus: true },
  Job: { ...BATCH, kind: "Job", plural: "jobs", watch: OURS, hasStatus: true },
  Pod: { ...CORE, kind: "Pod", plural: "pods", watch: OURS, hasStatus: true },
  ServiceAccount: { ...CORE, kind: "ServiceAccount", plural: "serviceaccounts", watch: OURS },
  Role: { ...RBAC, kind: "Role", plural: "roles", watch: OURS },
  RoleBinding: { ...RBAC, kind: "RoleBinding", plural: "rolebindings", watch: OURS },
  PersistentVolumeClaim: { ...CORE, kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims" },
  Event: { ...CORE, kind: "Event", plural: "events" },
  Lease: { group: "coordination.k8s.io", version: "v1", isNamespaced: true, kind: "Lease", plural: "leases" },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;

/** Kinds that the caches hold. */
export type WatchedKind = { [K in KindName]: (typeof KINDS)[K] extends { readonly watch: object } ? K : never }[KindName];

export const WATCHED_KINDS = (Object.keys(KINDS) as KindName[]).filter((name): name is WatchedKind => "watch" in KINDS[name]);

/** Kinds of which nothing is done but to say so: in a cluster that does not have them there is nothing to say, and all else goes on. */
export const SPARED_KINDS: ReadonlySet<WatchedKind> = new Set(["BackupBatch", "RestoreBatch", "BackupBlueprint"]);

/** Of an object that is to be written. @throws Error for a kind that is not in the table: a defect */
export function kindNamed(name: string): Kind {
  const kind = (KINDS as Readonly<Record<string, Kind>>)[name];
  if (kind === undefined) throw new Error(`The operator has no kind "${name}"`);
  return kind;
}
