// Where backups lie and who may use the place, as a Repository and a BackupBlueprint have it.
import * as z from "zod";
import { labels, WITH_UNKNOWN_FIELDS } from "./core-objects.ts";
import { objectName } from "./metadata.ts";

const prefix = z.string().optional().describe("Path within the bucket or container; a leading slash does no harm");
const maxConnections = z.int().optional().describe("Most connections at a time; 0 is no limit of its own");
const bucketSchema = z.looseObject({ bucket: z.string().min(1).describe("Name of the bucket"), prefix, maxConnections });
const containerFields = { container: z.string().min(1).describe("Name of the container"), prefix };

export const backendSchema = z
  .looseObject({
    storageSecretName: objectName.optional().describe("Secret of this namespace with the passphrase and the store's credentials"),
    local: z
      .looseObject({
        mountPath: z.string().min(1).describe("Directory the volume is mounted at"),
        subPath: z.string().optional().describe("Part of the volume that is mounted"),
      })
      .meta(WITH_UNKNOWN_FIELDS)
      .optional()
      .describe("A volume of any kind, mounted into the job"),
    s3: z
      .looseObject({
        endpoint: z.string().optional().describe("URL or HOST:PORT of the store; AWS when absent"),
        bucket: z.string().min(1).describe("Name of the bucket"),
        prefix,
        region: z.string().optional().describe("Region of the bucket"),
        insecureTLS: z.boolean().optional().describe("Do not verify the store's certificate"),
      })
      .optional()
      .describe("Amazon S3 or a compatible store"),
    gcs: bucketSchema.optional().describe("Google Cloud Storage"),
    azure: z
      .looseObject({ ...containerFields, maxConnections })
      .optional()
      .describe("Azure Blob Storage"),
    swift: z.looseObject(containerFields).optional().describe("OpenStack Swift"),
    b2: bucketSchema.optional().describe("Backblaze B2"),
    rest: z
      .looseObject({ url: z.string().optional().describe("URL of the server") })
      .optional()
      .describe("A restic REST server"),
  })
  .describe("Where backups lie; when several are set the first counts of local, s3, gcs, azure, swift, b2, rest");

export const labelSelectorSchema = z
  .looseObject({
    matchLabels: labels.optional().describe("Labels that must have exactly these values"),
    matchExpressions: z
      .array(
        z.looseObject({
          key: z.string().describe("Label the expression is about"),
          operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]).describe("How the label is compared"),
          values: z.array(z.string()).optional().describe("Values for In and NotIn"),
        }),
      )
      .optional()
      .describe("Expressions that must all hold"),
  })
  .describe("A selection by labels");

export const usagePolicySchema = z
  .looseObject({
    allowedNamespaces: z
      .looseObject({
        from: z.enum(["All", "Selector", "Same"]).default("Same").describe("Which namespaces may use the Repository"),
        selector: labelSelectorSchema.optional().describe("Labels of the namespaces, with Selector"),
      })
      .optional()
      .describe("Namespaces that may use the Repository"),
  })
  .describe("Who may use the Repository; only its own namespace when absent");
