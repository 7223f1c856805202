import { DatabaseRefusedError, type HoldfastError } from "../../runner/errors.ts";
import { type RedisReplyError, translateRedisError } from "./redis-error.ts";

const REFUSALS: readonly (readonly [pattern: RegExp, reason: string, hint: string])[] = [
  [/^OOM/, "TargetOutOfMemory", "Raise maxmemory on the target, or restore into a larger one"],
  [/^READONLY/, "TargetIsReplica", "Name the primary"],
  [/^NOREPLICAS/, "NotEnoughReplicas", "Bring its replicas back, or lower min-replicas-to-write"],
  [/^MISCONF/, "TargetRefusesWrites", "The target's last save failed: look at its log and its disk"],
  [/^BUSYKEY/, "KeyExists", "--policy skip keeps keys that exist, --policy replace overwrites them"],
  [/DB index is out of range/, "TooFewDatabases", "Raise `databases` in the target's configuration, which takes a restart"],
  [
    /invalid bulk length/,
    "ValueTooLong",
    "The target takes no string that long (proto-max-bulk-len). Allow the user +config|get, so that the limit is known and such values go in pieces",
  ],
  [/^ERR Bad data format/, "ValueRefused", "Does the target have the modules of the source, and is it at least as new?"],
  [/payload version or checksum/, "RdbVersionTooNew", "Restore into a server at least as new as the source, of the same kind"],
];

/** An error reply as one of our errors: what a write can be refused for, beside what any command can. `action` completes "Cannot …". */
export function refusalOf(reply: RedisReplyError, action: string, description: string): HoldfastError {
  const rule = REFUSALS.find(([pattern]) => pattern.test(reply.message));
  if (rule === undefined) return translateRedisError(reply, action, description);
  const [, reason, hint] = rule;
  return new DatabaseRefusedError(`Cannot ${action} at ${description}: ${reply.message}`, { reason, hint, cause: reply });
}
