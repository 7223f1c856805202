import { reconcileBackupConfiguration } from "./reconcile-backup-configuration.ts";
import { reconcileBackupSession } from "./reconcile-backup-session.ts";
import { reconcileBackupBatch, reconcileBackupBlueprint, reconcileRestoreBatch } from "./reconcile-refused.ts";
import { reconcileRepository } from "./reconcile-repository.ts";
import { reconcileRestoreSession } from "./reconcile-restore-session.ts";
import { reconcileTriggerJob } from "./reconcile-trigger-job.ts";
import type { Reconciler } from "./world.ts";

/** All that the operator does. */
export const RECONCILERS: readonly Reconciler[] = [
  reconcileBackupConfiguration,
  reconcileBackupSession,
  reconcileRestoreSession,
  reconcileRepository,
  reconcileTriggerJob,
  reconcileBackupBatch,
  reconcileRestoreBatch,
  reconcileBackupBlueprint,
];
