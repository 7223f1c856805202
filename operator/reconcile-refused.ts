import type { ObjectName } from "../runner/kubernetes/cluster.ts";
import { type Decision, NOTHING } from "./action.ts";
import {
  decideBackupBatch,
  decideBackupBlueprint,
  decideRestoreBatch,
  type ObservedRefused,
  type RefusedKind,
} from "./decide/refused-kinds.ts";
import { names } from "./decide/repository-references.ts";
import type { Reconciler, World } from "./world.ts";

/** Says of each BackupBatch that it is not served. */
export const reconcileBackupBatch = refusing("backup-batch", "BackupBatch", decideBackupBatch);

/** Says of each RestoreBatch that it is not served. */
export const reconcileRestoreBatch = refusing("restore-batch", "RestoreBatch", decideRestoreBatch);

/** Says of each BackupBlueprint that it is not served. */
export const reconcileBackupBlueprint = refusing("backup-blueprint", "BackupBlueprint", decideBackupBlueprint);

function refusing(name: string, kind: RefusedKind, decide: (observed: ObservedRefused, now: Date) => Decision): Reconciler {
  return {
    name,
    kind,
    async reconcile(key: ObjectName, world: World): Promise<Decision> {
      const object = world.cached(kind, key);
      if (object === undefined) return NOTHING;
      return decide({ object, references: world.cachedAll("Repository").filter(({ status }) => names(status, object)) }, world.now());
    },
  };
}
