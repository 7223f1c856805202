import type { z } from "zod";
import { ParameterError } from "../errors.ts";
import { backupBlueprintSchema } from "./blueprint-objects.ts";
import {
  backupBatchSchema,
  backupConfigurationSchema,
  backupSessionSchema,
  restoreBatchSchema,
  restoreSessionSchema,
} from "./invoker-objects.ts";
import { appBindingSchema, namespaceSchema, repositorySchema, secretSchema } from "./objects.ts";
import { functionSchema, stepsSchema } from "./task-objects.ts";

/** Every kind we read. */
export const objectSchemas = {
  AppBinding: appBindingSchema,
  Repository: repositorySchema,
  Secret: secretSchema,
  Namespace: namespaceSchema,
  BackupConfiguration: backupConfigurationSchema,
  BackupBatch: backupBatchSchema,
  BackupSession: backupSessionSchema,
  RestoreSession: restoreSessionSchema,
  RestoreBatch: restoreBatchSchema,
  Task: stepsSchema,
  Function: functionSchema,
  BackupBlueprint: backupBlueprintSchema,
} as const;

export type ObjectKind = keyof typeof objectSchemas;
export type ObjectOf<K extends ObjectKind> = z.infer<(typeof objectSchemas)[K]>;

/**
 * Checks an object against its kind's schema; fields that are null count as absent, as in an API server.
 * @throws ParameterError naming the object, every wrong field and what was expected, but no value: one may be a secret
 */
export function parseObject<K extends ObjectKind>(kind: K, raw: unknown, options: { name: string; origin?: string }): ObjectOf<K> {
  const parsed = objectSchemas[kind].safeParse(withoutNulls(raw));
  if (parsed.success) return parsed.data as ObjectOf<K>;
  const faults = parsed.error.issues.map(describeIssue).join("; ");
  const origin = options.origin === undefined ? "" : ` in "${options.origin}"`;
  throw new ParameterError(`${kind} "${options.name}"${origin} is not valid: ${faults}`, { hint: "Correct the object and run again" });
}

/** The API version, "group/version" or "v1", of a kind we read. */
export function apiVersionOf(kind: ObjectKind): string {
  return objectSchemas[kind].shape.apiVersion.value;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  const expected = issue.message.replace(/^Invalid \w+: /, "").replace(/, received undefined$/, ", but it is missing");
  return path === "" ? expected : `${path.replace(/^\./, "")}: ${expected}`;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(entries.map(([key, field]) => [key, withoutNulls(field)]));
}
