import type { CheckContext } from "../../runner/function.ts";
import { checkServer } from "./check-server.ts";
import { BACKUP_RIGHTS } from "./missing-rights.ts";

/** Whether a backup could begin now, without beginning one: the server, its health and the user's rights. @throws as a backup does */
export function checkSource(context: CheckContext): Promise<string> {
  return checkServer(context, { action: "back up", rights: BACKUP_RIGHTS, isReading: true });
}
