import type { CheckContext } from "../../runner/function.ts";
import { openControl } from "./connection.ts";
import { redisEndpoint } from "./endpoint.ts";
import { assertMayRestore } from "./restore-rights.ts";
import { inspectTarget } from "./restore-target.ts";

/** Whether a restore could begin now: the server, and the rights of the user. What depends on the snapshot is not known here. @throws as a restore does */
export async function checkTarget(context: CheckContext): Promise<string> {
  const endpoint = redisEndpoint(context.database);
  const { description, username } = endpoint;
  for (const { reason, message } of endpoint.notices) context.warn(reason, message);
  await using control = await openControl(endpoint, context);
  const { server } = await inspectTarget(control, description);
  await assertMayRestore(control, { withFunctions: (server.details?.functionLibraries ?? 0) > 0, username, description });
  return `${server.flavour} ${server.version} at ${description} takes user "${username ?? "default"}"${endpoint.tls === undefined ? "" : ", over TLS"}`;
}
