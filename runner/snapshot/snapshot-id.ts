import { randomBytes } from "node:crypto";

/** So far, and no farther, an id runs ahead of the clock. */
const MAX_AHEAD_MS = 60_000;

/**
 * A new id for a snapshot that begins now. It sorts after `previous`, the newest one, also within one second and when clocks differ a little;
 * when `previous` is farther ahead it does not.
 */
export function newSnapshotId(now: Date, previous: string | undefined, suffix: string = randomBytes(4).toString("hex")): string {
  const second = Math.floor(now.getTime() / 1000) * 1000;
  const newest = previous === undefined ? Number.NEGATIVE_INFINITY : instantOf(previous);
  const instant = newest >= second && newest - second < MAX_AHEAD_MS ? newest + 1000 : second;
  return `${new Date(instant).toISOString().replace(/[-:]|\.\d+/g, "")}-${suffix}`;
}

/** The instant in an id, in milliseconds since 1970; NaN when it is none. */
export function instantOf(id: string): number {
  return Date.parse(id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*$/, "$1-$2-$3T$4:$5:$6Z"));
}
