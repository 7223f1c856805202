import { ParameterError } from "../../../runner/errors.ts";
import { type ObjectKind, parseObject } from "../../../runner/kubernetes/parse-object.ts";
import { fullObjects } from "./full-objects.ts";

const retentionPolicy = { name: "few", keepLast: 1, prune: true };

function parsed(kind: ObjectKind, spec: unknown): unknown {
  const object = { apiVersion: "stash.appscode.com/v1beta1", kind, metadata: { name: "one", namespace: "shop" }, spec };
  return parseObject(kind, object, { name: "shop/one" }).spec;
}

test.each(["30s", "1h30m", "1.5h", ".5s", "+90m", "100ms", "3\u00b5s", "3\u03bcs", "0"])("%s is a time-out", (timeOut) => {
  expect(parsed("BackupConfiguration", { retentionPolicy, timeOut })).toMatchObject({ timeOut });
});

test.each(["", "30", "1d", "-5m", "1h 30m", "s", "."])("%j is no time-out", (timeOut) => {
  expect(() => parsed("BackupConfiguration", { retentionPolicy, timeOut })).toThrow(ParameterError);
  expect(() => parsed("RestoreSession", { timeOut })).toThrow(/spec\.timeOut: expected a duration such as "30s" or "1h30m"/);
});

test("what an invoker leaves out has the default of the API", () => {
  const spec = { retentionPolicy, retryConfig: {}, hooks: { postBackup: {} } };

  expect(parsed("BackupConfiguration", spec)).toEqual({
    driver: "Restic",
    retentionPolicy,
    retryConfig: { maxRetry: 1 },
    hooks: { postBackup: { executionPolicy: "Always" } },
  });
  expect(parsed("BackupBatch", { retentionPolicy })).toEqual({ driver: "Restic", executionOrder: "Parallel", retentionPolicy });
  expect(parsed("RestoreBatch", {})).toEqual({ driver: "Restic", executionOrder: "Parallel" });
});

test.each([
  [
    "BackupConfiguration",
    { retentionPolicy: { name: "few", keepLast: 1 } },
    "spec.retentionPolicy.prune: expected boolean, but it is missing",
  ],
  ["BackupConfiguration", { retentionPolicy: { ...retentionPolicy, keepLast: -1 } }, "spec.retentionPolicy.keepLast: "],
  ["BackupBatch", { retentionPolicy, executionOrder: "sequential" }, "spec.executionOrder: "],
  ["BackupConfiguration", { retentionPolicy, tempDir: { sizeLimit: "much" } }, "spec.tempDir.sizeLimit: "],
  [
    "BackupConfiguration",
    { retentionPolicy, hooks: { postBackup: { executionPolicy: "Never" } } },
    "spec.hooks.postBackup.executionPolicy: ",
  ],
  ["RestoreSession", { hooks: { postRestore: { executionPolicy: "OnFinalRetryFailure" } } }, "spec.hooks.postRestore.executionPolicy: "],
  ["BackupSession", { invoker: { kind: "BackupConfiguration" } }, "spec.invoker.name: expected string, but it is missing"],
  ["BackupSession", {}, "spec.invoker: expected object, but it is missing"],
] as const)("a %s with %j is refused by field", (kind, spec, fault) => {
  expect(() => parsed(kind, spec)).toThrow(fault);
});

test("core types and fields of later versions are handed on as they are", () => {
  const { spec } = fullObjects.find(({ kind }) => kind === "BackupConfiguration") as { spec: Record<string, unknown> };
  const later = { ...spec, verification: { every: ["7d"] }, runtimeSettings: { pod: { affinity: { fromTheFuture: [1, { a: null }] } } } };

  expect(parsed("BackupConfiguration", later)).toEqual({
    ...later,
    // A field that is null counts as absent.
    runtimeSettings: { pod: { affinity: { fromTheFuture: [1, {}] } } },
  });
});
