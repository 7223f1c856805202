import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { KindName } from "../kinds.ts";
import type { Fields, LiveObject } from "../objects.ts";

/** Kinds of which lists and watches give only what is looked at: they must not be written back. */
export const CUT_KINDS: ReadonlySet<string> = new Set<KindName>(["Pod"]);

/**
 * An object as the server sent it, without its managed fields; items of lists get `apiVersion` and `kind`.
 * @throws ClusterUnavailableError when it is none: what came is no answer of a Kubernetes API
 */
export function liveObject(sent: unknown, type: { readonly apiVersion: string; readonly kind: string }): LiveObject {
  const { metadata, ...rest } = fieldsOf(sent) ?? {};
  const { managedFields: _managed, ...kept } = fieldsOf(metadata) ?? {};
  const isWhole = [kept.name, kept.uid, kept.resourceVersion].every((field) => typeof field === "string" && field !== "");
  if (!isWhole) throw new ClusterUnavailableError(`The Kubernetes API sent a ${type.kind} without a name, uid or resourceVersion`);
  if (rest.kind !== undefined && rest.kind !== type.kind) {
    throw new ClusterUnavailableError(`The Kubernetes API sent a ${String(rest.kind)} where a ${type.kind} was asked for`);
  }
  return { ...type, ...rest, metadata: kept } as unknown as LiveObject;
}

/** The same, cut to what is kept in memory of its kind. */
export function cutObject(object: LiveObject): LiveObject {
  if (!CUT_KINDS.has(object.kind)) return object;
  const { apiVersion, kind, metadata, spec = {}, status } = object;
  return { apiVersion, kind, metadata, spec: cutPodSpec(spec), ...(status === undefined ? {} : { status }) };
}

function cutPodSpec({ nodeName, activeDeadlineSeconds, containers, initContainers }: Fields): Fields {
  const kept = { nodeName, activeDeadlineSeconds, containers: cutContainers(containers), initContainers: cutContainers(initContainers) };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}

function cutContainers(containers: unknown): unknown {
  if (!Array.isArray(containers)) return undefined;
  return containers.map(({ name, resources }) => ({ name, ...(resources === undefined ? {} : { resources }) }));
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
