import type { Checkup } from "./checkup.ts";
import { ClusterRefusedError } from "./errors.ts";
import type { Cluster, ClusterOptions } from "./kubernetes/cluster.ts";
import { type JobObjects, type NeededRight, neededRights } from "./kubernetes/needed-rights.ts";
import type { Without, Work } from "./kubernetes/permissions.ts";

/** Asks for every right that the job needs, one by one. Resolves with whether any is missing. */
export async function lookAtRights(
  checkup: Checkup,
  { work, job, unread }: { readonly work: Work; readonly job: JobObjects; readonly unread: readonly string[] },
  { cluster, options }: { readonly cluster: Cluster; readonly options: ClusterOptions },
): Promise<boolean> {
  let isAnyMissing = false;
  for (const needed of neededRights(work, job)) {
    await checkup.look(`Right to ${describeRight(needed)}`, async () => {
      if (await cluster.mayI(needed.action, options)) return { detail: `granted, ${needed.right.purpose}`, value: true };
      isAnyMissing = true;
      throw missing(needed);
    });
  }
  for (const what of unread) checkup.skip(`Rights on ${what}`, "their names are not known");
  return isAnyMissing;
}

/** `get secrets "redis-auth" in namespace "demo"`. */
export function describeRight({ action: { verb, group, resource, namespace, name } }: NeededRight): string {
  const kind = group === "" ? resource : `${resource} (${group})`;
  return `${verb} ${kind}${name === undefined ? "" : ` "${name}"`} in namespace "${namespace}"`;
}

const OUTCOMES: Readonly<Record<Without, string>> = {
  fails: "a run fails without it",
  incomplete: "a backup stands without it, but a session that wants the rest fails",
  warns: "a run goes on without it, and warns",
};

function missing(needed: NeededRight): ClusterRefusedError {
  const { purpose, without } = needed.right;
  return new ClusterRefusedError(`Not allowed to ${describeRight(needed)}, which is needed ${purpose}: ${OUTCOMES[without]}`, {
    reason: "Forbidden",
    hint: "The Roles below grant exactly what this job needs",
    facts: { action: needed.action },
  });
}
