import { IncompleteError } from "../../runner/errors.ts";
import type { KeyCounts } from "./restore-key-counts.ts";
import type { DatabaseTally, RestorePolicy } from "./restore-tally.ts";

export interface DatabaseCheck {
  readonly database: number;
  readonly before: KeyCounts;
  readonly after: KeyCounts;
  readonly tally: DatabaseTally;
  /** The target's clock when `after` was read; keys that expire up to then may be gone. */
  readonly afterAtMs: number;
}

/** Room for a clock that was set meanwhile, and for the seconds in which expiries are counted. */
const CLOCK_SLACK_MS = 2_000;

/**
 * What the database holds now against what it was given. Keys that do not expire must be there to the last one; of those that do, every one whose
 * time has not come: expiry makes no difference, and hides none.
 * @returns the differences as sentences; none when all is well
 */
export function findDifferences(check: DatabaseCheck, policy: RestorePolicy): string[] {
  const { database, before, after, tally } = check;
  const alive = tally.volatile - countExpiredBy(tally, check.afterAtMs + CLOCK_SLACK_MS);
  const limits =
    before.expires === undefined || after.expires === undefined
      ? [limit("keys", after.keys, keysRange(check, alive, policy))]
      : [
          limit("keys without expiry", after.keys - after.expires, persistentRange(before, tally, policy)),
          limit("keys with expiry", after.expires, [alive, policy === "fail" ? tally.volatile + tally.expired : Number.POSITIVE_INFINITY]),
        ];
  return limits.filter((text) => text !== undefined).map((text) => `database ${database} ${text}`);
}

/** How many keys were replaced, or undefined when expiry or others blur the count. */
export function countReplaced(check: DatabaseCheck): number | undefined {
  const { before, after, tally } = check;
  if (before.keys === 0) return 0;
  if (before.expires !== 0 || countExpiredBy(tally, check.afterAtMs + CLOCK_SLACK_MS) > 0 || tally.expired > 0) return undefined;
  const replaced = before.keys + tally.persistent + tally.volatile - after.keys;
  return replaced >= 0 && replaced <= before.keys ? replaced : undefined;
}

type Range = readonly [least: number, most: number];

/** Beside keys that were there before, others may write: more is no sign of a loss, less is. */
function persistentRange(before: KeyCounts, tally: DatabaseTally, policy: RestorePolicy): Range {
  if (policy === "fail") return [tally.persistent, tally.persistent];
  // A replaced key may have been without expiry before, and have one now.
  const untouched = policy === "skip" ? before.keys - (before.expires ?? 0) : 0;
  return [untouched + tally.persistent, Number.POSITIVE_INFINITY];
}

/** Without INFO it is not known which keys expire. */
function keysRange({ tally }: DatabaseCheck, alive: number, policy: RestorePolicy): Range {
  const most = tally.persistent + tally.volatile + tally.expired;
  return [tally.persistent + alive, policy === "fail" ? most : Number.POSITIVE_INFINITY];
}

function limit(what: string, count: number, [least, most]: Range): string | undefined {
  if (count >= least && count <= most) return undefined;
  return `holds ${count} ${what} instead of ${least === most ? least : Number.isFinite(most) ? `${least} to ${most}` : `at least ${least}`}`;
}

function countExpiredBy(tally: DatabaseTally, atMs: number): number {
  let count = 0;
  for (const [second, keys] of tally.expiringAt) if (second * 1000 <= atMs) count += keys;
  return count;
}

/** @throws IncompleteError when there are differences */
export function assertNoDifferences(differences: readonly string[], evictedKeys: number): void {
  if (differences.length === 0) return;
  const hint =
    evictedKeys > 0
      ? `The target evicted ${evictedKeys} keys meanwhile: its memory (maxmemory) is too small`
      : "Did somebody else write to the target meanwhile? Restore again with --policy replace when nobody does";
  throw new IncompleteError(`The target does not hold what was restored: ${differences.slice(0, 10).join("; ")}`, {
    reason: "CountsDiffer",
    hint,
    facts: { differences },
  });
}
