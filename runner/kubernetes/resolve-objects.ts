// Kubernetes' own objects, as far as we make them.
import { ParameterError } from "../errors.ts";

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly spec?: unknown;
}

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: true;
  readonly blockOwnerDeletion: true;
}

/** A field of Kubernetes' own that is handed on as it is. */
export type CoreValue = Readonly<Record<string, unknown>>;

export interface Job extends KubernetesObject {
  readonly apiVersion: "batch/v1";
  readonly kind: "Job";
  readonly spec: {
    readonly backoffLimit: 0;
    readonly podFailurePolicy: CoreValue;
    readonly template: {
      readonly metadata: Pick<ObjectMetadata, "labels" | "annotations">;
      readonly spec: PodSpec;
    };
  };
}

export interface PodSpec {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly restartPolicy: "Never";
  readonly serviceAccountName?: string | undefined;
  readonly [setting: string]: unknown;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: "IfNotPresent";
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly EnvironmentVariable[] | undefined;
  readonly volumeMounts: readonly VolumeMount[];
  readonly [field: string]: unknown;
}

export interface EnvironmentVariable extends CoreValue {
  readonly name: string;
}

export interface VolumeMount extends CoreValue {
  readonly name: string;
  readonly mountPath: string;
}

export interface Volume extends CoreValue {
  readonly name: string;
}

export interface VolumeClaim extends KubernetesObject {
  readonly apiVersion: "v1";
  readonly kind: "PersistentVolumeClaim";
  readonly spec: CoreValue;
}

/** Items of Kubernetes' own, in which these fields are texts. @throws ParameterError naming the place and the field */
export function itemsWith<F extends string>(
  items: readonly CoreValue[] | undefined,
  fields: readonly F[],
  place: string,
): readonly (CoreValue & Readonly<Record<F, string>>)[] {
  for (const [index, item] of (items ?? []).entries()) {
    const missing = fields.find((field) => typeof item[field] !== "string" || item[field] === "");
    if (missing !== undefined) throw new ParameterError(`${place}[${index}].${missing}: expected a text, but it is missing`);
  }
  return (items ?? []) as readonly (CoreValue & Readonly<Record<F, string>>)[];
}
