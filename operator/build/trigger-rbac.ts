import type { RoleRule } from "../../runner/kubernetes/role-manifests.ts";
import { labelsFor, ownedBy } from "../names.ts";
import type { LiveObject, WantedObject } from "../objects.ts";

const STASH = "stash.appscode.com";
const RBAC_GROUP = "rbac.authorization.k8s.io";
const RBAC = `${RBAC_GROUP}/v1`;

export interface TriggerNames {
  /** Of the CronJob, and of what goes with it. */
  readonly name: string;
  /** The user's own, if there is one. */
  readonly serviceAccount: string | undefined;
}

/** What lets the CronJob's pods make BackupSessions of this one invoker; all of it goes with the invoker. */
export function triggerRights(invoker: LiveObject, { name, serviceAccount }: TriggerNames): readonly WantedObject[] {
  const { namespace = "" } = invoker.metadata;
  const metadata = { name, namespace, labels: labelsFor(invoker, "stash-backup"), ownerReferences: [ownedBy(invoker)] };
  const account: WantedObject = { apiVersion: "v1", kind: "ServiceAccount", metadata };
  return [
    ...(serviceAccount === undefined ? [account] : []),
    { apiVersion: RBAC, kind: "Role", metadata, rules: triggerRules(invoker.metadata.name) },
    {
      apiVersion: RBAC,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC_GROUP, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", namespace, name: serviceAccount ?? name }],
    },
  ];
}

/** Everything that a trigger asks of the Kubernetes API; without an invoker's name, what the operator itself has to hold to grant it. */
export function triggerRules(invoker?: string): readonly RoleRule[] {
  const named = invoker === undefined ? {} : { resourceNames: [invoker] };
  return [
    // To look whose the session is that has the name already.
    { apiGroups: [STASH], resources: ["backupsessions"], verbs: ["create", "get"] },
    { apiGroups: [STASH], resources: ["backupconfigurations"], ...named, verbs: ["get"] },
    // To say that the session goes with its invoker; asked for where OwnerReferencesPermissionEnforcement is on.
    { apiGroups: [STASH], resources: ["backupconfigurations/finalizers"], ...named, verbs: ["update"] },
    { apiGroups: [""], resources: ["events"], verbs: ["create"] },
  ];
}
