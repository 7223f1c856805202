import { decideBackupSession } from "./decide/backup-session.ts";
import { observeBackupSession } from "./observe/backup-session.ts";
import type { Reconciler } from "./world.ts";

/** Takes each BackupSession from its creation to its final phase, and to its next try. */
export const reconcileBackupSession: Reconciler = {
  name: "backup-session",
  kind: "BackupSession",
  async reconcile(name, world) {
    const observed = await observeBackupSession(name, world);
    return decideBackupSession(observed, { now: world.now() });
  },
};
