// The objects the runner reads, as far as it reads them: unknown fields are kept, known ones have to be right.
// Only structure lives here; what belongs together (one of url and service, say) is judged where it is used.
import * as z from "zod";
import { backendSchema, usagePolicySchema } from "./backend-objects.ts";
import { NEEDED_IN_USE } from "./core-objects.ts";
import { clusterMetadataSchema, metadataSchema, namespaceName, objectName } from "./metadata.ts";
import { taskSchema } from "./task-objects.ts";

const secretReference = z.looseObject({
  apiGroup: z.string().default("").describe("API group of the referenced kind; empty is the core group"),
  kind: z.string().default("Secret").describe("Kind of the reference; only Secret is supported"),
  name: objectName.describe("Name of the Secret, in the same namespace"),
});

const localSecretName = z.looseObject({ name: objectName.meta(NEEDED_IN_USE).describe("Name of the Secret, in the same namespace") });

const secretTransformSchema = z
  .looseObject({
    renameKey: z
      .looseObject({
        from: z.string().describe("Key as it is in the Secret"),
        to: z.string().describe("Key as the database's client wants it"),
      })
      .optional()
      .describe("Moves a value to another key; nothing happens when the key is absent"),
    addKey: z
      .looseObject({
        key: z.string().describe("Key to add or to replace"),
        value: z.string().meta({ format: "byte" }).optional().describe("Value, base64"),
        stringValue: z.string().optional().describe("Value as plain text; wins over value"),
      })
      .optional()
      .describe("Adds a key with a fixed value"),
    addKeysFrom: z
      .looseObject({ secretRef: localSecretName.meta(NEEDED_IN_USE).describe("Secret whose keys are merged in") })
      .optional()
      .describe("Adds every key of another Secret of the AppBinding's namespace"),
    removeKey: z
      .looseObject({ key: z.string().describe("Key to remove") })
      .optional()
      .describe("Removes a key"),
  })
  .describe("One change to the credentials; exactly one of its members is set");

const serviceSchema = z.looseObject({
  scheme: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9+.-]*$/, "expected a URL scheme such as redis or https")
    .describe("URL scheme: redis, rediss, http, https"),
  name: objectName.describe("Name of the Service"),
  namespace: namespaceName.optional().describe("Namespace of the Service; the AppBinding's when absent"),
  port: z.int32().min(1).max(65535).describe("Port of the Service"),
  path: z.string().optional().describe("URL path to send with every request"),
  query: z.string().optional().describe("Encoded URL query, without the question mark"),
});

const clientConfigSchema = z
  .looseObject({
    url: z.string().optional().describe("Where the database is, as SCHEME://HOST:PORT; holds no user and no password"),
    service: serviceSchema.optional().describe("Service of this cluster that leads to the database; wins over url"),
    caBundle: z
      .string()
      .meta({ format: "byte" })
      .optional()
      .describe("PEM certificates, base64, that the server's certificate is verified against"),
    insecureSkipTLSVerify: z.boolean().optional().describe("Do not verify the server's certificate; recorded with every backup"),
    serverName: z.string().optional().describe("Name the server's certificate must have, when it is not the host"),
  })
  .describe("How to reach the database");

const parametersSchema = z
  .looseObject({
    clientCertSecret: localSecretName.optional().describe("Secret with the client certificate: tls.crt, tls.key"),
    stash: z
      .looseObject({
        addon: z
          .looseObject({
            backupTask: taskSchema.optional().describe("Task that backs this database up"),
            restoreTask: taskSchema.optional().describe("Task that restores into this database"),
          })
          .optional()
          .describe("Tasks to use when the invoker names none"),
      })
      .optional()
      .describe("Settings for backups"),
  })
  .meta({ "x-kubernetes-embedded-resource": true })
  .describe("Settings that are no secret");

const applicationReferenceSchema = z
  .looseObject({
    apiGroup: z.string().optional().describe("API group of the object"),
    kind: z.string().optional().describe("Kind of the object"),
    namespace: z.string().optional().describe("Namespace of the object"),
    name: z.string().describe("Name of the object"),
  })
  .describe("The object that runs the database, for people and tools");

export const appBindingSchema = z.looseObject({
  apiVersion: z.literal("appcatalog.appscode.com/v1alpha1"),
  kind: z.literal("AppBinding"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      type: z.string().optional().describe("What the database is: redis, kubedb.com/elasticsearch"),
      version: z.string().optional().describe("Version of the database"),
      appRef: applicationReferenceSchema.optional(),
      clientConfig: clientConfigSchema,
      secret: secretReference.optional().describe("Secret with the credentials; absent for anonymous access"),
      secretTransforms: z.array(secretTransformSchema).optional().describe("Changes to the credentials, applied in order to a copy"),
      tlsSecret: secretReference.optional().describe("Secret with the client certificate: tls.crt, tls.key, and ca.crt if any"),
      parameters: parametersSchema.optional(),
    })
    .describe("A database and the way to it"),
});

export const repositorySchema = z.looseObject({
  apiVersion: z.literal("stash.appscode.com/v1alpha1"),
  kind: z.literal("Repository"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      backend: backendSchema.meta(NEEDED_IN_USE),
      wipeOut: z.boolean().optional().describe("Remove the stored data when the Repository is deleted"),
      usagePolicy: usagePolicySchema.optional(),
    })
    .describe("A place for backups"),
  status: z.looseObject({}).optional().describe("What is known of the stored backups"),
});

export const secretSchema = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata: metadataSchema,
  type: z.string().optional().describe("What the Secret is for"),
  data: z.record(z.string(), z.string()).optional().describe("Values, base64"),
  stringData: z.record(z.string(), z.string()).optional().describe("Values as plain text; they win over data"),
});

export const namespaceSchema = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata: clusterMetadataSchema,
});
