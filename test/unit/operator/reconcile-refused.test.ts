import type { Fields, WantedObject } from "../../../operator/objects.ts";
import { reconcileBackupBatch, reconcileBackupBlueprint, reconcileRestoreBatch } from "../../../operator/reconcile-refused.ts";
import { InvokerWorld, repository, VAULT } from "./invoker-world.ts";

const ALL = { namespace: "shop", name: "all" };

function object(kind: string, metadata: WantedObject["metadata"] & Fields = ALL): WantedObject {
  return { apiVersion: "stash.appscode.com/v1beta1", kind, metadata: { ...metadata }, spec: {} };
}

test("a BackupBatch is Invalid, and says what to make instead", async () => {
  const world = new InvokerWorld();
  world.api.put(object("BackupBatch"));

  await world.settle(reconcileBackupBatch, ALL);

  expect(world.api.peek("BackupBatch", ALL)?.status).toMatchObject({
    phase: "Invalid",
    observedGeneration: 1,
    conditions: [
      {
        type: "ValidationPassed",
        status: "False",
        reason: "ResourceValidationFailed",
        message: "BackupBatch is not supported. Nothing is backed up by it: make a BackupConfiguration for each of its members",
      },
    ],
  });
});

test("a BackupBatch that Stash had made Ready is Invalid", async () => {
  const world = new InvokerWorld();
  const conditions = ["RepositoryFound", "BackendSecretFound", "ValidationPassed", "CronJobCreated"].map((type) => ({
    ...{ type, status: "True", reason: "R", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" },
  }));
  world.api.put({ ...object("BackupBatch"), status: { phase: "Ready", conditions } });

  await world.settle(reconcileBackupBatch, ALL);

  expect(world.api.peek("BackupBatch", ALL)?.status?.phase).toBe("Invalid");
});

test.each([
  ["BackupBatch", reconcileBackupBatch],
  ["RestoreBatch", reconcileRestoreBatch],
] as const)("a deleted %s that Stash had held is let go, and no Repository names it any more", async (kind, reconciler) => {
  const world = new InvokerWorld();
  world.api.put(object(kind, { ...ALL, finalizers: ["stash.appscode.com"] }));
  world.api.put({ ...repository(), status: { references: [{ kind, ...ALL }] } });

  world.api.delete(kind, ALL);
  await world.settle(reconciler, ALL);

  expect(world.api.peek(kind, ALL)).toBeUndefined();
  expect(world.api.peek("Repository", VAULT)?.status?.references).toEqual([]);
});

test("a RestoreBatch is Invalid", async () => {
  const world = new InvokerWorld();
  world.api.put(object("RestoreBatch"));

  await world.settle(reconcileRestoreBatch, ALL);

  expect(world.api.peek("RestoreBatch", ALL)?.status).toMatchObject({
    phase: "Invalid",
    conditions: [{ type: "ValidationPassed", status: "False", message: expect.stringContaining("RestoreBatch is not supported") }],
  });
});

test.each(["Succeeded", "Failed", "Unknown"])("a RestoreBatch that is %s stays so", async (phase) => {
  const world = new InvokerWorld();
  world.api.put({ ...object("RestoreBatch"), status: { phase } });

  await world.settle(reconcileRestoreBatch, ALL);

  expect(world.api.peek("RestoreBatch", ALL)?.status).toEqual({ phase });
});

test("of a BackupBlueprint an Event tells, once", async () => {
  const world = new InvokerWorld();
  world.api.put(object("BackupBlueprint", { name: "all" }));
  const name = { namespace: "", name: "all" };

  await world.pass(reconcileBackupBlueprint, name);
  await world.pass(reconcileBackupBlueprint, name);

  expect(world.events).toMatchObject([
    { type: "Warning", reason: "NotSupported", message: expect.stringContaining("BackupBlueprint is not supported") },
  ]);
});

test.each([
  ["BackupBatch", reconcileBackupBatch],
  ["BackupBlueprint", reconcileBackupBlueprint],
] as const)("a %s that is gone is nobody's business", async (_, reconciler) => {
  expect(await reconciler.reconcile(ALL, new InvokerWorld().world)).toEqual({ actions: [] });
});
