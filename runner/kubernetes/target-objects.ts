// What is backed up or restored, and where its backups lie, wherever an object says it.
import * as z from "zod";
import { coreList } from "./core-objects.ts";
import { volumeClaimTemplateSchema } from "./settings-objects.ts";

export const targetReferenceSchema = z
  .looseObject({
    apiVersion: z.string().optional().describe("API version of the target"),
    kind: z.string().optional().describe("Kind of the target; AppBinding for a database"),
    name: z.string().optional().describe("Name of the target"),
    namespace: z.string().optional().describe("Namespace of the target; the object's own when absent"),
  })
  .describe("What is backed up or restored");

export const repositoryReferenceSchema = z
  .looseObject({
    name: z.string().describe("Name of the Repository"),
    namespace: z.string().optional().describe("Its namespace; the object's own when absent"),
  })
  .describe("Where backups lie");

const texts = z.array(z.string()).optional();

const targetFields = {
  ref: targetReferenceSchema.optional(),
  alias: z.string().optional().describe("Host name that the snapshots carry"),
  args: texts.describe("Further arguments"),
  volumeMounts: coreList().optional().describe("Volumes of a workload; databases have none"),
  replicas: z.int32().optional().describe("How many volumes are backed up or made"),
};

export const backupTargetSchema = z
  .looseObject({
    ...targetFields,
    paths: texts.describe("Paths of a workload; databases have none"),
    exclude: texts.describe("Patterns of files to leave out; databases have none"),
    snapshotClassName: z.string().optional().describe("Class of volume snapshots"),
  })
  .describe("What is backed up, and how it is called there");

export const restoreRulesSchema = z
  .array(
    z.looseObject({
      targetHosts: texts.describe("Hosts the rule is for; all the others when empty"),
      sourceHost: z.string().optional().describe("Host whose snapshots are restored"),
      snapshots: texts.describe("Snapshot ids, or latest"),
      paths: texts.describe("Paths of a workload; databases have none"),
      include: texts.describe("Patterns of files to restore; databases have none"),
      exclude: texts.describe("Patterns of files to leave out; databases have none"),
    }),
  )
  .optional()
  .describe("Which snapshots are restored");

export const restoreTargetSchema = z
  .looseObject({
    ...targetFields,
    rules: restoreRulesSchema,
    volumeClaimTemplates: z.array(volumeClaimTemplateSchema).optional().describe("Volumes to be made; databases have none"),
  })
  .describe("What is restored into, and from which snapshots");
