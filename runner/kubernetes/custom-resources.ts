// The kinds as an API server has to know them. Names, columns and subresources are Stash's, so that its clients find what they look for.
import type { z } from "zod";
import { backupBlueprintSchema } from "./blueprint-objects.ts";
import {
  backupBatchSchema,
  backupConfigurationSchema,
  backupSessionSchema,
  restoreBatchSchema,
  restoreSessionSchema,
} from "./invoker-objects.ts";
import { appBindingSchema, repositorySchema } from "./objects.ts";
import {
  backupBatchStatusSchema,
  backupConfigurationStatusSchema,
  backupSessionStatusSchema,
  repositoryStatusSchema,
  restoreBatchStatusSchema,
  restoreSessionStatusSchema,
} from "./status-objects.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";
import { functionSchema, stepsSchema } from "./task-objects.ts";

/** apiextensions.k8s.io/v1, as far as we write it. */
export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: Scope;
    readonly versions: readonly [CustomResourceVersion];
  };
}

interface CustomResourceVersion {
  readonly name: string;
  readonly served: true;
  readonly storage: true;
  readonly subresources: { readonly status?: Record<never, never> };
  readonly additionalPrinterColumns: readonly PrinterColumn[];
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
}

interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "boolean" | "integer" | "date";
  readonly jsonPath: string;
}

type Scope = "Namespaced" | "Cluster";

interface CustomResource {
  readonly schema: z.ZodObject<{
    apiVersion: z.ZodLiteral<string>;
    kind: z.ZodLiteral<string>;
    metadata: z.ZodType;
    spec: z.ZodType;
  }>;
  /** Present where the status is a subresource of its own. */
  readonly status?: z.ZodType;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories: readonly string[];
  readonly scope: Scope;
  /** Name, path and type; the age comes last by itself. */
  readonly columns: readonly (readonly [name: string, jsonPath: string, type?: PrinterColumn["type"]])[];
}

const ENTITIES = ["stash", "appscode"];
const EVERYDAY = [...ENTITIES, "all"];
const TASK = ["Task", ".spec.task.name"] as const;
const SCHEDULE = ["Schedule", ".spec.schedule"] as const;
const PAUSED = ["Paused", ".spec.paused", "boolean"] as const;
const PHASE = ["Phase", ".status.phase"] as const;
const DURATION = ["Duration", ".status.sessionDuration"] as const;
const REPOSITORY = ["Repository", ".spec.repository.name"] as const;

const resources: readonly CustomResource[] = [
  {
    schema: appBindingSchema,
    plural: "appbindings",
    categories: ["catalog", "appscode", "all"],
    scope: "Namespaced",
    columns: [
      ["Type", ".spec.type"],
      ["Version", ".spec.version"],
    ],
  },
  {
    schema: repositorySchema,
    status: repositoryStatusSchema,
    plural: "repositories",
    shortNames: ["repo"],
    categories: ENTITIES,
    scope: "Namespaced",
    columns: [
      ["Integrity", ".status.integrity", "boolean"],
      ["Size", ".status.totalSize"],
      ["Snapshot-Count", ".status.snapshotCount", "integer"],
      ["Last-Successful-Backup", ".status.lastBackupTime", "date"],
    ],
  },
  {
    schema: backupConfigurationSchema,
    status: backupConfigurationStatusSchema,
    plural: "backupconfigurations",
    shortNames: ["bc"],
    categories: EVERYDAY,
    scope: "Namespaced",
    columns: [TASK, SCHEDULE, PAUSED, PHASE],
  },
  {
    schema: backupBatchSchema,
    status: backupBatchStatusSchema,
    plural: "backupbatches",
    categories: EVERYDAY,
    scope: "Namespaced",
    columns: [SCHEDULE, PAUSED, PHASE],
  },
  {
    schema: backupSessionSchema,
    status: backupSessionStatusSchema,
    plural: "backupsessions",
    categories: EVERYDAY,
    scope: "Namespaced",
    columns: [["Invoker-Type", ".spec.invoker.kind"], ["Invoker-Name", ".spec.invoker.name"], PHASE, DURATION],
  },
  {
    schema: restoreSessionSchema,
    status: restoreSessionStatusSchema,
    plural: "restoresessions",
    shortNames: ["restore"],
    categories: EVERYDAY,
    scope: "Namespaced",
    columns: [REPOSITORY, PHASE, DURATION],
  },
  {
    schema: restoreBatchSchema,
    status: restoreBatchStatusSchema,
    plural: "restorebatches",
    categories: EVERYDAY,
    scope: "Namespaced",
    columns: [REPOSITORY, PHASE, DURATION],
  },
  { schema: stepsSchema, plural: "tasks", shortNames: ["task"], categories: ENTITIES, scope: "Cluster", columns: [] },
  { schema: functionSchema, plural: "functions", shortNames: ["fn"], categories: ENTITIES, scope: "Cluster", columns: [] },
  {
    schema: backupBlueprintSchema,
    plural: "backupblueprints",
    shortNames: ["bb"],
    categories: ENTITIES,
    scope: "Cluster",
    columns: [TASK, SCHEDULE],
  },
];

/** A definition for every kind that lives in a cluster, from the schemas that the runner itself reads with. */
export function customResourceDefinitions(): CustomResourceDefinition[] {
  return resources.map(definition);
}

function definition(resource: CustomResource): CustomResourceDefinition {
  const { schema, plural, scope, shortNames, categories } = resource;
  const [group, version] = schema.shape.apiVersion.value.split("/") as [string, string];
  const kind = schema.shape.kind.value;
  const names = { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), categories };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: shortNames === undefined ? names : { ...names, shortNames },
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: resource.status === undefined ? {} : { status: {} },
          additionalPrinterColumns: printerColumns(resource),
          schema: { openAPIV3Schema: rootSchema(resource) },
        },
      ],
    },
  };
}

function printerColumns({ columns }: CustomResource): PrinterColumn[] {
  const own = columns.map(([name, jsonPath, type = "string"]) => ({ name, type, jsonPath }));
  return [...own, { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }];
}

/** Of the three members that every object has, a definition may say no more than their types. Even spec may be absent, as ever. */
function rootSchema({ schema, status }: CustomResource): StructuralSchema {
  const spec = structuralSchema(schema.shape.spec);
  return {
    type: "object",
    ...(spec.description === undefined ? {} : { description: spec.description }),
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec,
      ...(status === undefined ? {} : { status: structuralSchema(status) }),
    },
  };
}
