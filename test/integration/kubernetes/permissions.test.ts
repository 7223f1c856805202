import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { clusterRoles } from "../../../deploy/rbac.ts";
import { describeRight } from "../../../runner/doctor-rights.ts";
import { ClusterRefusedError } from "../../../runner/errors.ts";
import { type NeededRight, neededRights } from "../../../runner/kubernetes/needed-rights.ts";
import { runHoldfast } from "../../e2e/holdfast-process.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { shippedBackupArguments, shippedRestoreArguments } from "../../unit/stash-mode/shipped-arguments.ts";
import { CRDS } from "./crds.ts";
import { type JobWork, type JobWorld, makeJobWorld } from "./job-world.ts";
import { examineJob, jobFlags, runJob } from "./run-job.ts";

let server: Kubernetes;
let redis: RedisServer;
let world: JobWorld;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
  redis = await startRedis();
  await redis.cli("acl", "setuser", "keeper", "on", ">hush", "~*", "+@all");
  await redis.cli("set", "key", "value");
  world = await makeJobWorld(server, redis);
  // What the restores restore.
  const job = await world.makeJob("backup");
  const { error } = await runJob("backup", job, (await world.admit("backup", job)).cluster);
  if (error !== undefined) throw error;
}, 1_800_000);

afterAll(async () => {
  await redis?.stop();
  await server?.stop();
});

/** A row for each right: the work, whether there is a session, the right in words, and its number. */
function rowsOf(work: JobWork, { hasSession }: { readonly hasSession: boolean }): [JobWork, string, string, number][] {
  const names = {
    namespace: "",
    ...(hasSession && { session: "" }),
    ...(hasSession && work === "backup" && { invoker: { kind: "BackupConfiguration", name: "nightly" } as const }),
    appBinding: { namespace: "", name: "redis", secrets: ["redis-login", "redis-more"] },
    repository: { namespace: "", name: "cellar", secrets: ["cellar-key"], selectsNamespaces: true },
  };
  return neededRights(work, names).map(({ right, action }, index) => [
    work,
    hasSession ? "with a session" : "without a session",
    `${right.verb} ${right.resource} ${action.name || right.object} (${right.place})`,
    index,
  ]);
}

/** Without a session only what is written differs. */
const rows = [
  ...rowsOf("backup", { hasSession: true }),
  ...rowsOf("restore", { hasSession: true }),
  ...rowsOf("backup", { hasSession: false }).filter(([, , right]) => !right.startsWith("get")),
];

test.each([
  ["backup", true],
  ["restore", true],
  ["backup", false],
  ["restore", false],
] as const)("a %s (session: %s) needs no right but those of its Roles, and warns of nothing", async (work, hasSession) => {
  const job = await world.makeJob(work, { hasSession });
  await redis.cli("set", "key", work === "backup" ? "value" : "changed");

  const outcome = await runJob(work, job, (await world.admit(work, job)).cluster);

  expect(outcome).toEqual({ error: undefined, warnings: [] });
  expect(await redis.cli("get", "key")).toBe("value");
});

test("a backup for a BackupBatch reads that, and says so when it may not", async () => {
  const job = await world.makeJob("backup", { invokerKind: "BackupBatch" });
  const invoker = neededRights("backup", job).find(({ action }) => action.resource === "backupbatches") as NeededRight;

  const admitted = await runJob("backup", job, (await world.admit("backup", job)).cluster);
  const refused = await runJob("backup", job, (await world.admit("backup", job, { without: invoker })).cluster);

  expect(admitted).toEqual({ error: undefined, warnings: [] });
  expect(refused.error).toMatchObject({ exitCode: 41, message: expect.stringContaining("Not allowed to get backupbatches") });
});

test.each(["backup", "restore"] as const)("Roles for every session let a %s run whose session was made later", async (work) => {
  const job = await world.makeJob(work);
  const { cluster } = await world.admit(work, { ...job, session: "*", invoker: undefined });

  const outcome = await runJob(work, job, cluster);

  expect(outcome).toEqual({ error: undefined, warnings: [] });
});

test.each(["backup", "restore"] as const)("the doctor finds nothing missing for a %s with exactly its Roles", async (work) => {
  const job = await world.makeJob(work);
  const account = await world.admit(work, job);

  const { error, findings } = await examineJob(work, job, account.cluster);

  expect(error).toBeUndefined();
  expect(findings.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(findings[0]?.detail).toContain(`system:serviceaccount:${account.namespace}:${account.name}`);
});

test.each(rows)("a %s %s that lacks the right to %s says so, and so does the doctor", async (work, session, _, index) => {
  const hasSession = session === "with a session";
  const job = await world.makeJob(work, { hasSession });
  const missing = neededRights(work, job)[index] as NeededRight;
  const account = await world.admit(work, job, { without: missing });

  const [{ error, warnings }, examined] = await Promise.all([runJob(work, job, account.cluster), examineJob(work, job, account.cluster)]);

  const { verb, resource, name } = missing.action;
  const named = expect.stringMatching(new RegExp(`Not allowed to ${verb} ${resource}.*${name ?? ""}`));
  if (missing.right.without === "fails") {
    expect(error).toBeInstanceOf(ClusterRefusedError);
    expect(error).toMatchObject({ exitCode: 41, message: named, facts: { action: { verb, resource, name } } });
  } else {
    if (missing.right.without === "warns" || !hasSession) expect(error).toBeUndefined();
    else expect(error).toMatchObject({ exitCode: 41, message: named });
    expect(warnings).toEqual([named]);
  }
  expect(examined.error).toMatchObject({ exitCode: 41 });
  expect(rightsMissing(examined.findings)).toEqual([`Right to ${describeRight(missing)}`]);
  expect(examined.roles.filter(({ kind }) => kind === "Role").flatMap(({ rules }) => rules)).toContainEqual(
    expect.objectContaining({ resources: [resource], verbs: [verb] }),
  );
});

test.each(["backup", "restore"] as const)(
  "the Roles of a %s open no other Secret, list none, and delete and patch nothing",
  async (work) => {
    const job = await world.makeJob(work);
    const { cluster, send } = await world.admit(work, job);
    const { jobs, databases, vault } = world.namespaces;
    const stash = "stash.appscode.com";
    const names = { backupsessions: job.session, restoresessions: job.session, repositories: "cellar", appbindings: "redis" };
    const forbidden = [databases, vault, jobs].flatMap((namespace) => [
      { verb: "get", group: "", resource: "secrets", namespace, name: "somebody-elses" },
      ...["list", "watch", "create", "update", "patch", "delete", "deletecollection"].map((verb) => ({
        verb,
        group: "",
        resource: "secrets",
        namespace,
      })),
      ...Object.entries(names).flatMap(([resource, name]) =>
        ["list", "watch", "create", "update", "patch", "delete", "deletecollection"].map((verb) => ({
          ...{ verb, resource, namespace, name, group: resource === "appbindings" ? "appcatalog.appscode.com" : stash },
        })),
      ),
      { verb: "patch", group: stash, resource: "repositories/status", namespace, name: "cellar" },
      { verb: "update", group: stash, resource: "repositories/status", namespace, name: "another" },
      { verb: "update", group: stash, resource: "backupsessions/status", namespace, name: "another" },
      { verb: "delete", group: "", resource: "events", namespace },
      { verb: "get", group: "", resource: "pods", namespace },
      { verb: "create", group: "", resource: "pods/exec", namespace },
    ]);

    const granted = [];
    for (const action of forbidden) if (await cluster.mayI(action)) granted.push(action);

    expect(granted).toEqual([]);
    await expect(cluster.secret({ namespace: databases, name: "somebody-elses" })).rejects.toMatchObject({
      exitCode: 41,
      reason: "Forbidden",
    });
    const secrets = `/api/v1/namespaces/${databases}/secrets`;
    const repository = `/apis/${stash}/v1alpha1/namespaces/${vault}/repositories/cellar`;
    for (const [method, path] of [
      ["GET", secrets],
      ["GET", "/api/v1/secrets"],
      ["DELETE", `${secrets}/redis-login`],
      ["DELETE", repository],
      ["DELETE", `/apis/${stash}/v1beta1/namespaces/${jobs}/${work}sessions/${job.session}`],
    ] as const) {
      expect([method, path, await send(method, path)]).toEqual([method, path, 403]);
    }
    expect(await send("GET", repository)).toBe(200);
  },
);

test("the ClusterRoles that we ship are taken by the API server", async () => {
  for (const role of clusterRoles()) await expect(server.objects.apply(role as unknown as KubernetesObject)).resolves.toBeDefined();
});

test("what doctor --print-role prints is all that the program needs to back up and to restore", async () => {
  for (const work of ["backup", "restore"] as const) {
    const job = await world.makeJob(work);
    const account = await world.makeAccount(job.namespace);
    const flags = Object.entries(jobFlags(work, job)).map(([flag, value]) => `--${flag}=${value}`);
    const roles = await runHoldfast([
      "doctor",
      ...flags,
      "--print-role",
      `--service-account=${account.name}`,
      "--kubeconfig",
      server.adminKubeconfig,
    ]);
    for (const document of parseAllDocuments(roles.stdout)) await server.objects.apply(document.toJS() as KubernetesObject);
    const own = [...flags, "--kubeconfig", account.kubeconfig];
    await account.untilAllowed(neededRights(work, job));

    const examined = await runHoldfast(["doctor", ...own]);
    const run = await runHoldfast([`redis-${work}`, ...own, ...(work === "restore" ? ["--policy=replace"] : [])]);

    expect(examined).toMatchObject({ exitCode: 0, stdout: expect.not.stringMatching(/^(missing|unknown)/m) });
    expect(run).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", warnings: [] } });
  }
});

test.each(["backup", "restore"] as const)("the same Roles are enough for both steps of a %s as Stash calls them", async (work) => {
  const job = await world.makeJob(work);
  const { kubeconfig } = await world.admit(work, job);
  const { databases, vault, jobs } = world.namespaces;
  const outputDir = join(server.directory, `output-${work}`);
  const filled = {
    ...{ provider: "local", bucket: world.store, secretName: "cellar-key", secretNamespace: vault, outputDir },
    ...{ namespace: jobs, targetName: "redis", targetNamespace: databases, snapshot: "latest" },
    ...(work === "backup" && { backupSession: job.session }),
  };
  const first = work === "backup" ? shippedBackupArguments(filled) : [...shippedRestoreArguments(filled), "--policy=replace"];
  const invoker = work === "backup" ? { kind: "BackupConfiguration", name: "nightly" } : { kind: "RestoreSession", name: job.session };
  const second = [
    ...["update-status", "--provider=local", `--bucket=${world.store}`, `--namespace=${jobs}`, `--output-dir=${outputDir}`],
    ...["--storage-secret-name=cellar-key", `--storage-secret-namespace=${vault}`, `--invoker-kind=${invoker.kind}`],
    ...[`--invoker-name=${invoker.name}`, "--target-kind=AppBinding", "--target-name=redis", `--target-namespace=${databases}`],
    ...(work === "backup" ? [`--backupsession=${job.session}`] : []),
  ];

  const run = await runHoldfast([...first, "--kubeconfig", kubeconfig]);
  const told = await runHoldfast([...second, "--kubeconfig", kubeconfig]);

  const kind = work === "backup" ? "BackupSession" : "RestoreSession";
  const metadata = { namespace: jobs, name: job.session as string };
  const { status } = await server.objects.get({ apiVersion: "stash.appscode.com/v1beta1", kind, metadata });
  const stats = [expect.objectContaining({ hostname: "host-0", phase: "Succeeded" })];
  expect(run).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", warnings: [] } });
  expect(told).toMatchObject({ exitCode: 0, report: { outcome: "Succeeded", warnings: [] } });
  expect(status).toMatchObject(work === "backup" ? { targets: [{ stats }] } : { stats });
});

test("the Roles of maintenance list and verify snapshots, and nothing more", async () => {
  const job = await world.makeJob("backup", { hasSession: false });
  const flags = ["--namespace", job.namespace, "--repository", "cellar", "--repository-namespace", world.namespaces.vault];
  const { kubeconfig, cluster } = await world.admit("maintenance", { ...job, appBinding: undefined });

  const outcomes = [];
  for (const command of ["snapshots", "verify"]) outcomes.push(await runHoldfast([command, ...flags, "--kubeconfig", kubeconfig]));

  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  await expect(cluster.secret({ namespace: world.namespaces.databases, name: "redis-login" })).rejects.toMatchObject({ exitCode: 41 });
  await expect(
    cluster.updateStatus("Repository", { namespace: world.namespaces.vault, name: "cellar" }, () => ({ snapshotCount: 0 })),
  ).rejects.toMatchObject({ exitCode: 41 });
});

function rightsMissing(findings: readonly { readonly check: string; readonly status: string }[]): string[] {
  return findings.filter(({ check, status }) => check.startsWith("Right to ") && status !== "ok").map(({ check }) => check);
}
