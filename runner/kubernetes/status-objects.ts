// What we and other writers say of an object, in full. Runs never refuse an object for its status: the objects' own schemas leave it
// open, the API server holds what is written to these, and whoever reads one parses as much of it as is needed.
import * as z from "zod";
import { conditions, moment } from "./condition-objects.ts";
import { targetReferenceSchema } from "./target-objects.ts";

const observedGeneration = z.int().optional().describe("Generation of the object that this was said of");
const sessionDuration = z.string().optional().describe("How long the session took, such as 1m18s; set once it is over");
const sessionDeadline = moment.optional().describe("When the session counts as failed");
const totalHosts = z.int32().optional().describe("How many hosts are going to report");

export const repositoryStatusSchema = z
  .looseObject({
    observedGeneration,
    references: z
      .array(
        z.looseObject({
          apiGroup: z.string().optional().describe("API group of the invoker"),
          kind: z.string().optional().describe("Kind of the invoker"),
          namespace: z.string().optional().describe("Namespace of the invoker"),
          name: z.string().describe("Name of the invoker"),
        }),
      )
      .optional()
      .describe("Who uses the Repository"),
    integrity: z.boolean().optional().describe("Whether the last look found everything whole"),
    totalSize: z.string().optional().describe("What all backups take, such as 2.567 KiB"),
    snapshotCount: z.int().optional().describe("How many snapshots there are"),
    snapshotsRemovedOnLastCleanup: z.int().optional().describe("How many snapshots the last clean-up removed"),
    firstBackupTime: moment.optional().describe("When the first backup was taken"),
    lastBackupTime: moment.optional().describe("When the last good backup was asked for"),
  })
  .describe("What is known of the stored backups");

const invokerStatusFields = {
  observedGeneration,
  conditions,
  phase: z.enum(["Invalid", "Ready", "NotReady"]).optional().describe("Whether backups are going to be taken"),
};

export const backupConfigurationStatusSchema = z.looseObject(invokerStatusFields).describe("What is known of the set-up");

export const backupBatchStatusSchema = z
  .looseObject({
    ...invokerStatusFields,
    memberConditions: z
      .array(z.looseObject({ target: targetReferenceSchema, conditions }))
      .optional()
      .describe("What is known, member by member"),
  })
  .describe("What is known of the set-up");

const fileCount = z.int().optional();

const snapshotStatsSchema = z.looseObject({
  name: z.string().optional().describe("Id of the snapshot"),
  path: z.string().optional().describe("Name of what was backed up"),
  totalSize: z.string().optional().describe("Size of what was read, such as 12.3 MiB"),
  uploaded: z.string().optional().describe("Size of what was stored for it"),
  processingTime: z.string().optional().describe("How long it took, as minutes and seconds: 1:05"),
  fileStats: z
    .looseObject({
      totalFiles: fileCount.describe("Files in the snapshot"),
      newFiles: fileCount.describe("Files that the snapshot before did not have"),
      modifiedFiles: fileCount.describe("Files that differ from the snapshot before"),
      unmodifiedFiles: fileCount.describe("Files that are as in the snapshot before"),
    })
    .optional()
    .describe("Files of the snapshot"),
});

const hostFields = {
  hostname: z.string().optional().describe("Host the entry is about"),
  duration: z.string().optional().describe("How long it took, such as 1.147010638s"),
  error: z.string().optional().describe("What went wrong"),
};

const backupHostSchema = z.looseObject({
  ...hostFields,
  phase: z.enum(["Succeeded", "Failed"]).optional().describe("How it ended"),
  snapshots: z.array(snapshotStatsSchema).optional().describe("Snapshots of the host"),
});

const targetPhase = z.enum(["Pending", "Succeeded", "Running", "Failed"]).optional().describe("How far the target is");

const backupTargetStatusSchema = z.looseObject({
  ref: targetReferenceSchema.optional(),
  totalHosts,
  phase: targetPhase,
  preBackupActions: z.array(z.string()).optional().describe("What this target's run has to do before the backup"),
  postBackupActions: z.array(z.string()).optional().describe("What this target's run has to do after the backup"),
  stats: z.array(backupHostSchema).optional().describe("How it went, host by host"),
  conditions,
});

export const backupSessionStatusSchema = z
  .looseObject({
    phase: z.enum(["Pending", "Skipped", "Running", "Succeeded", "Failed", "Unknown"]).optional().describe("How far the session is"),
    sessionDuration,
    sessionDeadline,
    retried: z.boolean().optional().describe("Whether another session tried again"),
    nextRetry: moment.optional().describe("When another session is going to try again"),
    conditions,
    targets: z.array(backupTargetStatusSchema).optional().describe("How it went, target by target"),
  })
  .describe("How the backup went");

const restoreHosts = z
  .array(
    z.looseObject({
      ...hostFields,
      phase: z.enum(["Succeeded", "Failed", "Running", "Unknown"]).optional().describe("How it ended"),
    }),
  )
  .optional()
  .describe("How it went, host by host");

const restoreStatusFields = {
  phase: z.enum(["Pending", "Running", "Succeeded", "Failed", "Unknown", "Invalid"]).optional().describe("How far the restore is"),
  sessionDuration,
  sessionDeadline,
  conditions,
};

export const restoreSessionStatusSchema = z
  .looseObject({ ...restoreStatusFields, totalHosts, stats: restoreHosts })
  .describe("How the restore went");

export const restoreBatchStatusSchema = z
  .looseObject({
    ...restoreStatusFields,
    members: z
      .array(z.looseObject({ ref: targetReferenceSchema, totalHosts, phase: targetPhase, stats: restoreHosts, conditions }))
      .optional()
      .describe("How it went, member by member"),
  })
  .describe("How the restores went");
