import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { CheckContext } from "../../runner/function.ts";
import { redisEndpoint } from "./endpoint.ts";
import { inspectSource } from "./inspect-source.ts";
import { findMissingRights, NEEDED_BACKUP_RIGHTS } from "./missing-rights.ts";

/** Whether a backup could begin now, without beginning one: the server, and every right of the user. @throws as a backup does */
export async function checkSource(context: CheckContext): Promise<string> {
  const endpoint = redisEndpoint(context.database);
  for (const { reason, message } of endpoint.notices) context.warn(reason, message);
  const { server, settings } = await inspectSource(endpoint, context);
  const missing = await findMissingRights(endpoint, context);
  const user = endpoint.username ?? "default";
  if (missing.some((right) => NEEDED_BACKUP_RIGHTS.includes(right))) {
    throw new DatabaseRefusedError(`Cannot back up ${endpoint.description}: the user lacks ${missing.join(" ")}`, {
      reason: "PermissionDenied",
      hint: `ACL SETUSER ${user} ${missing.join(" ")}`,
      facts: { missingRights: missing },
    });
  }
  if (missing.length > 0)
    context.warn("RightsMissing", `The user lacks ${missing.join(" ")}: a backup is as good without, but its manifest knows less`);
  if (settings.rdbchecksum === "no")
    context.warn("UncheckedSnapshot", "The server writes no checksums (rdbchecksum no): backups fail unless --allow-unchecked is given");
  return `${server.flavour} ${server.version} at ${endpoint.description} takes user "${user}"${endpoint.tls === undefined ? "" : ", over TLS"}`;
}
