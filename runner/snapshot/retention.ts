// retention: which snapshots of a group (engine, target, host) a policy keeps. The options mean what restic's mean. FORMAT.md, "Retention".
import { ParameterError } from "../errors.ts";
import type { Manifest } from "./manifest.ts";
import { instantOf } from "./snapshot-id.ts";

export interface RetentionPolicy {
  readonly keepLast?: number | undefined;
  readonly keepHourly?: number | undefined;
  readonly keepDaily?: number | undefined;
  readonly keepWeekly?: number | undefined;
  readonly keepMonthly?: number | undefined;
  readonly keepYearly?: number | undefined;
  /** Each a list of tags joined by commas: a snapshot that has all tags of any list is kept; an empty tag means a snapshot without tags. */
  readonly keepTags?: readonly string[] | undefined;
  /** Remove what nobody needs any more afterwards. */
  readonly prune?: boolean | undefined;
  /** Only say what would be removed. */
  readonly dryRun?: boolean | undefined;
}

export interface Target {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** Whose snapshots a policy may touch. */
export type RetentionScope = readonly { readonly target: Target; readonly hosts?: readonly string[] | undefined }[];

export interface RetentionGroup {
  readonly engine: string;
  readonly target: Target;
  readonly host: string;
  /** Newest first, as `removed`. */
  readonly kept: readonly { readonly snapshot: Manifest; readonly reasons: readonly string[] }[];
  readonly removed: readonly Manifest[];
}

export interface RetentionPlan {
  readonly groups: readonly RetentionGroup[];
  readonly prune: boolean;
  readonly dryRun: boolean;
}

/**
 * Judges each group by itself, in UTC, by the instants in the ids; the options add up. Changes nothing.
 * @throws ParameterError for a policy that says nothing, or that would leave a group without snapshots
 */
export function applyPolicy(snapshots: readonly Manifest[], policy: RetentionPolicy, scope?: RetentionScope): RetentionPlan {
  assertKeepsSomething(policy);
  const inScope = snapshots.filter((snapshot) => isInScope(snapshot, scope));
  const byGroup = Map.groupBy(inScope, ({ engine, target, host }) =>
    JSON.stringify([engine, target.namespace, target.kind, target.name, host]),
  );
  const groups = [...byGroup].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, members]) => judgeGroup(members, policy));
  const emptied = groups.filter(({ kept }) => kept.length === 0);
  if (emptied.length > 0) {
    const names = emptied.map(describeGroup).join("; ");
    throw new ParameterError(`The retention policy would remove every snapshot of ${names}`, {
      reason: "PolicyKeepsNothing",
      hint: "Keep the last one at least (keepLast), or correct the tags; nothing was removed",
    });
  }
  return { groups, prune: policy.prune ?? false, dryRun: policy.dryRun ?? false };
}

/** For people: "redis of AppBinding demo/sample, host host-0". */
export function describeGroup({ engine, target, host }: Pick<RetentionGroup, "engine" | "target" | "host">): string {
  const place = target.namespace === "" ? target.name : `${target.namespace}/${target.name}`;
  return `${engine} of ${target.kind} ${place}, host ${host}`;
}

interface Rule {
  readonly field: Exclude<keyof RetentionPolicy, "keepTags" | "prune" | "dryRun">;
  readonly reason: string;
  /** Snapshots with the same value are of the same period. */
  periodOf(instant: Date, snapshot: Manifest): string;
}

const RULES: readonly Rule[] = [
  { field: "keepLast", reason: "last", periodOf: (_, { id }) => id },
  { field: "keepHourly", reason: "hourly", periodOf: (instant) => instant.toISOString().slice(0, 13) },
  { field: "keepDaily", reason: "daily", periodOf: (instant) => instant.toISOString().slice(0, 10) },
  { field: "keepWeekly", reason: "weekly", periodOf: mondayOf },
  { field: "keepMonthly", reason: "monthly", periodOf: (instant) => instant.toISOString().slice(0, 7) },
  { field: "keepYearly", reason: "yearly", periodOf: (instant) => instant.toISOString().slice(0, 4) },
];

function assertKeepsSomething(policy: RetentionPolicy): void {
  for (const { field } of RULES) {
    const count = policy[field] ?? 0;
    if (!Number.isInteger(count) || count < 0) throw new ParameterError(`Invalid ${field} of ${count}: expected a whole number from 0`);
  }
  if (RULES.some(({ field }) => (policy[field] ?? 0) > 0) || (policy.keepTags ?? []).length > 0) return;
  throw new ParameterError("The retention policy names nothing to keep", {
    reason: "PolicyEmpty",
    hint: "Set at least one of keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, keepTags; nothing was removed",
  });
}

function isInScope({ target, host }: Manifest, scope: RetentionScope | undefined): boolean {
  if (scope === undefined) return true;
  return scope.some(
    (one) =>
      one.target.namespace === target.namespace &&
      one.target.kind === target.kind &&
      one.target.name === target.name &&
      (one.hosts?.includes(host) ?? true),
  );
}

function judgeGroup(members: readonly Manifest[], policy: RetentionPolicy): RetentionGroup {
  const newestFirst = [...members].sort((a, b) => (a.id < b.id ? 1 : -1));
  const { engine, target, host } = newestFirst[0] as Manifest;
  const reasons = new Map<string, string[]>(newestFirst.map(({ id }) => [id, []]));
  for (const snapshot of newestFirst) {
    for (const list of policy.keepTags ?? []) if (hasTags(snapshot, list)) reasons.get(snapshot.id)?.push(`tags ${list}`);
  }
  for (const rule of RULES) {
    for (const { id, reason } of keptBy(rule, policy[rule.field] ?? 0, newestFirst)) reasons.get(id)?.push(reason);
  }
  const judged = newestFirst.map((snapshot) => ({ snapshot, reasons: reasons.get(snapshot.id) ?? [] }));
  return {
    engine,
    target,
    host,
    kept: judged.filter((one) => one.reasons.length > 0),
    removed: judged.filter((one) => one.reasons.length === 0).map(({ snapshot }) => snapshot),
  };
}

/** The newest of each of the newest `count` periods that have a snapshot; and the oldest of all while there are fewer periods than that. */
function keptBy(rule: Rule, count: number, newestFirst: readonly Manifest[]): { id: string; reason: string }[] {
  const newestOf = new Map<string, string>();
  for (const snapshot of newestFirst) {
    const period = rule.periodOf(new Date(instantOf(snapshot.id)), snapshot);
    if (!newestOf.has(period)) newestOf.set(period, snapshot.id);
  }
  const ids = [...newestOf.values()];
  const kept = ids.slice(0, count).map((id) => ({ id, reason: rule.reason }));
  const oldest = (newestFirst.at(-1) as Manifest).id;
  return ids.length < count && !ids.includes(oldest) ? [...kept, { id: oldest, reason: `oldest ${rule.reason}` }] : kept;
}

function hasTags({ tags }: Manifest, list: string): boolean {
  const wanted = list.split(",").map((tag) => tag.trim());
  return wanted.every((tag) => (tag === "" && tags.length === 0) || tags.includes(tag));
}

/** The date of the Monday on or before: ISO weeks begin there, and two instants are of the same week when it is the same. */
function mondayOf(instant: Date): string {
  const daysSinceMonday = (instant.getUTCDay() + 6) % 7;
  return new Date(instant.getTime() - daysSinceMonday * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}
