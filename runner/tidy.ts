import { hostname } from "node:os";
import { NoSuchSnapshotError, ParameterError } from "./errors.ts";
import { type InspectParts, openNamed } from "./inspect.ts";
import type { Success } from "./report.ts";
import { forgetByIds, forgetSnapshots } from "./snapshot/forget.ts";
import { listEverySnapshot } from "./snapshot/list-every-snapshot.ts";
import type { Manifest } from "./snapshot/manifest.ts";
import { isSnapshotId } from "./snapshot/object-keys.ts";
import { type PruneReport, prune } from "./snapshot/prune.ts";
import type { Repository } from "./snapshot/repository.ts";
import { applyPolicy, describeGroup, type RetentionGroup } from "./snapshot/retention.ts";
import { summarizeSnapshot } from "./summarize-snapshot.ts";
import type { ForgetParameters, PruneParameters } from "./tidy-parameters.ts";

/** Forgets one snapshot, or what a policy does not keep; what is removed is listed first. */
export async function forgetSnapshotsCommand(parameters: ForgetParameters, parts: InspectParts): Promise<Success> {
  const repository = await openNamed(parameters, parts);
  const plan = await makePlan(repository, parameters, parts);
  const { dryRun, json } = parameters;
  if (!json) await parts.print(describePlan(plan, { dryRun }));
  const forgotten = dryRun ? [] : await forget(repository, plan, parts);
  // What would be forgotten is there still: a prune would not look at it.
  const pruned = parameters.prune && !dryRun ? await pruneNow(repository, parameters, parts) : undefined;
  if (json) await parts.print(`${JSON.stringify({ dryRun, ...asJson(plan), forgotten, pruned }, undefined, 2)}\n`);
  else if (pruned !== undefined) await parts.print(describePruned(pruned));
  const removable = plan.ids.length;
  const kept = plan.groups.reduce((sum, group) => sum + group.kept.length, 0);
  return {
    message: dryRun ? `${removable} snapshot(s) would be forgotten` : `${forgotten.length} snapshot(s) forgotten`,
    counts: { forgotten: forgotten.length, kept, ...(pruned && countsOf(pruned)) },
  };
}

/** Removes the objects that nobody needs; what is removed is listed by snapshot. */
export async function pruneRepository(parameters: PruneParameters, parts: InspectParts): Promise<Success> {
  const repository = await openNamed(parameters, parts);
  const pruned = await pruneNow(repository, parameters, parts);
  await parts.print(parameters.json ? `${JSON.stringify(pruned, undefined, 2)}\n` : describePruned(pruned));
  const { removed, dryRun } = pruned;
  return { message: `${removed.objects} object(s) ${dryRun ? "would be removed" : "removed"}`, counts: countsOf(pruned) };
}

interface ForgetPlan {
  readonly groups: readonly RetentionGroup[];
  /** What goes, from the oldest to the newest of each group. */
  readonly ids: readonly string[];
  /** The one that was named, rather than judged. */
  readonly isNamed: boolean;
}

async function makePlan(repository: Repository, parameters: ForgetParameters, { signal }: InspectParts): Promise<ForgetPlan> {
  const { snapshot } = parameters;
  if (snapshot !== undefined) {
    if (!isSnapshotId(snapshot))
      throw new ParameterError(`Invalid snapshot id "${snapshot}": expected an id like "20300131T235959Z-0123abcd"`);
    return { groups: [], ids: [snapshot], isNamed: true };
  }
  const all = await listEverySnapshot(repository, { signal });
  const snapshots = all.filter((manifest) => isMeant(manifest, parameters));
  if (snapshots.length === 0 && (parameters.target ?? parameters.hostname) !== undefined)
    throw new NoSuchSnapshotError(`There is no snapshot of that target and host at ${repository.store.description}`);
  const { groups } = applyPolicy(snapshots, parameters);
  return { groups, ids: groups.flatMap(({ removed }) => removed.map(({ id }) => id).reverse()), isNamed: false };
}

function isMeant(manifest: Manifest, { target, hostname: host }: ForgetParameters): boolean {
  const shown = summarizeSnapshot(manifest).target;
  return (host === undefined || manifest.host === host) && (target === undefined || shown === target || shown.endsWith(`/${target}`));
}

async function forget(repository: Repository, plan: ForgetPlan, { signal, log }: InspectParts): Promise<string[]> {
  const options = { signal, onForgotten: (snapshot: string) => log.info("Snapshot forgotten", { snapshot }) };
  return plan.isNamed ? forgetByIds(repository, plan.ids, options) : forgetSnapshots(repository, plan.groups, options);
}

function pruneNow(repository: Repository, parameters: PruneParameters, { signal, warn, progress }: InspectParts): Promise<PruneReport> {
  return prune(repository, {
    holder: hostname(),
    dryRun: parameters.dryRun,
    unsafe: parameters.unsafe,
    signal,
    warn,
    progress: ({ bytes, objects: items, totalObjects: totalItems }) => progress({ phase: "Pruning", bytes, items, totalItems }),
  });
}

function countsOf({ removed, kept, leases }: PruneReport): Record<string, number> {
  const { objects: objectsRemoved, bytes: bytesRemoved } = removed;
  return { objectsRemoved, bytesRemoved, objectsKept: kept.objects, bytesKept: kept.bytes, leasesRemoved: leases };
}

function asJson({ groups, ids }: ForgetPlan) {
  const judged = groups.map(({ engine, target, host, kept, removed }) => ({
    engine,
    target,
    host,
    keep: kept.map(({ snapshot, reasons }) => ({ ...summarizeSnapshot(snapshot), reasons })),
    remove: removed.map(summarizeSnapshot),
  }));
  return { groups: judged, remove: ids };
}

function describePlan({ groups, ids, isNamed }: ForgetPlan, { dryRun }: { dryRun: boolean }): string {
  const verb = dryRun ? "would forget" : "forget";
  if (isNamed) return ids.map((id) => `${verb} ${id}\n`).join("");
  if (groups.length === 0) return "No snapshots\n";
  const lines = groups.flatMap((group) => [
    `${describeGroup(group)}:`,
    ...group.kept.map(({ snapshot, reasons }) => `  keep ${snapshot.id}  (${reasons.join(", ")})`),
    ...group.removed.map(({ id }) => `  ${verb} ${id}`),
  ]);
  return `${lines.join("\n")}\n`;
}

function describePruned({ dryRun, removed, kept, snapshots }: PruneReport): string {
  const verb = dryRun ? "would remove" : "removed";
  const lines = snapshots.map(({ id, objects, bytes }) => `${verb} ${objects} object(s), ${bytes} bytes, of ${id}\n`);
  return `${lines.join("")}${verb} ${removed.objects} object(s), ${removed.bytes} bytes; ${kept.objects} object(s), ${kept.bytes} bytes stay\n`;
}
