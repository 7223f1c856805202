// The rights of a backup's or restore's Job. What opens a Secret is granted by its name, for each invoker; the rest stands in the one ClusterRole of all jobs.
import type { AppBinding, Repository } from "../../runner/kubernetes/cluster.ts";
import { secretsOfAppBinding, secretsOfRepository, selectsNamespaces } from "../../runner/kubernetes/named-secrets.ts";
import type { JobObjects, NeededRight } from "../../runner/kubernetes/needed-rights.ts";
import type { RunRequest } from "../../runner/kubernetes/resolve-request.ts";
import { type RoleBindingManifest, type RoleManifest, rolesFor } from "../../runner/kubernetes/role-manifests.ts";
import { foreignRoleName, jobAccountName, labelsFor, ownedBy } from "../names.ts";
import type { LiveObject, WantedObject } from "../objects.ts";
import type { OperatorSettings } from "../settings.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";
const RBAC = `${RBAC_GROUP}/v1`;

/** On rights in another namespace, where no owner can be named: whose they are. */
export const RIGHTS_OF = "holdfast/rights-of";

export interface JobRightsParts {
  readonly invoker: LiveObject;
  readonly appBinding: AppBinding;
  readonly repository: Repository;
  readonly settings: Pick<OperatorSettings, "jobClusterRole">;
}

/**
 * Everything that lets the request's Job do its work, in the order in which it is made. Those in the invoker's namespace go with the invoker; those in the Repository's, when
 * it is another one, have to be removed by name. Nothing is made where the AppBinding lies when that is elsewhere: those rights are the user's to give.
 */
export function jobRights(request: RunRequest, parts: JobRightsParts): readonly WantedObject[] {
  const { invoker, settings } = parts;
  const namespace = request.session.namespace;
  const name = jobAccountName(invoker, request.targetIndex);
  const metadata = { name, namespace, labels: labelsOf(request, invoker), ownerReferences: [ownedBy(invoker)] };
  const subjects = [{ kind: "ServiceAccount", namespace, name: jobAccount(request, invoker) }];
  const roleRef = { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: settings.jobClusterRole };
  return [
    ...(isNamed(request) ? [] : [accountOf(request, metadata)]),
    { apiVersion: RBAC, kind: "RoleBinding", metadata, roleRef, subjects },
    ...ownSecrets(request, parts),
    ...foreignRights(request, parts),
  ];
}

/** The service account that the request's Job runs as: the one that the user names, or our own. */
export function jobAccount(request: RunRequest, invoker: LiveObject): string {
  return request.runtimeSettings?.pod?.serviceAccountName || jobAccountName(invoker, request.targetIndex);
}

/** What RIGHTS_OF says of an invoker's rights: its kind, place and name, since a namesake is given the same ones. */
export function rightsOwner({ kind, metadata }: Pick<LiveObject, "kind" | "metadata">): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}

function isNamed({ runtimeSettings }: RunRequest): boolean {
  return (runtimeSettings?.pod?.serviceAccountName ?? "") !== "";
}

function accountOf({ runtimeSettings }: RunRequest, metadata: WantedObject["metadata"]): WantedObject {
  const annotations = runtimeSettings?.pod?.serviceAccountAnnotations;
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { ...metadata, ...(annotations === undefined ? {} : { annotations }) } };
}

/** To the Secrets that lie beside the invoker. */
function ownSecrets(request: RunRequest, parts: JobRightsParts): readonly WantedObject[] {
  const { invoker } = parts;
  const namespace = request.session.namespace;
  const only = ({ action }: NeededRight) => action.resource === "secrets" && action.namespace === namespace;
  const name = secretsRoleName(request, invoker);
  const metadata = { name, namespace, labels: labelsOf(request, invoker), ownerReferences: [ownedBy(invoker)] };
  return namedRights(request, parts, { name, only }).map((object) => ({ ...object, metadata }));
}

/** To a Repository elsewhere, and to its Secret. */
function foreignRights(request: RunRequest, parts: JobRightsParts): readonly WantedObject[] {
  const { invoker, repository } = parts;
  const { namespace } = repository.metadata;
  if (namespace === request.session.namespace) return [];
  const only = ({ action }: NeededRight) => action.namespace === namespace;
  const name = foreignRoleName(invoker, request.targetIndex);
  const annotations = { [RIGHTS_OF]: rightsOwner(invoker) };
  const metadata = { name, namespace, labels: labelsOf(request, invoker), annotations };
  return namedRights(request, parts, { name, only }).map((object) => ({ ...object, metadata }));
}

/** The Role for the Secrets in the invoker's own namespace. */
function secretsRoleName(request: RunRequest, invoker: LiveObject): string {
  return `${jobAccountName(invoker, request.targetIndex).slice(0, 240)}-secrets`;
}

function namedRights(
  request: RunRequest,
  { invoker, appBinding, repository }: JobRightsParts,
  options: { readonly name: string; readonly only: (right: NeededRight) => boolean },
): readonly (RoleManifest | RoleBindingManifest)[] {
  const namespace = request.session.namespace;
  const objects: JobObjects = {
    namespace,
    session: "*",
    // Whoever may read another namespace's database is decided by its owner, even if he lets the store be used.
    ...(request.appBinding.namespace === namespace
      ? { appBinding: { ...request.appBinding, secrets: secretsOfAppBinding(appBinding) } }
      : {}),
    repository: { ...request.repository, secrets: secretsOfRepository(repository), selectsNamespaces: selectsNamespaces(repository) },
  };
  const serviceAccount = { namespace, name: jobAccount(request, invoker) };
  return rolesFor(request.work.direction, objects, { ...options, serviceAccount });
}

function labelsOf({ work }: RunRequest, invoker: LiveObject): Readonly<Record<string, string>> {
  return labelsFor(invoker, `stash-${work.direction}`);
}
