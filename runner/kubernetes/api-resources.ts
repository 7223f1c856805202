import { ParameterError } from "../errors.ts";
import type { ClusterAction, ObjectName } from "./cluster.ts";
import { apiVersionOf, type ObjectKind } from "./parse-object.ts";

/** Where objects of a kind lie in the API. */
export interface ApiResource {
  readonly kind: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
}

const IRREGULAR_PLURALS: Readonly<Record<string, string>> = {
  Repository: "repositories",
  BackupBatch: "backupbatches",
  RestoreBatch: "restorebatches",
};
const CLUSTER_WIDE: ReadonlySet<string> = new Set(["Namespace", "Task", "Function", "BackupBlueprint"]);
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export function apiResource(kind: ObjectKind): ApiResource {
  const [version = "", group = ""] = apiVersionOf(kind).split("/").reverse();
  const plural = IRREGULAR_PLURALS[kind] ?? `${kind.toLowerCase()}s`;
  return { kind, group, version, plural, isNamespaced: !CLUSTER_WIDE.has(kind) };
}

/** The path of one object, or of its subresource. @throws ParameterError for a name that would lead to another place */
export function objectPath(resource: ApiResource, name: ObjectName, subresource?: string): string {
  const parts = resource.isNamespaced ? [name.namespace, name.name] : [name.name];
  for (const part of parts) {
    if (!OBJECT_NAME.test(part)) throw new ParameterError(`${objectLabel(resource, name)} is no name of an object`);
  }
  return [collectionPath(resource, name.namespace), name.name, ...(subresource === undefined ? [] : [subresource])].join("/");
}

/** The path that a new object is posted to. */
export function collectionPath({ group, version, plural, isNamespaced }: ApiResource, namespace: string): string {
  const prefix = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return isNamespaced ? `${prefix}/namespaces/${namespace}/${plural}` : `${prefix}/${plural}`;
}

/** How messages name the object: `Repository "demo/cellar"`. */
export function objectLabel({ kind, isNamespaced }: ApiResource, { namespace, name }: ObjectName): string {
  return `${kind} "${isNamespaced ? `${namespace}/` : ""}${name}"`;
}

/** The right that a request on this object needs. */
export function actionOn(
  resource: ApiResource,
  name: ObjectName,
  verb: { readonly verb: string; readonly subresource?: string },
): ClusterAction {
  const { group, plural, isNamespaced } = resource;
  return {
    verb: verb.verb,
    group,
    resource: verb.subresource === undefined ? plural : `${plural}/${verb.subresource}`,
    namespace: isNamespaced ? name.namespace : undefined,
    // RBAC cannot bind a creation to a name: it is not known when rights are judged.
    name: verb.verb === "create" ? undefined : name.name,
  };
}
