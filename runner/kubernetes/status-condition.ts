// condition: a statement about an object, one of each type, with the reason as one word for programs and a message for people.
import type { Status } from "./cluster.ts";
import { formatTime } from "./go-format.ts";
import { listIn, upsert } from "./status-list.ts";

export type ConditionStatus = "True" | "False" | "Unknown";

export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/**
 * The status, or a target's entry in it, with this condition in the place of the one of its type. The very same value when status, reason and
 * message stand already: the time of a condition is that of its last change.
 */
export function withCondition(status: Status, { type, status: value, reason, message }: Condition, now: Date): Status {
  const before = findCondition(status, type);
  if (before?.status === value && before.reason === reason && (before.message ?? "") === message) return status;
  const condition = { type, status: value, reason, message, lastTransitionTime: formatTime(now) };
  return upsert(status, condition, { field: "conditions", isSame: (other) => other.type === type });
}

/** The condition of this type as it stands, `undefined` when nobody said anything. */
export function findCondition(status: Status, type: string): Status | undefined {
  return listIn(status, "conditions").find((condition) => condition.type === type);
}

/** Whether one of these conditions stands with this value; a missing one never does. */
export function isAny(status: Status, value: ConditionStatus, types: readonly string[]): boolean {
  return types.some((type) => findCondition(status, type)?.status === value);
}
