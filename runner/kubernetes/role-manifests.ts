import type { ObjectName } from "./cluster.ts";
import { type JobObjects, type NeededRight, neededRights } from "./needed-rights.ts";
import { RIGHTS, rightsFor, type Work } from "./permissions.ts";

const API_VERSION = "rbac.authorization.k8s.io/v1";
const API_GROUP = "rbac.authorization.k8s.io";

export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface RoleManifest {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Role" | "ClusterRole";
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels: Readonly<Record<string, string>> };
  readonly rules: readonly RoleRule[];
}

export interface RoleBindingManifest {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "RoleBinding";
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
  readonly roleRef: { readonly apiGroup: typeof API_GROUP; readonly kind: "Role"; readonly name: string };
  readonly subjects: readonly [{ readonly kind: "ServiceAccount"; readonly namespace: string; readonly name: string }];
}

/** One Role, with its RoleBinding, in each namespace that the job reaches into: the exact rights for these objects, by name. */
export function rolesFor(
  work: Work,
  objects: JobObjects,
  options: {
    readonly name: string;
    readonly serviceAccount: ObjectName;
    /** Leaves out what is granted in another way. */
    readonly only?: (right: NeededRight) => boolean;
  },
): readonly (RoleManifest | RoleBindingManifest)[] {
  const needed = neededRights(work, objects).filter(options.only ?? (() => true));
  const namespaces = [...new Set(needed.map(({ action }) => action.namespace as string))];
  return namespaces.flatMap((namespace) => {
    const metadata = { name: options.name, namespace, labels: labelsOf(work) };
    const rules = rulesOf(needed.filter(({ action }) => action.namespace === namespace));
    return [
      { apiVersion: API_VERSION, kind: "Role", metadata, rules },
      {
        apiVersion: API_VERSION,
        kind: "RoleBinding",
        metadata,
        roleRef: { apiGroup: API_GROUP, kind: "Role", name: options.name },
        subjects: [{ kind: "ServiceAccount", ...options.serviceAccount }],
      },
    ];
  });
}

/**
 * One ClusterRole for any job of this work, to be bound in the namespaces it reaches into: without names it opens every Secret there, so prefer
 * `rolesFor` where the objects are known.
 */
export function clusterRoleFor(work: Work, name: string): RoleManifest {
  const unnamed = rightsFor(work).map(({ verb, group, resource }) => ({ action: { verb, group, resource } }));
  return { apiVersion: API_VERSION, kind: "ClusterRole", metadata: { name, labels: labelsOf(work) }, rules: rulesOf(unnamed) };
}

/**
 * The one ClusterRole for all backups and restores that an operator starts, to be bound in their own namespace: everything but Secrets, which are opened by name
 * for each of them (`rolesFor`).
 */
export function jobClusterRole(name: string): RoleManifest {
  const unnamed = RIGHTS.filter(({ resource, works }) => resource !== "secrets" && works.some((work) => work !== "maintenance"));
  const rules = rulesOf(unnamed.map(({ verb, group, resource }) => ({ action: { verb, group, resource } })));
  const labels = { "app.kubernetes.io/name": "holdfast", "app.kubernetes.io/component": "job" };
  return { apiVersion: API_VERSION, kind: "ClusterRole", metadata: { name, labels }, rules };
}

function labelsOf(work: Work): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": "holdfast", "app.kubernetes.io/component": work };
}

/** One rule a resource and verb, with all of its names; never two verbs or two resources together that share no names. */
function rulesOf(needed: readonly Pick<NeededRight, "action">[]): readonly RoleRule[] {
  const rules = new Map<string, { apiGroups: string[]; resources: string[]; names: Set<string>; isForAll: boolean; verbs: string[] }>();
  for (const { action } of needed) {
    const { group, resource, verb, name } = action;
    const key = JSON.stringify([group, resource, verb]);
    const rule = rules.get(key) ?? { apiGroups: [group], resources: [resource], names: new Set(), isForAll: false, verbs: [verb] };
    if (name === undefined) rule.isForAll = true;
    else rule.names.add(name);
    rules.set(key, rule);
  }
  return [...rules.values()].map(({ apiGroups, resources, names, isForAll, verbs }) => ({
    ...{ apiGroups, resources },
    ...(isForAll ? {} : { resourceNames: [...names] }),
    verbs,
  }));
}
