import { ClusterRefusedError, ParameterError } from "../../runner/errors.ts";
import type { AskedAction } from "../../runner/kubernetes/api-refusal.ts";
import { actionOn, collectionPath, objectLabel, objectPath } from "../../runner/kubernetes/api-resources.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import type { Kind } from "../kinds.ts";

/** What objects of a kind say that they are. */
export function typeOf({ group, version, kind }: Kind): { readonly apiVersion: string; readonly kind: string } {
  return { apiVersion: group === "" ? version : `${group}/${version}`, kind };
}

/** Of one namespace, or of all. @throws ClusterRefusedError for what can be no namespace */
export function listPath(kind: Kind, namespace: string | undefined): string {
  if (namespace !== undefined) requiredPath(kind, { namespace, name: "any" });
  return collectionPath(namespace === undefined ? { ...kind, isNamespaced: false } : kind, namespace ?? "");
}

/** The path of an object; `undefined` for a name that no object can have. */
export function pathOf(kind: Kind, name: ObjectName, subresource?: string): string | undefined {
  try {
    return objectPath(kind, name, subresource);
  } catch (error) {
    if (error instanceof ParameterError) return undefined;
    throw error;
  }
}

/** The same. @throws ClusterRefusedError for a name that no object can have */
export function requiredPath(kind: Kind, name: ObjectName, subresource?: string): string {
  const path = pathOf(kind, name, subresource);
  if (path === undefined) throw new ClusterRefusedError(`${objectLabel(kind, name)} is no name of an object`, { reason: "Invalid" });
  return path;
}

/** What was asked for, for messages and rights. */
export function askedAction(asked: {
  readonly kind: Kind;
  readonly name: ObjectName;
  readonly verb: string;
  readonly subresource?: string;
}): AskedAction {
  const { kind, name, verb, subresource } = asked;
  const action = actionOn(kind, name, { verb, ...(subresource === undefined ? {} : { subresource }) });
  if (name.name !== "") return { ...action, label: objectLabel(kind, name) };
  return { ...action, name: undefined, namespace: name.namespace || undefined, label: `${kind.kind} objects` };
}
