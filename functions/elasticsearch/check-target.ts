import type { CheckContext } from "../../runner/function.ts";
import { checkServer } from "./check-server.ts";
import { RESTORE_RIGHTS } from "./missing-rights.ts";

/** Whether a restore could begin now: the server, its health and the user's rights. What depends on the snapshot is not known here. @throws as a restore does */
export function checkTarget(context: CheckContext): Promise<string> {
  return checkServer(context, { action: "restore into", rights: RESTORE_RIGHTS, isReading: false });
}
