// The few verbs we need of a cluster. Objects are Stash's: AppBinding, Repository, Secret, BackupSession, RestoreSession, invokers.
// Two implementations pass test/contract/cluster.ts: a directory of YAML files, and the Kubernetes API.
import type { z } from "zod";
import type { backupBatchSchema, backupConfigurationSchema, backupSessionSchema, restoreSessionSchema } from "./invoker-objects.ts";
import type { appBindingSchema, repositorySchema } from "./objects.ts";
import type { functionSchema, stepsSchema } from "./task-objects.ts";

export type AppBinding = z.infer<typeof appBindingSchema>;
export type Repository = z.infer<typeof repositorySchema>;
export type BackupSession = z.infer<typeof backupSessionSchema>;
export type RestoreSession = z.infer<typeof restoreSessionSchema>;
/** What asked for a backup. */
export type BackupInvoker = z.infer<typeof backupConfigurationSchema> | z.infer<typeof backupBatchSchema>;
export type BackupInvokerKind = BackupInvoker["kind"];
export type Task = z.infer<typeof stepsSchema>;
export type StashFunction = z.infer<typeof functionSchema>;

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Kinds whose status we write. */
export type StatusKind = "BackupSession" | "RestoreSession" | "Repository";

/**
 * Every verb throws ParameterError for an object that is missing (reason "ObjectNotFound") or not valid, ClusterRefusedError for a missing right,
 * and ClusterUnavailableError when the API did not answer within `patienceMs`.
 */
export interface Cluster {
  /** @throws ParameterError when it is missing or not valid, naming the object, the field and what was expected */
  appBinding(name: ObjectName, options?: ClusterOptions): Promise<AppBinding>;
  /** @throws ParameterError as above */
  repository(name: ObjectName, options?: ClusterOptions): Promise<Repository>;
  /** The decoded `data` (and `stringData`) of a Secret. @throws ParameterError when it is missing */
  secret(name: ObjectName, options?: ClusterOptions): Promise<ReadonlyMap<string, Uint8Array>>;
  /** The labels of a Namespace, the one with its own name included. @throws ParameterError when it is missing */
  namespaceLabels(name: string, options?: ClusterOptions): Promise<Readonly<Record<string, string>>>;
  backupSession(name: ObjectName, options?: ClusterOptions): Promise<BackupSession>;
  restoreSession(name: ObjectName, options?: ClusterOptions): Promise<RestoreSession>;
  backupInvoker(kind: BackupInvokerKind, name: ObjectName, options?: ClusterOptions): Promise<BackupInvoker>;
  /** Tasks and Functions have no namespace. */
  task(name: string, options?: ClusterOptions): Promise<Task>;
  stashFunction(name: string, options?: ClusterOptions): Promise<StashFunction>;
  /**
   * Reads the object, hands its status (or {}) to `change`, and writes what that returns to the status alone; repeated on a conflict.
   * Nothing is written when `change` returns the same value.
   * @throws ParameterError when the object is missing, or (reason "ObjectReplaced") is not the one with `uid`
   */
  updateStatus(
    kind: StatusKind,
    name: ObjectName,
    change: StatusChange,
    options?: ClusterOptions & { uid?: string | undefined },
  ): Promise<void>;
  /** Reasons are CamelCase; never the only record of anything. */
  emitEvent(event: ClusterEvent, options?: ClusterOptions): Promise<void>;
  /** Whether this process may do it: asked of the API server; files may all be read. */
  mayI(action: ClusterAction, options?: ClusterOptions): Promise<boolean>;
  /** The name that the API server knows this process by; undefined when it does not tell. Files know nobody. */
  whoAmI?(options?: ClusterOptions): Promise<string | undefined>;
}

/** One right, as RBAC writes it; without `name` it is for all of the kind, without `namespace` for a cluster-wide kind. */
export interface ClusterAction {
  readonly verb: string;
  readonly group: string;
  /** Plural, with the subresource if any: "backupsessions/status". */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export type Status = Readonly<Record<string, unknown>>;
export type StatusChange = (status: Status) => Status;

export interface ClusterOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long an API that is overloaded or away is asked again; a minute when absent. */
  readonly patienceMs?: number | undefined;
}

export interface ClusterEvent {
  readonly kind: string;
  readonly object: ObjectName;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}
