import { NOTHING } from "./action.ts";
import { decideBackupConfiguration } from "./decide/backup-configuration.ts";
import { decideDeletion } from "./decide/delete-configuration.ts";
import { isBeingDeleted } from "./objects.ts";
import { observeBackupConfiguration, observeDeletion } from "./observe/backup-configuration.ts";
import type { Reconciler } from "./world.ts";

/** Keeps each BackupConfiguration's CronJob, and what its jobs may do, as the object says. */
export const reconcileBackupConfiguration: Reconciler = {
  name: "backup-configuration",
  kind: "BackupConfiguration",
  async reconcile(name, world) {
    const object = world.cached("BackupConfiguration", name);
    if (object === undefined) return NOTHING;
    if (!isBeingDeleted(object))
      return decideBackupConfiguration(await observeBackupConfiguration(object, world), world.now(), world.settings);
    const deletion = await observeDeletion(object, world);
    return deletion === undefined ? NOTHING : decideDeletion(deletion);
  },
};
