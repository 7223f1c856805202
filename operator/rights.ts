// What the operator may do in the cluster, and why: its ClusterRoles, its Role and the table in SECURITY.md are made from this, and tests run with exactly these rights.
import type { RoleRule } from "../runner/kubernetes/role-manifests.ts";
import { KINDS, type Kind, WATCHED_KINDS } from "./kinds.ts";

/**
 * Where a right is given. "cluster": in every namespace. "secrets": likewise, but by a ClusterRole of its own, so that it can be given namespace by namespace instead.
 * "own": only in the namespace that the operator runs in.
 */
export type RightScope = "cluster" | "secrets" | "own";

export interface OperatorRight {
  readonly verbs: readonly Verb[];
  /** "" is the core group. */
  readonly group: string;
  /** Plural, with the subresource if any. */
  readonly resource: string;
  /** All names when absent. */
  readonly names?: readonly string[];
  readonly scope: RightScope;
  /** A clause: "to make the Jobs of sessions". */
  readonly purpose: string;
}

type Verb = "get" | "list" | "watch" | "create" | "update" | "delete" | "bind";

/** The Lease's name unless the operator is told another one. */
const LEASE = "holdfast-operator";
/** The one ClusterRole that jobs are bound to, unless the operator is told another one. */
export const JOB_CLUSTER_ROLE = "holdfast-job";

const own = ({ group, plural }: Kind, verbs: readonly Verb[], purpose: string): OperatorRight => ({
  ...{ verbs, group, resource: plural, scope: "cluster", purpose },
});
const part = (kind: Kind, subresource: "status" | "finalizers", purpose: string): OperatorRight => ({
  ...own(kind, ["update"], purpose),
  resource: `${kind.plural}/${subresource}`,
});

const WATCHED_FOR: Readonly<Partial<Record<string, string>>> = {
  BackupBatch: "to say that it is not served, and so that jobs may read it",
  RestoreBatch: "to say that it is not served",
  BackupBlueprint: "to say that it is not served",
  AppBinding: "to know where a database is, and so that jobs may",
  Pod: "to see why a job's pod fails or does not start",
};

const reading: readonly OperatorRight[] = WATCHED_KINDS.map((name) =>
  own(KINDS[name], ["get", "list", "watch"], WATCHED_FOR[name] ?? "to know what there is, and what changed"),
);

/** Everything that the operator asks of the Kubernetes API, and what it has to hold in order to hand it on to jobs. */
export const OPERATOR_RIGHTS: readonly OperatorRight[] = [
  ...reading,
  own(KINDS.Task, ["get"], "to read the steps of a backup or a restore"),
  own(KINDS.Function, ["get"], "to read what container a step is"),
  {
    ...{ verbs: ["get"], group: "", resource: "namespaces", scope: "cluster" },
    purpose: "to hold a namespace's labels against a Repository's usage policy, and so that jobs may",
  },
  {
    ...{ verbs: ["get"], group: "", resource: "secrets", scope: "secrets" },
    purpose: "to see that a Repository's Secret is there, and so that jobs may read theirs, each by its name",
  },

  own(KINDS.BackupConfiguration, ["update"], "to set and remove its finalizer"),
  own(KINDS.RestoreSession, ["update"], "to set and remove its finalizer, and to mark that its Job was made"),
  own(KINDS.Repository, ["update"], "to set and remove its finalizer"),
  ...[KINDS.BackupBatch, KINDS.RestoreBatch].map((kind) => own(kind, ["update"], "to remove the finalizer that Stash's operator left")),
  own(
    KINDS.BackupSession,
    ["create", "update", "delete"],
    "to try a failed backup again, to say whose a session made by hand is, to remove those beyond the history limit, and so that triggers may make them",
  ),
  ...WATCHED_KINDS.filter((name) => isOfStash(KINDS[name]) && "hasStatus" in KINDS[name]).map((name) =>
    part(
      KINDS[name],
      "status",
      name === "Repository" ? "to write who refers to it, and so that jobs may write what is stored" : "to write what became of it",
    ),
  ),
  ...[KINDS.BackupConfiguration, KINDS.BackupSession, KINDS.RestoreSession].map((kind) =>
    part(kind, "finalizers", "to make what goes with it, where owner references ask for this right"),
  ),

  own(KINDS.CronJob, ["create", "update", "delete"], "to start backups when their schedule says so"),
  own(
    KINDS.Job,
    ["create", "update", "delete"],
    "to make the Jobs of sessions, to stop those past their time, and to remove triggers that are done",
  ),
  own(KINDS.PersistentVolumeClaim, ["get", "create"], "to make the interim volume that a session asks for"),
  own(KINDS.ServiceAccount, ["create", "update", "delete"], "to make the accounts that jobs and triggers run as"),
  own(
    KINDS.Role,
    ["create", "update", "delete"],
    "to give jobs their Secrets by name, and triggers their invoker; never more than the operator may itself",
  ),
  own(KINDS.RoleBinding, ["create", "update", "delete"], "to bind jobs and triggers to those Roles"),
  {
    ...{ verbs: ["bind"], group: KINDS.Role.group, resource: "clusterroles", names: [JOB_CLUSTER_ROLE], scope: "cluster" },
    purpose: "to bind jobs to their one ClusterRole, and to no other",
  },
  own(KINDS.Event, ["create"], "to tell what happened, and so that jobs and triggers may"),

  { ...own(KINDS.Lease, ["create"], "to make the Lease that says which operator works"), scope: "own" },
  { ...own(KINDS.Lease, ["get", "update"], "to take, renew and give back that Lease"), names: [LEASE], scope: "own" },
];

/** The rules of a role that gives exactly the rights of this scope: resources that share verbs and names stand together. */
export function operatorRules(scope: RightScope): readonly RoleRule[] {
  const rules = new Map<string, { group: string; names: readonly string[] | undefined; verbs: readonly string[]; resources: string[] }>();
  for (const { group, resource, names, verbs } of merged(OPERATOR_RIGHTS.filter((right) => right.scope === scope))) {
    const key = JSON.stringify([group, names, verbs]);
    const rule = rules.get(key) ?? { group, names, verbs, resources: [] };
    rules.set(key, { ...rule, resources: [...rule.resources, resource] });
  }
  return [...rules.values()].map(({ group, names, verbs, resources }) => ({
    ...{ apiGroups: [group], resources },
    ...(names === undefined ? {} : { resourceNames: names }),
    verbs,
  }));
}

/** One entry for each resource and its names, with all of its verbs. */
function merged(rights: readonly OperatorRight[]): readonly Pick<OperatorRight, "group" | "resource" | "names" | "verbs">[] {
  const byResource = new Map<string, OperatorRight>();
  for (const right of rights) {
    const key = JSON.stringify([right.group, right.resource, right.names]);
    byResource.set(key, { ...right, verbs: [...new Set([...(byResource.get(key)?.verbs ?? []), ...right.verbs])] });
  }
  return [...byResource.values()];
}

function isOfStash({ group }: Kind): boolean {
  return group === KINDS.BackupConfiguration.group;
}
