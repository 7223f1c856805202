import { reconcileBackupConfiguration as reconciler } from "../../../operator/reconcile-backup-configuration.ts";
import { ClusterRefusedError, ClusterUnavailableError } from "../../../runner/errors.ts";
import { appBinding, backupConfiguration, InvokerWorld, NIGHTLY, repository, VAULT } from "./invoker-world.ts";

const CRON_JOB = { namespace: "shop", name: "stash-trigger-nightly" };
const ELSEWHERE = { namespace: "cellar", name: "vault" };

function elsewhere(policy: object = { allowedNamespaces: { from: "All" } }): InvokerWorld {
  const world = InvokerWorld.furnished();
  world.api.put(repository({ usagePolicy: policy }, ELSEWHERE));
  world.secrets.add("cellar/vault-key");
  world.api.put(backupConfiguration({ repository: ELSEWHERE }));
  return world;
}

test("everything there: a CronJob, rights for it and for its jobs, and Ready last of all", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());

  await world.pass(reconciler, NIGHTLY);

  expect(world.nightly.metadata.finalizers).toEqual(["stash.appscode.com"]);
  expect(world.api.peek("Repository", VAULT)?.status?.references).toEqual([{ kind: "BackupConfiguration", ...NIGHTLY }]);
  expect(world.names("ServiceAccount", "Role", "RoleBinding", "CronJob")).toEqual([
    "CronJob shop/stash-trigger-nightly",
    "Role shop/backupconfiguration-nightly-0-secrets",
    "Role shop/stash-trigger-nightly",
    "RoleBinding shop/backupconfiguration-nightly-0",
    "RoleBinding shop/backupconfiguration-nightly-0-secrets",
    "RoleBinding shop/stash-trigger-nightly",
    "ServiceAccount shop/backupconfiguration-nightly-0",
    "ServiceAccount shop/stash-trigger-nightly",
  ]);
  expect(world.nightly.status).toMatchObject({ phase: "Ready", observedGeneration: 1 });
  expect(Object.values(world.conditions).map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual([
    "RepositoryFound True RepositoryAvailable",
    "BackendSecretFound True BackendSecretAvailable",
    "BackupTargetFound True TargetAvailable",
    "ValidationPassed True ResourceValidationPassed",
    "CronJobCreated True CronJobCreationSucceeded",
  ]);
  expect(world.api.writes.at(-1)).toMatchObject({ verb: "replaceStatus", kind: "BackupConfiguration" });
});

test("rights are made before the CronJob, and the finalizer before anything else", async () => {
  const world = elsewhere();

  await world.pass(reconciler, NIGHTLY);

  const kinds = world.api.writes.map(({ kind, verb }) => `${verb} ${kind}`);
  expect(kinds[0]).toBe("replace BackupConfiguration");
  expect(kinds[1]).toBe("replaceStatus Repository");
  expect(kinds.lastIndexOf("create RoleBinding")).toBeLessThan(kinds.indexOf("create CronJob"));
});

test("a pass over what is as it should be asks for nothing and writes nothing", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  await world.settle(reconciler, NIGHTLY);
  const { get, list } = world.api.calls;

  const decision = await world.pass(reconciler, NIGHTLY);

  expect(world.api.calls).toMatchObject({ get, list });
  expect(decision.wakeAt).toBeUndefined();
});

test.each([
  [
    "its Repository",
    (world: InvokerWorld) => world.api.delete("Repository", VAULT),
    "RepositoryFound",
    "RepositoryNotAvailable",
    "NotReady",
  ],
  [
    "its Secret",
    (world: InvokerWorld) => void world.secrets.delete("shop/vault-key"),
    "BackendSecretFound",
    "BackendSecretNotAvailable",
    "NotReady",
  ],
  [
    "its target",
    (world: InvokerWorld) => world.api.delete("AppBinding", { namespace: "shop", name: "carts" }),
    "BackupTargetFound",
    "TargetNotAvailable",
    "NotReady",
  ],
])("without %s there is no CronJob; it is looked for after 5 s, and all is made once it is there", async (_, take, type, reason, phase) => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  take(world);

  const decision = await world.settle(reconciler, NIGHTLY);

  expect(world.names("CronJob", "Role", "RoleBinding", "ServiceAccount")).toEqual([]);
  expect(world.conditions[type]).toMatchObject({ status: "False", reason, message: expect.stringMatching(/is not there: create it/) });
  expect(world.nightly.status?.phase).toBe(phase);
  expect(world.nightly.status).not.toHaveProperty("observedGeneration");
  expect(decision.wakeAt).toEqual(new Date(world.clock.now().getTime() + 5_000));

  world.api.put(repository());
  world.api.put(appBinding());
  world.secrets.add("shop/vault-key");
  await world.settle(reconciler, NIGHTLY);
  expect(world.nightly.status?.phase).toBe("Ready");
});

test("what is missing for longer is looked for less often, at least once a minute, and writes nothing meanwhile", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  world.secrets.clear();
  const waits: number[] = [];

  await world.settle(reconciler, NIGHTLY);
  const before = world.api.writes.length;
  for (let look = 0; look < 6; look += 1) {
    const { wakeAt } = await world.pass(reconciler, NIGHTLY);
    const waitMs = (wakeAt as Date).getTime() - world.clock.now().getTime();
    waits.push(waitMs / 1000);
    await world.clock.advance(waitMs);
  }

  expect(waits).toEqual([5, 5, 10, 20, 40, 60]);
  expect(world.api.writes).toHaveLength(before);
});

test("a target that goes away leaves the CronJob and Ready: its sessions fail, and say why", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  await world.settle(reconciler, NIGHTLY);

  world.api.delete("AppBinding", { namespace: "shop", name: "carts" });
  await world.settle(reconciler, NIGHTLY);

  expect(world.nightly.status?.phase).toBe("Ready");
  expect(world.conditions.BackupTargetFound).toMatchObject({ status: "False" });
  expect(world.names("CronJob")).toHaveLength(1);
});

test.each([true, false])(
  "pausing (%s) is applied to the CronJob although the Repository is gone and the object invalid",
  async (paused) => {
    const world = InvokerWorld.furnished();
    world.api.put(backupConfiguration({ paused: !paused }));
    await world.settle(reconciler, NIGHTLY);
    world.api.put(backupConfiguration({ paused, hooks: { preBackup: { exec: { command: ["true"] } } } }));
    world.api.delete("Repository", VAULT);

    await world.settle(reconciler, NIGHTLY);

    expect(world.api.peek("CronJob", CRON_JOB)?.spec?.suspend).toBe(paused);
    expect(world.nightly.status?.phase).toBe("NotReady");
  },
);

test("a paused one is suspended even where its rights are refused", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  await world.settle(reconciler, NIGHTLY);
  world.api.put(backupConfiguration({ paused: true, runtimeSettings: { pod: { serviceAccountName: "mine" } } }));
  world.api.failNext(new ClusterRefusedError("Not allowed to update rolebindings", { reason: "Forbidden" }), {
    verb: "replace",
    kind: "RoleBinding",
  });

  await world.pass(reconciler, NIGHTLY);

  expect(world.api.peek("CronJob", CRON_JOB)?.spec?.suspend).toBe(true);
  expect(world.conditions.CronJobCreated).toMatchObject({ status: "False", message: "Not allowed to update rolebindings" });
});

test("what the server says to a CronJob stands in the condition, and goes once it takes it", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration({ schedule: "99 * * * *" }));
  world.api.failNext(new ClusterRefusedError("spec.schedule: Invalid value", { reason: "Invalid" }), { verb: "create", kind: "CronJob" });

  await world.pass(reconciler, NIGHTLY);

  expect(world.conditions.CronJobCreated).toMatchObject({
    status: "False",
    reason: "CronJobCreationFailed",
    message: expect.stringContaining("spec.schedule: Invalid value"),
  });
  expect(world.nightly.status).toMatchObject({ phase: "NotReady", observedGeneration: 1 });
  const before = world.api.writes.length;
  world.api.failNext(new ClusterRefusedError("spec.schedule: Invalid value", { reason: "Invalid" }), { verb: "create", kind: "CronJob" });
  expect((await world.pass(reconciler, NIGHTLY)).wakeAt).toBeDefined();
  expect(world.api.writes.slice(before).map(({ verb }) => verb)).toEqual(["create"]);

  await world.settle(reconciler, NIGHTLY);
  expect(world.nightly.status?.phase).toBe("Ready");
});

test("another one's CronJob of the same name is left alone, and named", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  world.api.put({ apiVersion: "batch/v1", kind: "CronJob", metadata: { ...CRON_JOB }, spec: { schedule: "1 1 1 1 1" } });

  await world.pass(reconciler, NIGHTLY);

  expect(world.api.peek("CronJob", CRON_JOB)?.spec).toEqual({ schedule: "1 1 1 1 1" });
  expect(world.conditions.CronJobCreated).toMatchObject({ status: "False", message: expect.stringContaining("is there already") });
});

test("a Repository elsewhere: rights by name beside it, which say whose they are", async () => {
  const world = elsewhere();

  await world.settle(reconciler, NIGHTLY);

  const role = world.api.peek("Role", { namespace: "cellar", name: "shop-backupconfiguration-nightly-0" });
  expect(role?.metadata.annotations).toMatchObject({ "holdfast/rights-of": "BackupConfiguration/shop/nightly" });
  expect(role?.metadata).not.toHaveProperty("ownerReferences");
  expect(role?.rules).toEqual([
    { apiGroups: ["stash.appscode.com"], resources: ["repositories"], resourceNames: ["vault"], verbs: ["get"] },
    { apiGroups: [""], resources: ["secrets"], resourceNames: ["vault-key"], verbs: ["get"] },
    { apiGroups: ["stash.appscode.com"], resources: ["repositories/status"], resourceNames: ["vault"], verbs: ["update"] },
  ]);
  expect(world.api.peek("RoleBinding", { namespace: "cellar", name: "shop-backupconfiguration-nightly-0" })?.subjects).toEqual([
    { kind: "ServiceAccount", namespace: "shop", name: "backupconfiguration-nightly-0" },
  ]);
  expect(world.nightly.status?.phase).toBe("Ready");
});

test("a Repository elsewhere that forbids the use gives no rights, no reference and no CronJob", async () => {
  const world = elsewhere({ allowedNamespaces: { from: "Same" } });

  const decision = await world.settle(reconciler, NIGHTLY);

  expect(world.names("CronJob", "Role", "RoleBinding")).toEqual([]);
  expect(world.api.peek("Repository", ELSEWHERE)).not.toHaveProperty("status");
  expect(world.conditions.ValidationPassed).toMatchObject({
    status: "False",
    message: expect.stringMatching(/must not be used from namespace "shop"\. Its spec\.usagePolicy.*allow the namespace there/),
  });
  expect(world.nightly.status).toMatchObject({ phase: "Invalid", observedGeneration: 1 });
  expect(decision.wakeAt).toBeDefined();
});

test("a Repository elsewhere that takes its permission back takes the rights and the reference with it", async () => {
  const world = elsewhere();
  await world.settle(reconciler, NIGHTLY);

  world.api.put(repository({ usagePolicy: { allowedNamespaces: { from: "Same" } } }, ELSEWHERE));
  await world.settle(reconciler, NIGHTLY);

  expect(world.api.all("Role").filter(({ metadata }) => metadata.namespace === "cellar")).toEqual([]);
  expect(world.api.all("RoleBinding").filter(({ metadata }) => metadata.namespace === "cellar")).toEqual([]);
  expect(world.api.peek("Repository", ELSEWHERE)?.status?.references).toEqual([]);
  expect(world.nightly.status?.phase).toBe("Invalid");
});

test("a namespace whose labels the Repository selects may use it, once it has them", async () => {
  const world = elsewhere({ allowedNamespaces: { from: "Selector", selector: { matchLabels: { backups: "cellar" } } } });
  await world.settle(reconciler, NIGHTLY);
  expect(world.nightly.status?.phase).toBe("Invalid");

  world.namespaceLabels.set("shop", { backups: "cellar" });
  await world.settle(reconciler, NIGHTLY);

  expect(world.nightly.status?.phase).toBe("Ready");
});

test("another Repository: the former one's reference and rights are taken back", async () => {
  const world = elsewhere();
  await world.settle(reconciler, NIGHTLY);

  world.api.put(backupConfiguration({ repository: { name: "vault" } }));
  await world.settle(reconciler, NIGHTLY);

  expect(world.api.peek("Repository", ELSEWHERE)?.status?.references).toEqual([]);
  expect(world.api.peek("Repository", VAULT)?.status?.references).toHaveLength(1);
  expect(world.names("Role", "RoleBinding").filter((name) => name.includes("cellar/"))).toEqual([]);
});

test.each([{ namespace: "attic", name: "vault" }, { name: "not-yet" }])(
  "another Repository %j that is not there yet: the rights for the former one's namespace are taken back all the same",
  async (named) => {
    const world = elsewhere();
    await world.settle(reconciler, NIGHTLY);

    world.api.put(backupConfiguration({ repository: named }));
    await world.settle(reconciler, NIGHTLY);

    expect(world.names("Role", "RoleBinding").filter((name) => name.includes("cellar/"))).toEqual([]);
    expect(world.nightly.status?.phase).toBe("NotReady");
  },
);

test("a Repository whose status cannot be read holds up nobody but itself", async () => {
  const world = InvokerWorld.furnished();
  world.api.put({ ...repository({}, { namespace: "shop", name: "broken" }), status: { references: "none" } });
  world.api.put(backupConfiguration());

  await world.settle(reconciler, NIGHTLY);

  expect(world.nightly.status?.phase).toBe("Ready");
});

test("rights of somebody else that have the same name are not overwritten", async () => {
  const world = elsewhere();
  const metadata = {
    ...{ namespace: "cellar", name: "shop-backupconfiguration-nightly-0" },
    labels: { "app.kubernetes.io/managed-by": "stash.appscode.com" },
    annotations: { "holdfast/rights-of": "BackupConfiguration/sho/p-backupconfiguration-nightly" },
  };
  world.api.put({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules: [] });

  await world.settle(reconciler, NIGHTLY);

  expect(world.api.peek("Role", metadata)?.rules).toEqual([]);
  expect(world.conditions.CronJobCreated).toMatchObject({
    status: "False",
    message: expect.stringContaining("give this object another name"),
  });
  expect(world.names("CronJob")).toEqual([]);
});

test("a target that moves to another namespace renames the CronJob: the former one is removed, or there would be two", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  await world.settle(reconciler, NIGHTLY);
  world.api.put(appBinding({}, { namespace: "carts", name: "carts" }));

  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts", namespace: "carts" };
  world.api.put(backupConfiguration({ target: { ref }, runtimeSettings: { pod: { serviceAccountName: "mine" } } }));
  await world.settle(reconciler, NIGHTLY);

  expect(world.names("CronJob")).toEqual(["CronJob shop/stash-trigger-shop-nightly"]);
  expect(world.names("Role")).not.toContain("Role shop/stash-trigger-nightly");
});

test("a setting that is taken away is gone from the CronJob", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration({ runtimeSettings: { pod: { nodeSelector: { disk: "fast" } } } }));
  await world.settle(reconciler, NIGHTLY);

  world.api.put(backupConfiguration());
  await world.settle(reconciler, NIGHTLY);

  expect(JSON.stringify(world.api.peek("CronJob", CRON_JOB)?.spec)).not.toContain("nodeSelector");
});

test("a RoleBinding that Stash left, to a ClusterRole of its own, is made anew", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  const { apiVersion, kind, metadata } = world.nightly;
  const name = { namespace: "shop", name: "backupconfiguration-nightly-0" };
  world.api.put({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: {
      ...name,
      labels: { "app.kubernetes.io/managed-by": "stash.appscode.com" },
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
    },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "stash-backup-job" },
    subjects: [],
  });

  await world.settle(reconciler, NIGHTLY);

  expect(world.api.peek("RoleBinding", name)?.roleRef).toMatchObject({ name: "holdfast-job" });
});

test("an object that cannot be read is Invalid, and keeps its reference: nobody knows which Repository it means", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  await world.settle(reconciler, NIGHTLY);

  world.api.put(backupConfiguration({ timeOut: "soon" }));
  await world.settle(reconciler, NIGHTLY);

  expect(world.nightly.status).toMatchObject({ phase: "Invalid", observedGeneration: 2 });
  expect(world.conditions.ValidationPassed?.message).toMatch(/spec\.timeOut: expected a duration/);
  expect(world.api.peek("Repository", VAULT)?.status?.references).toHaveLength(1);
});

test("a Secret that may not be read is neither there nor missing", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  const refuse = async () => {
    throw new ClusterRefusedError('Not allowed to get secrets "vault-key"', { reason: "Forbidden", hint: "Grant it" });
  };

  const view = { ...world.world, cluster: { ...world.world.cluster, secret: refuse } };
  const { actions } = await reconciler.reconcile(NIGHTLY, view);

  const status = actions.find((action) => action.do === "status" && action.kind === "BackupConfiguration");
  expect(status?.do === "status" && status.change({})).toMatchObject({
    phase: "NotReady",
    conditions: expect.arrayContaining([
      expect.objectContaining({ type: "BackendSecretFound", status: "Unknown", reason: "UnableToCheckBackendSecretAvailability" }),
    ]),
  });
});

test("a Repository that is being deleted counts as missing, and learns of nobody new", async () => {
  const world = InvokerWorld.furnished();
  world.api.put({ ...repository(), metadata: { ...VAULT, finalizers: ["stash"] } as never });
  world.api.delete("Repository", VAULT);
  world.api.put(backupConfiguration());

  await world.settle(reconciler, NIGHTLY);

  expect(world.conditions.RepositoryFound).toMatchObject({
    ...{ status: "False", reason: "RepositoryNotAvailable" },
    message: 'Repository "shop/vault" is being deleted: name another one',
  });
  expect(world.api.peek("Repository", VAULT)).not.toHaveProperty("status");
  expect(world.names("CronJob")).toEqual([]);
});

test("what only the cache does not know is there", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  const { world: view } = world;
  const lagging: typeof view = {
    ...view,
    cached: (kind, name) => (kind === "Repository" || kind === "AppBinding" ? undefined : view.cached(kind, name)),
  };

  const { actions } = await reconciler.reconcile(NIGHTLY, lagging);

  expect(actions.filter((action) => action.do === "ensure").map(({ object }) => object.kind)).toContain("CronJob");
});

test("an API that does not answer changes no verdict: the pass fails and is tried again", async () => {
  const world = InvokerWorld.furnished();
  world.api.put(backupConfiguration());
  await world.settle(reconciler, NIGHTLY);
  world.api.delete("Repository", VAULT);
  world.api.failNext(new ClusterUnavailableError("No answer"), { verb: "get" });

  await expect(world.pass(reconciler, NIGHTLY)).rejects.toThrow("No answer");

  expect(world.nightly.status?.phase).toBe("Ready");
});

test("deleted: rights elsewhere, then the reference, then the finalizer; what lies beside it goes with it", async () => {
  const world = elsewhere();
  await world.settle(reconciler, NIGHTLY);
  const before = world.api.writes.length;

  world.api.delete("BackupConfiguration", NIGHTLY);
  await world.pass(reconciler, NIGHTLY);
  await world.clock.advance(0);

  expect(world.api.writes.slice(before).map(({ verb, kind }) => `${verb} ${kind}`)).toEqual([
    "remove RoleBinding",
    "remove Role",
    "replaceStatus Repository",
    "replace BackupConfiguration",
  ]);
  expect(world.nightly).toBeUndefined();
  expect(world.api.peek("Repository", ELSEWHERE)?.status?.references).toEqual([]);
  expect(world.names("CronJob", "Role", "RoleBinding", "ServiceAccount")).toEqual([]);
});

test("a deleted one whose Repository is gone, too, is not held up", async () => {
  const world = elsewhere();
  await world.settle(reconciler, NIGHTLY);
  world.api.delete("Repository", ELSEWHERE);

  world.api.delete("BackupConfiguration", NIGHTLY);
  await world.pass(reconciler, NIGHTLY);

  expect(world.nightly).toBeUndefined();
});

test("a deletion that the cache shows late touches nothing of the namesake that is there by now", async () => {
  const world = elsewhere();
  await world.settle(reconciler, NIGHTLY);
  world.api.delete("BackupConfiguration", NIGHTLY);
  const deleted = world.nightly;
  await world.pass(reconciler, NIGHTLY);
  world.api.put(backupConfiguration({ repository: ELSEWHERE }));
  await world.settle(reconciler, NIGHTLY);

  const stale = { ...world.world, cached: () => deleted };
  const decision = await reconciler.reconcile(NIGHTLY, stale);

  expect(decision.actions).toEqual([]);
});

test("killed before any write, and between any two, a second pass comes to the same end", async () => {
  const whole = elsewhere();
  await whole.settle(reconciler, NIGHTLY);
  const outcome = (world: InvokerWorld) => ({
    names: world.names("CronJob", "Role", "RoleBinding", "ServiceAccount"),
    phase: world.nightly.status?.phase,
    references: world.api.peek("Repository", ELSEWHERE)?.status?.references,
  });
  const writes = whole.api.writes.length;
  expect(writes).toBeGreaterThan(10);

  for (let index = 0; index < writes; index += 1) {
    for (const hook of ["beforeWrite", "afterWrite"] as const) {
      const world = elsewhere();
      world.api[hook]((write) => {
        if (write.index === index) throw new ClusterUnavailableError("Killed");
      });
      await expect(world.settle(reconciler, NIGHTLY)).rejects.toThrow("Killed");
      world.api[hook](() => undefined);

      await world.settle(reconciler, NIGHTLY);

      expect(outcome(world)).toEqual(outcome(whole));
    }
  }
});

test("two operators at once come to the same end", async () => {
  const world = elsewhere();

  await Promise.allSettled([world.pass(reconciler, NIGHTLY), world.pass(reconciler, NIGHTLY)]);
  await world.settle(reconciler, NIGHTLY);

  expect(world.nightly.status?.phase).toBe("Ready");
  expect(world.nightly.metadata.finalizers).toEqual(["stash.appscode.com"]);
  expect(world.api.peek("Repository", ELSEWHERE)?.status?.references).toHaveLength(1);
});
