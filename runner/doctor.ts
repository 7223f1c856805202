import { Checkup, type Finding } from "./checkup.ts";
import { lookAtDatabase } from "./doctor-database.ts";
import { lookAtGateway } from "./doctor-gateway.ts";
import { type DoctorParameters, lookAtObjects, usesObjects, workOf } from "./doctor-objects.ts";
import { lookAtRights } from "./doctor-rights.ts";
import { printRoles, rolesOf } from "./doctor-roles.ts";
import { lookAtStore } from "./doctor-store.ts";
import type { DatabaseFunction } from "./function.ts";
import type { InspectParts } from "./inspect.ts";
import type { Cluster, ClusterOptions } from "./kubernetes/cluster.ts";
import { printObjects } from "./kubernetes/print-objects.ts";
import { findRepository } from "./places.ts";
import type { Success } from "./report.ts";

export interface DoctorParts extends InspectParts {
  readonly functions: readonly DatabaseFunction[];
}

/** An API that is away is not asked for a minute each time. */
const PATIENCE_MS = 10_000;

/**
 * Looks at everything that a backup or a restore with these parameters needs, writes nothing, and prints one finding after another. Every check is
 * made whatever became of the others; then the first failure is thrown.
 */
export async function runDoctor(parameters: DoctorParameters, parts: DoctorParts): Promise<Success> {
  if (parameters.printRole) return printRoles(parameters, parts);
  const checkup = new Checkup(parts.signal);
  const objects = await lookAtCluster(checkup, parameters, parts);
  await lookAtDatabase(checkup, parameters, { ...parts, appBinding: objects?.appBinding });
  await lookAtRepository(checkup, parameters, {
    ...parts,
    canFind: parameters.repository === undefined || objects?.mayUseRepository === true,
  });
  if (parameters.pushgateway !== undefined) await lookAtGateway(checkup, parameters.pushgateway, parts.signal);
  const { findings } = checkup;
  const roles = objects?.isRightMissing ? rolesOf(parameters, objects.job) : [];
  const printed = parts.print(
    parameters.json
      ? `${JSON.stringify({ findings, roles }, undefined, 2)}\n`
      : findings.map(describeFinding).join("") + (roles.length > 0 ? `\n${printObjects(roles, { json: false })}` : ""),
  );
  // What was found matters more than an output that failed.
  if (checkup.hasFailed) await Promise.allSettled([printed]);
  checkup.conclude();
  await printed;
  return { message: "Nothing is missing", counts: { checks: findings.length } };
}

async function lookAtCluster(checkup: Checkup, parameters: DoctorParameters, { signal, sources }: DoctorParts) {
  if (!usesObjects(parameters)) return undefined;
  const options = { signal, patienceMs: PATIENCE_MS };
  const cluster = await checkup.look("Kubernetes API", async () => {
    const opened = await sources.cluster();
    return { detail: await describeCluster(opened, parameters, options), value: opened };
  });
  if (cluster === undefined) {
    checkup.skip("Objects and rights", "the Kubernetes API did not answer");
    return undefined;
  }
  const found = await lookAtObjects(checkup, parameters, { cluster, options });
  const isRightMissing =
    parameters.manifests === undefined &&
    (await lookAtRights(checkup, { work: workOf(parameters), job: found.job, unread: found.unread }, { cluster, options }));
  return { ...found, isRightMissing };
}

/** Any answer will do to see that there is one. */
async function describeCluster(cluster: Cluster, { manifests }: DoctorParameters, options: ClusterOptions): Promise<string> {
  await cluster.mayI({ verb: "create", group: "authorization.k8s.io", resource: "selfsubjectaccessreviews" }, options);
  if (manifests !== undefined) return `not asked: objects are read from "${manifests}", and no right is needed for that`;
  const user = await cluster.whoAmI?.(options);
  return user === undefined ? "answers" : `answers, and knows this process as ${user}`;
}

async function lookAtRepository(
  checkup: Checkup,
  parameters: DoctorParameters,
  { sources, signal, canFind }: DoctorParts & { readonly canFind: boolean },
): Promise<void> {
  if (!canFind) return checkup.skip("Storage Secret and store", "the Repository cannot be used");
  const place = await checkup.look(parameters.repository === undefined ? "Place of the backups" : "Storage Secret", async () => ({
    value: await findRepository(parameters, sources),
    detail: "what opens the store and the repository is known",
  }));
  if (place === undefined) checkup.skip("Store and repository", "what opens them is not known");
  else await lookAtStore(checkup, place, { needsRepository: workOf(parameters) === "restore", signal });
}

function describeFinding({ check, status, detail, remedy, notes }: Finding): string {
  const more = [...(notes ?? []).map((note) => `note: ${note}`), ...(remedy === undefined ? [] : [`remedy: ${remedy}`])];
  return [`${status.padEnd(8)} ${check}: ${detail}`, ...more.map((line) => `${" ".repeat(9)}${line}`)].map((line) => `${line}\n`).join("");
}
