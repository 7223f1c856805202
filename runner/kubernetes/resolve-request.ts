// request: one target of one session that is to be backed up or restored, whatever kind of object asks for it.
import { ParameterError } from "../errors.ts";
import type { BackupInvoker, ObjectName, RestoreSession } from "./cluster.ts";
import { type RestoreSelection, selectRestoreRule } from "./resolve-restore-rule.ts";

type BackupConfiguration = Extract<BackupInvoker, { kind: "BackupConfiguration" }>;
type BackupTarget = NonNullable<BackupConfiguration["spec"]["target"]>;
type RestoreTarget = NonNullable<RestoreSession["spec"]["target"]>;
export type RetentionPolicy = BackupInvoker["spec"]["retentionPolicy"];
export type RunFields = Pick<BackupConfiguration["spec"], "task" | "runtimeSettings" | "tempDir" | "interimVolumeTemplate">;

export interface RunRequest extends RunFields {
  /** For messages: `BackupConfiguration "demo/nightly"`. */
  readonly origin: string;
  readonly invoker: { readonly kind: string; readonly name: string; readonly labels: Readonly<Record<string, string>> };
  /** Who owns the Job; without `uid` (it does not exist yet) the Job has no owner. */
  readonly session: ObjectName & { readonly kind: "BackupSession" | "RestoreSession"; readonly uid?: string | undefined };
  readonly targetIndex: number;
  readonly repository: ObjectName;
  readonly appBinding: ObjectName;
  readonly work: BackupWork | RestoreWork;
}

export interface BackupWork {
  readonly direction: "backup";
  readonly target: BackupTarget;
  readonly retentionPolicy: RetentionPolicy;
}

export interface RestoreWork {
  readonly direction: "restore";
  readonly target: RestoreTarget;
  readonly selection: RestoreSelection;
}

export interface BackupRequestOptions {
  readonly session: { readonly name: string; readonly uid?: string | undefined };
  /** Which member of a BackupBatch; 0 for a BackupConfiguration. */
  readonly targetIndex: number;
}

/** What a session of this invoker does for one target. @throws ParameterError for what we do not serve, by name */
export function backupRequest(invoker: BackupInvoker, { session, targetIndex }: BackupRequestOptions): RunRequest {
  const { kind, metadata, spec } = invoker;
  const origin = `${kind} "${metadata.namespace}/${metadata.name}"`;
  const member = invoker.kind === "BackupBatch" ? invoker.spec.members?.[targetIndex] : targetIndex === 0 ? invoker.spec : undefined;
  if (member === undefined) throw refused(origin, `it has no target number ${targetIndex}`, "Targets are counted from 0");
  assertServed(spec, origin);
  assertNoHooks(spec.hooks, origin);
  assertNoHooks(member.hooks, origin);
  const target = databaseTarget(member.target, origin);
  return {
    ...runFieldsOf(member),
    origin,
    invoker: { kind, name: metadata.name, labels: metadata.labels ?? {} },
    session: { kind: "BackupSession", namespace: metadata.namespace, name: session.name, uid: session.uid },
    targetIndex,
    repository: repositoryOf(spec.repository, { origin, namespace: metadata.namespace }),
    appBinding: { namespace: target.ref?.namespace || metadata.namespace, name: target.ref?.name as string },
    work: { direction: "backup", target, retentionPolicy: spec.retentionPolicy },
  };
}

/** What this session restores. @throws ParameterError for what we do not serve, by name */
export function restoreRequest(session: RestoreSession): RunRequest {
  const { kind, metadata, spec } = session;
  const origin = `${kind} "${metadata.namespace}/${metadata.name}"`;
  assertServed(spec, origin);
  assertNoHooks(spec.hooks, origin);
  const target = databaseTarget(spec.target, origin);
  if ((target.volumeClaimTemplates ?? []).length > 0) {
    throw refused(origin, "target.volumeClaimTemplates is not supported", "Databases are restored through their AppBinding");
  }
  return {
    ...runFieldsOf(spec),
    origin,
    invoker: { kind, name: metadata.name, labels: metadata.labels ?? {} },
    session: { kind, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
    targetIndex: 0,
    repository: repositoryOf(spec.repository, { origin, namespace: metadata.namespace }),
    appBinding: { namespace: target.ref?.namespace || metadata.namespace, name: target.ref?.name as string },
    work: { direction: "restore", target, selection: selectRestoreRule(session) },
  };
}

function runFieldsOf({ task, runtimeSettings, tempDir, interimVolumeTemplate }: RunFields): RunFields {
  return { task, runtimeSettings, tempDir, interimVolumeTemplate };
}

function assertServed({ driver }: { readonly driver: string }, origin: string): void {
  if (driver !== "Restic") throw refused(origin, `the driver ${driver} is not supported`, "Databases are backed up with the driver Restic");
}

/** A hook that is left out is a database that was not quiesced, or a person who was not told. */
function assertNoHooks(hooks: Readonly<Record<string, unknown>> | undefined, origin: string): void {
  const names = Object.keys(hooks ?? {}).filter((name) => hooks?.[name] !== undefined);
  if (names.length > 0)
    throw refused(origin, `hooks.${names.join(", hooks.")}: hooks are not supported`, "Remove the hooks, or run them yourself");
}

function databaseTarget<T extends BackupTarget | RestoreTarget>(target: T | undefined, origin: string): T {
  if (target?.ref === undefined) throw refused(origin, "it names no target", "Name an AppBinding in target.ref");
  const { kind, name } = target.ref;
  if (kind !== "AppBinding")
    throw refused(origin, `a target of kind ${kind ?? "(none)"} is not supported`, "Name an AppBinding in target.ref");
  if (name === undefined || name === "") throw refused(origin, "target.ref.name is missing", "Name an AppBinding");
  return target;
}

function repositoryOf(
  reference: { readonly name: string; readonly namespace?: string | undefined } | undefined,
  { origin, namespace }: { origin: string; namespace: string },
): ObjectName {
  if (reference === undefined) throw refused(origin, "it names no repository", "Name a Repository in spec.repository");
  return { namespace: reference.namespace || namespace, name: reference.name };
}

function refused(origin: string, message: string, hint: string): ParameterError {
  return new ParameterError(`${origin}: ${message}`, { reason: "NotSupported", hint });
}
