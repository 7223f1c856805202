import { clusterRoleFor, type RoleManifest } from "../runner/kubernetes/role-manifests.ts";

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
