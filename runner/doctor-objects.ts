import type { Checkup } from "./checkup.ts";
import type { doctorParameters } from "./doctor-parameters.ts";
import { ParameterError } from "./errors.ts";
import type { AppBinding, BackupInvokerKind, Cluster, ClusterOptions, ObjectName, Repository } from "./kubernetes/cluster.ts";
import { secretsOfAppBinding, secretsOfRepository, selectsNamespaces } from "./kubernetes/named-secrets.ts";
import type { JobObjects } from "./kubernetes/needed-rights.ts";
import { assertUsageAllowed } from "./kubernetes/usage-policy.ts";
import type { ParametersOf } from "./parameters.ts";

export type DoctorParameters = ParametersOf<typeof doctorParameters>;

/** What the objects say, as far as they could be read. */
export interface FoundObjects {
  readonly job: JobObjects;
  readonly appBinding: AppBinding | undefined;
  /** What is not known because of it: "the Secrets of AppBinding …". */
  readonly unread: readonly string[];
  /** False when the Repository is not there, or must not be used from the job's namespace. */
  readonly mayUseRepository: boolean;
}

/** Looks for every object that the parameters name. */
export async function lookAtObjects(
  checkup: Checkup,
  parameters: DoctorParameters,
  { cluster, options }: { readonly cluster: Cluster; readonly options: ClusterOptions },
): Promise<FoundObjects> {
  const names = objectNames(parameters);
  const appBinding =
    names.appBinding && (await lookFor(checkup, { kind: "AppBinding", ...names.appBinding }, (name) => cluster.appBinding(name, options)));
  const repository =
    names.repository && (await lookFor(checkup, { kind: "Repository", ...names.repository }, (name) => cluster.repository(name, options)));
  const invoker = await lookAtSession(checkup, parameters, { cluster, options });
  const unread = [
    ...(names.appBinding !== undefined && appBinding === undefined ? [`the Secrets of AppBinding ${quote(names.appBinding)}`] : []),
    ...(names.repository !== undefined && repository === undefined ? [`the Secret of Repository ${quote(names.repository)}`] : []),
    ...(parameters.backupSession !== undefined && invoker === undefined ? ["the invoker of the session"] : []),
  ];
  const isAllowed = repository !== undefined && (await lookAtPolicy(checkup, repository, { cluster, options, parameters }));
  return {
    job: jobObjects(parameters, { appBinding, repository, invoker }),
    appBinding,
    unread,
    mayUseRepository: isAllowed,
  };
}

/** What the job works with: names alone where an object could not be read. */
export function jobObjects(
  parameters: DoctorParameters,
  read: {
    readonly appBinding: AppBinding | undefined;
    readonly repository: Repository | undefined;
    readonly invoker: JobObjects["invoker"];
  },
): JobObjects {
  const { namespace, backupSession, restoreSession } = parameters;
  const names = objectNames(parameters);
  const { appBinding, repository, invoker } = read;
  return {
    namespace,
    session: backupSession ?? restoreSession,
    invoker,
    appBinding: names.appBinding && { ...names.appBinding, secrets: appBinding === undefined ? [] : secretsOfAppBinding(appBinding) },
    repository: names.repository && {
      ...names.repository,
      secrets: repository === undefined ? [] : secretsOfRepository(repository),
      selectsNamespaces: repository !== undefined && names.repository.namespace !== namespace && selectsNamespaces(repository),
    },
  };
}

/** The objects that the flags name. */
export function objectNames(parameters: DoctorParameters): {
  readonly appBinding: ObjectName | undefined;
  readonly repository: ObjectName | undefined;
} {
  const { namespace, appbinding, appbindingNamespace, repository, repositoryNamespace } = parameters;
  return {
    appBinding: appbinding === undefined ? undefined : { namespace: appbindingNamespace ?? namespace, name: appbinding },
    repository: repository === undefined ? undefined : { namespace: repositoryNamespace ?? namespace, name: repository },
  };
}

/** Whether anything is to be read from a cluster. */
export function usesObjects({ appbinding, repository, backupSession, restoreSession }: DoctorParameters): boolean {
  return [appbinding, repository, backupSession, restoreSession].some((name) => name !== undefined);
}

/** What is going to be done; functions are named for it. */
export function workOf(parameters: DoctorParameters): "backup" | "restore" {
  return parameters.restoreSession === undefined && !parameters.function?.endsWith("-restore") ? "backup" : "restore";
}

/** @throws ParameterError for an invoker that no job of ours serves */
export function invokerOf(invoker: { readonly kind: string; readonly name: string }): NonNullable<JobObjects["invoker"]> {
  const { kind, name } = invoker;
  if (kind === "BackupConfiguration" || kind === "BackupBatch") return { kind, name };
  throw new ParameterError(`The session's invoker is of kind ${kind}: expected BackupConfiguration or BackupBatch`);
}

async function lookAtSession(
  checkup: Checkup,
  { namespace, backupSession, restoreSession }: DoctorParameters,
  { cluster, options }: { readonly cluster: Cluster; readonly options: ClusterOptions },
): Promise<JobObjects["invoker"]> {
  if (restoreSession !== undefined) {
    await lookFor(checkup, { kind: "RestoreSession", namespace, name: restoreSession }, (name) => cluster.restoreSession(name, options));
  }
  if (backupSession === undefined) return undefined;
  const invoker = await lookFor(checkup, { kind: "BackupSession", namespace, name: backupSession }, async (name) =>
    invokerOf((await cluster.backupSession(name, options)).spec.invoker),
  );
  if (invoker === undefined) return undefined;
  const ask = (name: ObjectName) => cluster.backupInvoker(invoker.kind as BackupInvokerKind, name, options);
  await lookFor(checkup, { kind: invoker.kind, namespace, name: invoker.name }, ask);
  return invoker;
}

async function lookAtPolicy(
  checkup: Checkup,
  repository: Repository,
  parts: { readonly cluster: Cluster; readonly options: ClusterOptions; readonly parameters: DoctorParameters },
): Promise<boolean> {
  const { namespace } = parts.parameters;
  const isAllowed = await checkup.look("Usage policy", async () => {
    await assertUsageAllowed(parts.cluster, repository, { ...parts.options, fromNamespace: namespace });
    return { detail: `the Repository may be used from namespace "${namespace}"`, value: true };
  });
  return isAllowed === true;
}

function quote({ namespace, name }: ObjectName): string {
  return `"${namespace}/${name}"`;
}

function lookFor<T>(
  checkup: Checkup,
  { kind, namespace, name }: ObjectName & { readonly kind: string },
  read: (name: ObjectName) => Promise<T>,
): Promise<T | undefined> {
  return checkup.look(`${kind} "${namespace}/${name}"`, async () => ({
    detail: "is there, and valid",
    value: await read({ namespace, name }),
  }));
}
