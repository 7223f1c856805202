import type { DoctorParts } from "./doctor.ts";
import { type DoctorParameters, invokerOf, jobObjects, objectNames, workOf } from "./doctor-objects.ts";
import { ParameterError } from "./errors.ts";
import type { Cluster, ClusterOptions } from "./kubernetes/cluster.ts";
import type { JobObjects } from "./kubernetes/needed-rights.ts";
import { printObjects } from "./kubernetes/print-objects.ts";
import { rolesFor } from "./kubernetes/role-manifests.ts";
import type { Success } from "./report.ts";

type Roles = ReturnType<typeof rolesFor>;

/** Prints the Roles for these objects, and makes no check. @throws ParameterError when there is nothing that needs a right, or an object is missing */
export async function printRoles(parameters: DoctorParameters, { sources, signal, print }: DoctorParts): Promise<Success> {
  const job = await readJob(parameters, await sources.cluster(), { signal });
  const roles = rolesOf(parameters, job);
  if (roles.length === 0) {
    throw new ParameterError("No Role is needed: neither an AppBinding nor a Repository nor a session is named");
  }
  await print(printObjects(roles, { json: parameters.json }));
  return { message: `${roles.length} manifest(s)`, counts: { manifests: roles.length } };
}

export function rolesOf(parameters: DoctorParameters, job: JobObjects): Roles {
  const { namespace, serviceAccount, appbinding, repository } = parameters;
  const work = workOf(parameters);
  const name = `holdfast-${work}-${appbinding ?? repository ?? "sessions"}`;
  return rolesFor(work, job, { name, serviceAccount: { namespace, name: serviceAccount } });
}

async function readJob(parameters: DoctorParameters, cluster: Cluster, options: ClusterOptions): Promise<JobObjects> {
  const names = objectNames(parameters);
  const { namespace, backupSession } = parameters;
  const appBinding = names.appBinding && (await cluster.appBinding(names.appBinding, options));
  const repository = names.repository && (await cluster.repository(names.repository, options));
  const isNamed = backupSession !== undefined && backupSession !== "*";
  const session = isNamed ? await cluster.backupSession({ namespace, name: backupSession }, options) : undefined;
  return jobObjects(parameters, { appBinding, repository, invoker: session && invokerOf(session.spec.invoker) });
}
