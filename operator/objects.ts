// objects: Kubernetes' objects as plain JSON, as the API server sends and takes them. Dates are texts, and nothing is dropped that a write would lose.
import type { ObjectMetadata } from "../runner/kubernetes/resolve-objects.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** An object that exists. */
export interface LiveObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: LiveMetadata;
  readonly spec?: Fields;
  readonly status?: Fields;
  readonly [field: string]: unknown;
}

export interface LiveMetadata {
  readonly name: string;
  /** Absent for kinds of the whole cluster. */
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  /** Set once somebody deleted it; it stays until its finalizers are gone. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly LiveOwner[];
  readonly [field: string]: unknown;
}

export interface LiveOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** An object as we want it: what it names is ours, what it does not name is left as it is. */
export interface WantedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly spec?: unknown;
  readonly [field: string]: unknown;
}

/** The identity of an object, for writes that must not meet a namesake. */
export interface ObjectIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function identityOf({ metadata }: LiveObject): ObjectIdentity {
  return { namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid };
}

/** The one owner that answers for the object. */
export function controllerOf({ metadata }: LiveObject): LiveOwner | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

export function isBeingDeleted({ metadata }: LiveObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
