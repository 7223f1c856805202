import { DatabaseRefusedError, HoldfastError } from "../../runner/errors.ts";
import type { RedisControl } from "./connection.ts";
import { RedisReplyError } from "./redis-error.ts";
import { refusalOf } from "./restore-refusal.ts";

interface Trial {
  readonly right: string;
  readonly command: readonly string[];
}

/** Commands that do nothing, or are refused for what they carry: an invalid TTL, an empty payload. */
const NEEDED: readonly Trial[] = [
  { right: "+restore", command: ["RESTORE", "", "-1", ""] },
  { right: "+select", command: ["SELECT", "0"] },
  { right: "+dbsize", command: ["DBSIZE"] },
];
const NEEDED_FOR_FUNCTIONS: readonly Trial[] = [
  { right: "+function|restore", command: ["FUNCTION", "RESTORE", ""] },
  { right: "+function|list", command: ["FUNCTION", "LIST", "LIBRARYNAME", "none"] },
];
/** What these two are refused for when everything is well. */
const HARMLESS = /Invalid TTL|BUSYKEY|payload version or checksum/;
/** The user may run the command, but not on the empty key of the trial. */
const KEY_DENIED = /access (a|one of the) key/;

/**
 * Tries every command of a restore without changing anything: missing rights are all named in one message, and a server that takes no writes
 * now (a read-only replica, no memory, too few replicas, a failed save) says so before the first one.
 * @throws DatabaseRefusedError, DatabaseUnavailableError
 */
export async function assertMayRestore(
  control: RedisControl,
  options: { readonly withFunctions: boolean; readonly username: string | undefined; readonly description: string },
): Promise<void> {
  const missing: string[] = [];
  for (const { right, command } of options.withFunctions ? [...NEEDED, ...NEEDED_FOR_FUNCTIONS] : NEEDED) {
    const reply = await errorReplyOf(control, command);
    if (reply === undefined || HARMLESS.test(reply.message) || KEY_DENIED.test(reply.message)) continue;
    if (!reply.message.startsWith("NOPERM")) throw refusalOf(reply, "restore", options.description);
    missing.push(right);
  }
  if (missing.length === 0) return;
  const rights = missing.join(" ");
  throw new DatabaseRefusedError(`Cannot restore into ${options.description}: the user lacks ${rights}`, {
    reason: "PermissionDenied",
    hint: `ACL SETUSER ${options.username ?? "default"} ${rights}`,
    facts: { missingRights: missing },
  });
}

/** The error that the server answers, or undefined when it answers something else. Failures of the link are thrown. */
export async function errorReplyOf(control: RedisControl, command: readonly string[]): Promise<RedisReplyError | undefined> {
  const [name = "", ...args] = command;
  try {
    await control.call(name, ...args);
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && error.cause instanceof RedisReplyError) return error.cause;
    throw error;
  }
}
