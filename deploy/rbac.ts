import { JOB_CLUSTER_ROLE, operatorRules, type RightScope } from "../operator/rights.ts";
import { clusterRoleFor, jobClusterRole, type RoleManifest } from "../runner/kubernetes/role-manifests.ts";
import { NAMESPACE, OPERATOR } from "./names.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";
const RBAC = `${RBAC_GROUP}/v1`;
const labels = { "app.kubernetes.io/name": "holdfast", "app.kubernetes.io/component": "operator" };

/**
 * Whether the API server is ready: one that has just started refuses what it allows, and a refusal is believed only after it. Most clusters let everybody ask; where that was taken
 * away, the operator still may.
 */
const READINESS = { nonResourceURLs: ["/readyz"], verbs: ["get"] };

/** Opens Secrets to the operator; bound in every namespace unless its ClusterRoleBinding is replaced by RoleBindings. */
export const SECRETS_ROLE = `${OPERATOR}-secrets`;

/**
 * Roles for jobs of any name, to be bound to a ServiceAccount by RoleBindings in the namespaces that its jobs reach into. They open every Secret of
 * those namespaces: `holdfast doctor --print-role` prints Roles that open the named ones alone.
 */
export function clusterRoles(): readonly RoleManifest[] {
  return [
    clusterRoleFor("backup", "holdfast-backup"),
    clusterRoleFor("restore", "holdfast-restore"),
    clusterRoleFor("maintenance", "holdfast-maintenance"),
  ];
}

/** What the operator may do, each bound to its account: in all namespaces, and in its own. */
export function operatorRoles(): readonly object[] {
  return [
    { ...role("ClusterRole", OPERATOR, "cluster"), rules: [...operatorRules("cluster"), READINESS] },
    binding("ClusterRoleBinding", OPERATOR),
    role("ClusterRole", SECRETS_ROLE, "secrets"),
    binding("ClusterRoleBinding", SECRETS_ROLE),
    role("Role", OPERATOR, "own"),
    binding("RoleBinding", OPERATOR),
  ];
}

/** What the operator binds its jobs to; it opens no Secret. */
export function jobRole(): RoleManifest {
  return jobClusterRole(JOB_CLUSTER_ROLE);
}

function role(kind: RoleManifest["kind"], name: string, scope: RightScope): RoleManifest {
  return { apiVersion: RBAC, kind, metadata: metadataOf(kind, name), rules: operatorRules(scope) };
}

function binding(kind: "RoleBinding" | "ClusterRoleBinding", name: string): object {
  return {
    apiVersion: RBAC,
    kind,
    metadata: metadataOf(kind, name),
    roleRef: { apiGroup: RBAC_GROUP, kind: kind.replace("Binding", ""), name },
    subjects: [{ kind: "ServiceAccount", namespace: NAMESPACE, name: OPERATOR }],
  };
}

function metadataOf(kind: string, name: string): RoleManifest["metadata"] {
  return kind.startsWith("Cluster") ? { name, labels } : { name, namespace: NAMESPACE, labels };
}
