import type { Status } from "../../runner/kubernetes/cluster.ts";
import { findCondition } from "../../runner/kubernetes/status-condition.ts";

const SHORTEST_MS = 5_000;
const LONGEST_MS = 60_000;

/**
 * When to look again for what one of these conditions says is not there: after 5 s, then twice as long each time, at most a minute. How long it has been missing stands in
 * the condition, so that nothing has to be remembered. `undefined` when nothing is missing.
 */
export function wakeWhileMissing(status: Status, types: readonly string[], now: Date): Date | undefined {
  const waits = types
    .map((type) => findCondition(status, type))
    .filter((condition) => condition !== undefined && condition.status !== "True")
    .map((condition) => now.getTime() - Date.parse(String(condition?.lastTransitionTime)))
    .map((missingMs) => Math.min(LONGEST_MS, Math.max(SHORTEST_MS, Number.isNaN(missingMs) ? 0 : missingMs)));
  return waits.length === 0 ? undefined : new Date(now.getTime() + Math.min(...waits));
}
