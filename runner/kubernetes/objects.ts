// The objects the runner reads, as far as it reads them: unknown fields are kept, known ones have to be right.
// Only structure lives here; what belongs together (one of url and service, say) is judged where it is used.
import * as z from "zod";

const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "expected a name of lower-case letters, digits, dashes and dots");
const namespaceName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "expected a namespace: lower-case letters, digits and dashes");

const labels = z.record(z.string(), z.string());

/** The part of an object's metadata that we look at; namespaced objects always have a namespace once a cluster handed them out. */
export const metadataSchema = z.looseObject({
  name: objectName.describe("Name, unique for its kind in the namespace"),
  namespace: namespaceName.describe("Namespace the object lives in"),
  labels: labels.optional().describe("Labels, for selection"),
  annotations: labels.optional().describe("Annotations, for people and tools"),
  uid: z.string().optional().describe("Identity of this very object; a new object of the same name has another"),
  resourceVersion: z.string().optional().describe("Version that a write is checked against"),
  creationTimestamp: z.string().optional().describe("When the object was created, RFC 3339"),
});

export const taskParamSchema = z.looseObject({
  name: z.string().describe("Name of the parameter"),
  value: z.string().describe("Its value; always text"),
});

export const taskSchema = z
  .looseObject({
    name: z.string().optional().describe("Name of the Task"),
    params: z.array(taskParamSchema).optional().describe("Parameters handed to the Task's functions"),
  })
  .describe("A Task and its parameters");

const secretReference = z.looseObject({
  apiGroup: z.string().default("").describe("API group of the referenced kind; empty is the core group"),
  kind: z.string().default("Secret").describe("Kind of the reference; only Secret is supported"),
  name: objectName.describe("Name of the Secret, in the same namespace"),
});

const localSecretName = z.looseObject({ name: objectName.describe("Name of the Secret, in the same namespace") });

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
        value: z.string().optional().describe("Value, base64"),
        stringValue: z.string().optional().describe("Value as plain text; wins over value"),
      })
      .optional()
      .describe("Adds a key with a fixed value"),
    addKeysFrom: z
      .looseObject({ secretRef: localSecretName.describe("Secret whose keys are merged in") })
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
  port: z.int().min(1).max(65535).describe("Port of the Service"),
  path: z.string().optional().describe("URL path to send with every request"),
  query: z.string().optional().describe("Encoded URL query, without the question mark"),
});

const clientConfigSchema = z
  .looseObject({
    url: z.string().optional().describe("Where the database is, as SCHEME://HOST:PORT; holds no user and no password"),
    service: serviceSchema.optional().describe("Service of this cluster that leads to the database; wins over url"),
    caBundle: z.string().optional().describe("PEM certificates, base64, that the server's certificate is verified against"),
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
  .describe("Settings that are no secret");

export const appBindingSchema = z.looseObject({
  apiVersion: z.literal("appcatalog.appscode.com/v1alpha1"),
  kind: z.literal("AppBinding"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      type: z.string().optional().describe("What the database is: redis, kubedb.com/elasticsearch"),
      version: z.string().optional().describe("Version of the database"),
      clientConfig: clientConfigSchema,
      secret: secretReference.optional().describe("Secret with the credentials; absent for anonymous access"),
      secretTransforms: z.array(secretTransformSchema).optional().describe("Changes to the credentials, applied in order to a copy"),
      tlsSecret: secretReference.optional().describe("Secret with the client certificate: tls.crt, tls.key, and ca.crt if any"),
      parameters: parametersSchema.optional(),
    })
    .describe("A database and the way to it"),
});

const prefix = z.string().optional().describe("Path within the bucket or container; a leading slash does no harm");
const maxConnections = z.int().optional().describe("Most connections at a time; 0 is no limit of its own");
const bucketSchema = z.looseObject({ bucket: z.string().min(1).describe("Name of the bucket"), prefix, maxConnections });
const containerSchema = z.looseObject({ container: z.string().min(1).describe("Name of the container"), prefix, maxConnections });

const backendSchema = z
  .looseObject({
    storageSecretName: objectName.optional().describe("Secret of this namespace with the passphrase and the store's credentials"),
    local: z
      .looseObject({
        mountPath: z.string().min(1).describe("Directory the volume is mounted at"),
        subPath: z.string().optional().describe("Part of the volume that is mounted"),
      })
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
    azure: containerSchema.optional().describe("Azure Blob Storage"),
    swift: containerSchema.optional().describe("OpenStack Swift"),
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

export const repositorySchema = z.looseObject({
  apiVersion: z.literal("stash.appscode.com/v1alpha1"),
  kind: z.literal("Repository"),
  metadata: metadataSchema,
  spec: z
    .looseObject({
      backend: backendSchema,
      wipeOut: z.boolean().optional().describe("Remove the stored data when the Repository is deleted"),
      usagePolicy: z
        .looseObject({
          allowedNamespaces: z
            .looseObject({
              from: z.enum(["All", "Selector", "Same"]).default("Same").describe("Which namespaces may use the Repository"),
              selector: labelSelectorSchema.optional().describe("Labels of the namespaces, with Selector"),
            })
            .optional()
            .describe("Namespaces that may use the Repository"),
        })
        .optional()
        .describe("Who may use the Repository; only its own namespace when absent"),
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
  metadata: metadataSchema.omit({ namespace: true }),
});
