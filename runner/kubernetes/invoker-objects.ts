// What starts a run: BackupConfiguration and BackupBatch (the invokers of backups), and the sessions that carry a status.
// As far as the runner reads them; unknown fields are kept.
import * as z from "zod";
import { metadataSchema, taskSchema } from "./objects.ts";

const stashVersion = z.literal("stash.appscode.com/v1beta1");
const duration = z.string().regex(/^(\d+(\.\d+)?(h|m|s|ms|us|ns))+$|^0$/, 'expected a duration such as "30s" or "1h30m"');
const status = z.looseObject({}).optional().describe("What happened so far");

const targetReference = z
  .looseObject({
    apiVersion: z.string().optional().describe("API version of the target"),
    kind: z.string().optional().describe("Kind of the target; AppBinding for a database"),
    name: z.string().optional().describe("Name of the target"),
    namespace: z.string().optional().describe("Namespace of the target; the object's own when absent"),
  })
  .describe("What is backed up or restored");

const targetFields = {
  ref: targetReference.optional(),
  alias: z.string().optional().describe("Host name that the snapshots carry"),
};
const target = z.looseObject(targetFields).describe("What is backed up, and how it is called there");

const repositoryReference = z
  .looseObject({
    name: z.string().describe("Name of the Repository"),
    namespace: z.string().optional().describe("Its namespace; the object's own when absent"),
  })
  .describe("Where backups lie");

const count = z.int().min(0).optional();
const retentionPolicySchema = z
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

const invokerFields = {
  schedule: z.string().optional().describe("When to back up, in cron's notation"),
  repository: repositoryReference.optional(),
  retentionPolicy: retentionPolicySchema,
  paused: z.boolean().optional().describe("No new backups for now"),
  timeOut: duration.optional().describe("A session that takes longer has failed"),
  backupHistoryLimit: z.int().optional().describe("How many finished sessions are kept"),
};

export const backupConfigurationSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("BackupConfiguration"),
  metadata: metadataSchema,
  spec: z.looseObject({
    ...invokerFields,
    driver: z.enum(["Restic", "VolumeSnapshotter"]).default("Restic").describe("How backups are taken; databases use Restic"),
    task: taskSchema.optional(),
    target: target.optional(),
  }),
  status,
});

export const backupBatchSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("BackupBatch"),
  metadata: metadataSchema,
  spec: z.looseObject({
    ...invokerFields,
    driver: z.enum(["Restic", "VolumeSnapshotter"]).default("Restic").describe("How backups are taken; databases use Restic"),
    executionOrder: z.enum(["Parallel", "Sequential"]).default("Parallel").describe("Whether the members wait for one another"),
    members: z
      .array(z.looseObject({ task: taskSchema.optional(), target: target.optional() }))
      .optional()
      .describe("The targets that are backed up together"),
  }),
  status,
});

export const backupSessionSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("BackupSession"),
  metadata: metadataSchema,
  spec: z.looseObject({
    invoker: z
      .looseObject({
        apiGroup: z.string().optional().describe("API group of the invoker"),
        kind: z.string().describe("BackupConfiguration or BackupBatch"),
        name: z.string().describe("Name of the invoker, in this namespace"),
      })
      .describe("What asked for this backup"),
    retryLeft: z.int().optional().describe("How often the backup may be tried again"),
  }),
  status,
});

const rulesSchema = z
  .array(
    z.looseObject({
      targetHosts: z.array(z.string()).optional().describe("Hosts the rule is for; all the others when empty"),
      sourceHost: z.string().optional().describe("Host whose snapshots are restored"),
      snapshots: z.array(z.string()).optional().describe("Snapshot ids, or latest"),
    }),
  )
  .optional()
  .describe("Which snapshots are restored");

export const restoreSessionSchema = z.looseObject({
  apiVersion: stashVersion,
  kind: z.literal("RestoreSession"),
  metadata: metadataSchema,
  spec: z.looseObject({
    driver: z.enum(["Restic", "VolumeSnapshotter"]).default("Restic").describe("How backups are taken; databases use Restic"),
    repository: repositoryReference.optional(),
    task: taskSchema.optional(),
    target: z
      .looseObject({ ...targetFields, rules: rulesSchema })
      .optional()
      .describe("What is restored into, and from which snapshots"),
    rules: rulesSchema,
    timeOut: duration.optional().describe("A session that takes longer has failed"),
  }),
  status,
});
