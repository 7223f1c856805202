import * as z from "zod";
import { labels } from "./core-objects.ts";

/** The name of an object, as an API server takes it. */
export const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "expected a name of lower-case letters, digits, dashes and dots");

export const namespaceName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "expected a namespace: lower-case letters, digits and dashes");

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

/** Metadata of an object that has no namespace. */
export const clusterMetadataSchema = metadataSchema.omit({ namespace: true });
