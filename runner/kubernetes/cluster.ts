// The few verbs we need of a cluster. Objects are Stash's: AppBinding, Repository, Secret, BackupSession, RestoreSession, invokers.
// Two implementations pass test/contract/cluster.ts: a directory of YAML files, and the Kubernetes API.
import type { z } from "zod";
import type { appBindingSchema, repositorySchema } from "./objects.ts";

export type AppBinding = z.infer<typeof appBindingSchema>;
export type Repository = z.infer<typeof repositorySchema>;

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Kinds whose status we write. */
export type StatusKind = "BackupSession" | "RestoreSession" | "Repository";

export interface Cluster {
  /** @throws ParameterError when it is missing or not valid, naming the object, the field and what was expected */
  appBinding(name: ObjectName, options?: ClusterOptions): Promise<AppBinding>;
  /** @throws ParameterError as above */
  repository(name: ObjectName, options?: ClusterOptions): Promise<Repository>;
  /** The decoded `data` (and `stringData`) of a Secret. @throws ParameterError when it is missing */
  secret(name: ObjectName, options?: ClusterOptions): Promise<ReadonlyMap<string, Uint8Array>>;
  /** The labels of a Namespace, the one with its own name included. @throws ParameterError when it is missing */
  namespaceLabels(name: string, options?: ClusterOptions): Promise<Readonly<Record<string, string>>>;
  /**
   * Reads the object, hands its status (or {}) to `change`, and writes what that returns to the status alone; repeated on a conflict.
   * Nothing is written when `change` returns the same value.
   * @throws ParameterError when the object is missing
   */
  updateStatus(kind: StatusKind, name: ObjectName, change: StatusChange, options?: ClusterOptions): Promise<void>;
  /** Reasons are CamelCase; never the only record of anything. */
  emitEvent(event: ClusterEvent, options?: ClusterOptions): Promise<void>;
}

export type Status = Readonly<Record<string, unknown>>;
export type StatusChange = (status: Status) => Status;

export interface ClusterOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ClusterEvent {
  readonly kind: string;
  readonly object: ObjectName;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}
