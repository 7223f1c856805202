import type { z } from "zod";
import { parseObject } from "../../../runner/kubernetes/parse-object.ts";
import {
  backupBatchStatusSchema,
  backupConfigurationStatusSchema,
  backupSessionStatusSchema,
  repositoryStatusSchema,
  restoreBatchStatusSchema,
  restoreSessionStatusSchema,
} from "../../../runner/kubernetes/status-objects.ts";
import { fullObjects } from "./full-objects.ts";

const schemas: Readonly<Record<string, z.ZodType>> = {
  Repository: repositoryStatusSchema,
  BackupConfiguration: backupConfigurationStatusSchema,
  BackupBatch: backupBatchStatusSchema,
  BackupSession: backupSessionStatusSchema,
  RestoreSession: restoreSessionStatusSchema,
  RestoreBatch: restoreBatchStatusSchema,
};
const withStatus = fullObjects.filter(({ kind }) => kind in schemas);

test.each(withStatus)("a status of a $kind that is nothing like one does not keep the object from being read", (object) => {
  const status = { phase: 7, conditions: "none", targets: { first: null }, stats: [1], members: true, integrity: "perhaps" };

  const parsed = parseObject(object.kind, { ...object, status }, { name: "shop/full" });

  expect(parsed).toMatchObject({ spec: object.spec, status: { ...status, targets: {} } });
});

test.each(withStatus)("the full status of a $kind is one by its schema, and keeps every field", ({ kind, status }) => {
  expect(status).toBeDefined();
  expect(schemas[kind]?.parse(status)).toEqual(status);
  expect(schemas[kind]?.parse({ ...status, ours: { more: true } })).toEqual({ ...status, ours: { more: true } });
});

test.each([
  ["BackupSession", { phase: "Done" }, "phase"],
  ["BackupSession", { targets: [{ phase: "Skipped" }] }, "targets.0.phase"],
  ["BackupSession", { targets: [{ totalHosts: "1" }] }, "targets.0.totalHosts"],
  ["BackupSession", { targets: [{ stats: [{ phase: "Running" }] }] }, "targets.0.stats.0.phase"],
  ["BackupSession", { conditions: [{ type: "DeadlineExceeded", status: "True" }] }, "conditions.0.lastTransitionTime"],
  ["BackupSession", { nextRetry: "soon" }, "nextRetry"],
  ["RestoreSession", { phase: "Skipped" }, "phase"],
  ["RestoreBatch", { members: [{ phase: "Pending" }] }, "members.0.ref"],
  ["Repository", { integrity: "true" }, "integrity"],
  ["Repository", { references: [{ kind: "BackupConfiguration" }] }, "references.0.name"],
  ["BackupConfiguration", { phase: "Running" }, "phase"],
])("a status of a %s with %j is none, by field", (kind, status, path) => {
  const issues = schemas[kind]?.safeParse(status).error?.issues ?? [];

  expect(issues.map((issue) => issue.path.join("."))).toEqual([path]);
});
