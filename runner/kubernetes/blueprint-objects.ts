import * as z from "zod";
import { backendSchema, usagePolicySchema } from "./backend-objects.ts";
import { runFields, scheduleFields } from "./invoker-objects.ts";
import { clusterMetadataSchema } from "./metadata.ts";
import { backupHooksSchema } from "./settings-objects.ts";

/** A pattern for Repositories and BackupConfigurations; its texts may hold variables. */
export const backupBlueprintSchema = z.looseObject({
  apiVersion: z.literal("stash.appscode.com/v1beta1"),
  kind: z.literal("BackupBlueprint"),
  metadata: clusterMetadataSchema,
  spec: z
    .looseObject({
      ...scheduleFields,
      ...runFields,
      backend: backendSchema.optional(),
      usagePolicy: usagePolicySchema.optional(),
      wipeOut: z.boolean().optional().describe("Remove the stored data when the Repository is deleted"),
      repoNamespace: z.string().optional().describe("Namespace of the Repository that is made; the target's when absent"),
      backupNamespace: z.string().optional().describe("Namespace of the BackupConfiguration that is made; the target's when absent"),
      hooks: backupHooksSchema.optional(),
    })
    .describe("A pattern for the backups of many databases"),
});
