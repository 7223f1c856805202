// What starts a run: BackupConfiguration and BackupBatch (the invokers of backups), and the sessions that carry a status.
// As far as the runner reads them; unknown fields are kept, and no status ever makes an object invalid.
import * as z from "zod";
import { NEEDED_IN_USE } from "./core-objects.ts";
import { metadataSchema } from "./metadata.ts";
import {
  backupHooksSchema,
  restoreHooksSchema,
  runtimeSettingsSchema,
  tempDirSchema,
  volumeClaimTemplateSchema,
} from "./settings-objects.ts";
import { backupTargetSchema, repositoryReferenceSchema, restoreRulesSchema, restoreTargetSchema } from "./target-objects.ts";
import { taskSchema } from "./task-objects.ts";

const stashVersion = z.literal("stash.appscode.com/v1beta1");
// As Go reads them, but for negative ones.
const duration = z
  .string()
  .regex(/^\+?((\d+(\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$|^\+?0$/, 'expected a duration such as "30s" or "1h30m"');
const status = z.looseObject({}).optional().describe("What happened so far");
const driver = z.enum(["Restic", "VolumeSnapshotter"]).default("Restic").describe("How backups are taken; databases use Restic");
const executionOrder = z.enum(["Parallel", "Sequential"]).default("Parallel").describe("Whether the members wait for one another");
const timeOut = duration.optional().describe("A session that takes longer has failed");

const count = z.int().min(0).optional();
export const retentionPolicySchema = z
  .looseObject({
    name: z.string().describe("Name of the policy"),
    keepLast: count.describe("Keep this many of the newest snapshots"),
    keepHourly: count.describe("Keep the newest snapshot of this many hours"),
    keepDaily: count.describe("Keep the newest snapshot of this many days"),
    keepWeekly: count.describe("Keep the newest snapshot of this many weeks"),
    keepMonthly: count.describe("Keep the newest snapshot of this many months"),
    keepYearly: count.describe("Keep the newest snapshot of this many years"),
    keepTags: z.array(z.string()).optional().describe("Keep every snapshot with one of these tags"),
    prune: z.boolean().describe("Remove the data that no snapshot needs any more"),
    dryRun: z.boolean().optional().describe("Only say what would be removed"),
  })
  .describe("Which snapshots are kept");

/** What a BackupConfiguration, a BackupBatch and a BackupBlueprint say of every session. */
export const scheduleFields = {
  schedule: z.string().optional().describe("When to back up, in cron's notation"),
  retentionPolicy: retentionPolicySchema,
  timeOut,
  backupHistoryLimit: z.int32().optional().describe("How many finished sessions are kept; 1 when absent"),
  retryConfig: z
    .looseObject({
      maxRetry: z.int32().default(1).describe("How often a failed session is tried again"),
      delay: duration.optional().describe("How long to wait before; at once when absent"),
    })
    .optional()
    .describe("What is done when a session fails; nothing when absent"),
};

/** How one target's pod is made. */
export const runFields = {
  task: taskSchema.optional(),
  runtimeSettings: runtimeSettingsSchema.optional(),
  tempDir: tempDirSchema.optional(),
  interimVolumeTemplate: volumeClaimTemplateSchema.optional(),
};

const invokerFields = {
  ...scheduleFields,
  driver,
  repository: repositoryReferenceSchema.optional(),
  paused: z.boolean().optional().describe("No new backups for now"),
};

export const backupConfigurationSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("BackupConfiguration"),
  metadata: metadataSchema,
  spec: z
    .looseObject({ ...invokerFields, ...runFields, target: backupTargetSchema.optional(), hooks: backupHooksSchema.optional() })
    .describe("Backups of one target"),
  status,
});

export const backupBatchSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("BackupBatch"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      ...invokerFields,
      executionOrder,
      members: z
        .array(z.looseObject({ ...runFields, target: backupTargetSchema.optional(), hooks: backupHooksSchema.optional() }))
        .optional()
        .describe("The targets that are backed up together"),
      runtimeSettings: runtimeSettingsSchema.optional(),
      hooks: backupHooksSchema.optional(),
    })
    .describe("Backups of several targets together"),
  status,
});

export const backupSessionSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("BackupSession"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      invoker: z
        .looseObject({
          apiGroup: z.string().optional().describe("API group of the invoker"),
          kind: z.string().describe("BackupConfiguration or BackupBatch"),
          name: z.string().describe("Name of the invoker, in this namespace"),
        })
        .meta(NEEDED_IN_USE)
        .describe("What asked for this backup"),
      retryLeft: z.int32().optional().describe("How often the backup may be tried again"),
    })
    .describe("One backup"),
  status,
});

export const restoreSessionSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("RestoreSession"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      ...runFields,
      driver,
      repository: repositoryReferenceSchema.optional(),
      target: restoreTargetSchema.optional(),
      rules: restoreRulesSchema,
      timeOut,
      hooks: restoreHooksSchema.optional(),
    })
    .describe("One restore"),
  status,
});

export const restoreBatchSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("RestoreBatch"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      driver,
      repository: repositoryReferenceSchema.optional(),
      executionOrder,
      members: z
        .array(z.looseObject({ ...runFields, target: restoreTargetSchema.optional(), hooks: restoreHooksSchema.optional() }))
        .optional()
        .describe("The targets that are restored together"),
      timeOut,
      hooks: restoreHooksSchema.optional(),
    })
    .describe("Restores of several targets together"),
  status,
});
