import { reconcileRepository as reconciler } from "../../../operator/reconcile-repository.ts";
import { ClusterRefusedError } from "../../../runner/errors.ts";
import { backupConfiguration, InvokerWorld, NIGHTLY, repository, VAULT } from "./invoker-world.ts";

const USED = { references: [{ kind: "BackupConfiguration", ...NIGHTLY }] };

function vault(spec: object = {}, status: object = {}): InvokerWorld {
  const world = new InvokerWorld();
  world.api.put({ ...repository({ ...(repository().spec as object), ...spec }), status });
  return world;
}

function stored(world: InvokerWorld) {
  return world.api.peek("Repository", VAULT);
}

test("a Repository gets its finalizer and is said to be seen", async () => {
  const world = vault();

  await world.settle(reconciler, VAULT);

  expect(stored(world)?.metadata.finalizers).toEqual(["stash"]);
  expect(stored(world)?.status).toEqual({ observedGeneration: 1 });
  expect(world.events).toEqual([]);
});

test("what others write into its status stays", async () => {
  const world = vault({}, { totalSize: "2.567 KiB", snapshotCount: 3 });

  await world.settle(reconciler, VAULT);

  expect(stored(world)?.status).toMatchObject({ totalSize: "2.567 KiB", snapshotCount: 3 });
});

test("a user that is gone for sure is forgotten; one that exists is not, nor one of a kind that nobody knows", async () => {
  const foreign = { kind: "Dashboard", namespace: "shop", name: "board" };
  const world = vault({}, { references: [...USED.references, { kind: "RestoreBatch", namespace: "a", name: "b" }, foreign] });
  world.api.put(backupConfiguration());

  await world.settle(reconciler, VAULT);

  expect(stored(world)?.status?.references).toEqual([...USED.references, foreign]);
});

test("a user that only the cache does not know is kept", async () => {
  const world = vault({}, USED);
  world.api.put(backupConfiguration());
  const lagging: typeof world.world = {
    ...world.world,
    cached: (kind, name) => (kind === "Repository" ? world.world.cached(kind, name) : undefined),
  };

  const { actions } = await reconciler.reconcile(VAULT, lagging);

  for (const action of actions) if (action.do === "status") expect(action.change(USED)).toMatchObject(USED);
});

test("a user that may not be looked for is kept", async () => {
  const world = vault({}, USED);
  world.api.failNext(new ClusterRefusedError("Not allowed", { reason: "Forbidden" }), { verb: "get", kind: "BackupConfiguration" });

  await world.pass(reconciler, VAULT);

  expect(stored(world)?.status).toMatchObject(USED);
});

test.each([
  ["BackupBatch", true],
  ["BackupConfiguration", false],
] as const)("a user of the kind %s, which the cluster does not have, is forgotten: %j", async (kind, isForgotten) => {
  const references = [{ kind, namespace: "shop", name: "all" }];
  const world = vault({}, { references });
  const unknown = new ClusterRefusedError("The cluster does not know the kind", { reason: "ObjectNotFound" });
  world.api.failNext(unknown, { verb: "get", kind });

  await world.pass(reconciler, VAULT);

  expect(stored(world)?.status?.references).toEqual(isForgotten ? [] : references);
});

test("a deleted Repository stays while somebody uses it, and says who; then it goes", async () => {
  const world = vault();
  await world.settle(reconciler, VAULT);
  world.api.putStatus("Repository", VAULT, USED);
  world.api.put(backupConfiguration());
  world.api.delete("Repository", VAULT);

  const decision = await world.settle(reconciler, VAULT);

  expect(stored(world)).toBeDefined();
  expect(world.events).toMatchObject([
    {
      type: "Warning",
      reason: "RepositoryInUse",
      message: 'It is deleted once nobody uses it any more: BackupConfiguration "shop/nightly"',
    },
  ]);
  expect(decision.wakeAt).toEqual(new Date(world.clock.now().getTime() + 60_000));

  world.api.delete("BackupConfiguration", NIGHTLY);
  await world.settle(reconciler, VAULT);
  expect(stored(world)).toBeUndefined();
});

test("nobody's deleted Repository goes at once, without a word", async () => {
  const world = vault();
  await world.settle(reconciler, VAULT);

  world.api.delete("Repository", VAULT);
  await world.settle(reconciler, VAULT);

  expect(stored(world)).toBeUndefined();
  expect(world.events).toEqual([]);
});

test("data that was to be wiped out stays, which is said while the Repository lives and when it goes", async () => {
  const world = vault({ wipeOut: true });
  await world.settle(reconciler, VAULT);

  world.api.delete("Repository", VAULT);
  await world.settle(reconciler, VAULT);

  expect(stored(world)).toBeUndefined();
  expect(world.events.map(({ reason, message }) => [reason, message])).toEqual([
    ["WipeOutNotSupported", expect.stringContaining("will stay when the Repository is deleted")],
    ["WipeOutNotSupported", expect.stringContaining("stays where it is; remove it yourself")],
  ]);
});

test("an Event that cannot be written holds nothing up: a namespace that ends takes none", async () => {
  const world = vault({ wipeOut: true });
  await world.settle(reconciler, VAULT);
  world.api.delete("Repository", VAULT);
  world.api.failNext(new ClusterRefusedError("namespace is being terminated", { reason: "Forbidden" }), { verb: "create", kind: "Event" });

  await world.pass(reconciler, VAULT);

  expect(stored(world)).toBeUndefined();
});
