import { NAMESPACE } from "../../../deploy/names.ts";
import { jobRole, SECRETS_ROLE } from "../../../deploy/rbac.ts";
import { triggerRules } from "../../../operator/build/trigger-rbac.ts";
import { JOB_CLUSTER_ROLE, OPERATOR_RIGHTS } from "../../../operator/rights.ts";
import { type NeededRight, neededRights } from "../../../runner/kubernetes/needed-rights.ts";
import { type RoleRule, rolesFor } from "../../../runner/kubernetes/role-manifests.ts";
import type { KubernetesObject } from "../../servers/kubernetes/kubernetes-objects.ts";
import { type Kubernetes, startKubernetes } from "../../servers/kubernetes/start-kubernetes.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { CRDS } from "../kubernetes/crds.ts";
import { type JobWorld, makeJobWorld } from "../kubernetes/job-world.ts";
import { runJob } from "../kubernetes/run-job.ts";
import { asOperator, type Send } from "./as-operator.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";
const RBAC = { apiVersion: `${RBAC_GROUP}/v1` };
const STASH = "stash.appscode.com";

let server: Kubernetes;
let redis: RedisServer;
let world: JobWorld;
let send: Send;

beforeAll(async () => {
  server = await startKubernetes({ crds: CRDS });
  redis = await startRedis();
  await redis.cli("acl", "setuser", "keeper", "on", ">hush", "~*", "+@all");
  await redis.cli("set", "key", "value");
  world = await makeJobWorld(server, redis);
  send = await asOperator(server);
}, 1_800_000);

afterAll(async () => {
  await redis?.stop();
  await server?.stop();
});

const rows = OPERATOR_RIGHTS.flatMap(({ verbs, group, resource, names = [""], scope }) =>
  verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, name, namespace: scope === "own" ? NAMESPACE : "anybodys" }))),
);

test.each(rows)("the operator may $verb $group/$resource $name", async (action) => {
  expect(await mayI(action)).toBe(true);
});

const more = ["list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const forbidden = [
  ...more.map((verb) => ({ verb, group: "", resource: "secrets" })),
  ...["get", "create"].map((verb) => ({ verb, group: "", resource: "pods/exec" })),
  ...["create", "update", "patch", "delete"].map((verb) => ({ verb, group: "", resource: "pods" })),
  { verb: "get", group: "", resource: "pods/log" },
  { verb: "create", group: "", resource: "serviceaccounts/token" },
  ...["users", "groups", "serviceaccounts"].map((resource) => ({ verb: "impersonate", group: "", resource })),
  ...["roles", "clusterroles"].map((resource) => ({ verb: "escalate", group: RBAC_GROUP, resource })),
  { verb: "bind", group: RBAC_GROUP, resource: "roles" },
  { verb: "bind", group: RBAC_GROUP, resource: "clusterroles", name: "cluster-admin" },
  { verb: "bind", group: RBAC_GROUP, resource: "clusterroles", name: "holdfast-operator" },
  ...["create", "update", "patch", "delete"].flatMap((verb) =>
    ["clusterroles", "clusterrolebindings"].map((resource) => ({ verb, group: RBAC_GROUP, resource, name: JOB_CLUSTER_ROLE })),
  ),
  ...["list", "watch", "create", "update", "delete"].map((verb) => ({ verb, group: "", resource: "namespaces" })),
  ...["create", "update", "delete"].flatMap((verb) => ["tasks", "functions"].map((resource) => ({ verb, group: STASH, resource }))),
  ...["repositories", "restoresessions", "backupconfigurations"].map((resource) => ({ verb: "delete", group: STASH, resource })),
  { verb: "update", group: "appcatalog.appscode.com", resource: "appbindings" },
  { verb: "delete", group: "", resource: "persistentvolumeclaims" },
  { verb: "create", group: "apps", resource: "deployments" },
  { verb: "create", group: "admissionregistration.k8s.io", resource: "validatingadmissionpolicies" },
  { verb: "get", group: "coordination.k8s.io", resource: "leases", name: "holdfast-operator" },
  { verb: "*", group: "*", resource: "*" },
];

test.each(forbidden)("the operator may not $verb $group/$resource $name", async (action) => {
  expect(await mayI({ name: "any", namespace: "anybodys", ...action })).toBe(false);
});

test("no rule of any role that we ship says everything", () => {
  for (const { verbs, group, resource } of OPERATOR_RIGHTS) expect([...verbs, group, resource].join()).not.toContain("*");
});

test("the operator reads a Secret whose name it knows, and cannot ask which there are", async () => {
  const secrets = `/api/v1/namespaces/${world.namespaces.vault}/secrets`;

  const answers = await Promise.all(
    [`${secrets}/cellar-key`, secrets, "/api/v1/secrets", `${secrets}?watch=true`].map((path) => send("GET", path)),
  );

  expect(answers.map(({ status }) => status)).toEqual([200, 403, 403, 403]);
});

test("the operator makes every Role that a backup, a restore or a trigger needs, and binds it", async () => {
  for (const work of ["backup", "restore"] as const) {
    const serviceAccount = { namespace: world.namespaces.jobs, name: `made-for-${work}` };
    const manifests = rolesFor(work, await world.makeJob(work), { name: `made-${work}`, serviceAccount });
    for (const manifest of manifests) expect(await make(manifest as unknown as KubernetesObject)).toMatchObject({ status: 201 });
  }
  const metadata = { name: "made-trigger", namespace: world.namespaces.jobs };

  expect(await make({ ...RBAC, kind: "Role", metadata, rules: triggerRules("nightly") })).toMatchObject({ status: 201 });
  expect(await make(bindingTo("Role", metadata.name, metadata))).toMatchObject({ status: 201 });
  expect(await make(bindingTo("ClusterRole", JOB_CLUSTER_ROLE, { ...metadata, name: "made-job" }))).toMatchObject({ status: 201 });
});

const beyond: readonly (readonly [string, RoleRule])[] = [
  ["lists Secrets", { apiGroups: [""], resources: ["secrets"], verbs: ["list"] }],
  ["writes Secrets", { apiGroups: [""], resources: ["secrets"], resourceNames: ["cellar-key"], verbs: ["update"] }],
  ["runs commands in pods", { apiGroups: [""], resources: ["pods/exec"], verbs: ["create"] }],
  ["makes pods", { apiGroups: [""], resources: ["pods"], verbs: ["create"] }],
  ["deletes Repositories", { apiGroups: [STASH], resources: ["repositories"], verbs: ["delete"] }],
  ["gives further rights", { apiGroups: [RBAC_GROUP], resources: ["roles"], verbs: ["escalate"] }],
  ["binds any role", { apiGroups: [RBAC_GROUP], resources: ["clusterroles"], verbs: ["bind"] }],
  ["may everything", { apiGroups: ["*"], resources: ["*"], verbs: ["*"] }],
];

test.each(beyond)("the API server refuses the operator a Role that %s, new or changed", async (_, rule) => {
  const metadata = { name: `beyond-${beyond.findIndex(([, each]) => each === rule)}`, namespace: world.namespaces.jobs };
  const harmless = { apiGroups: [""], resources: ["events"], verbs: ["create"] };

  const made = await make({ ...RBAC, kind: "Role", metadata, rules: [rule] });
  const role = await make({ ...RBAC, kind: "Role", metadata, rules: [harmless] });
  const changed = await send("PUT", `/apis/${RBAC.apiVersion}/namespaces/${metadata.namespace}/roles/${metadata.name}`, {
    ...role.body,
    rules: [harmless, rule],
  });

  expect([made.status, role.status, changed.status]).toEqual([403, 201, 403]);
  expect(made.body.message).toContain("attempting to grant RBAC permissions not currently held");
});

test.each(["cluster-admin", "system:aggregate-to-edit", "system:controller:job-controller"])(
  "the operator cannot bind anybody to %s",
  async (name) => {
    const metadata = { name: "too-much", namespace: world.namespaces.jobs };

    const inNamespace = await make(bindingTo("ClusterRole", name, metadata));
    const everywhere = await send("POST", `/apis/${RBAC.apiVersion}/clusterrolebindings`, {
      ...bindingTo("ClusterRole", name, metadata),
      ...{ kind: "ClusterRoleBinding", metadata: { name: "too-much" } },
    });

    expect([inNamespace.status, everywhere.status]).toEqual([403, 403]);
  },
);

test("the operator cannot act in another's name, nor get another's token", async () => {
  const headers = { "impersonate-user": "admin", "impersonate-group": "system:masters" };
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };

  const asAdmin = await send("GET", "/api/v1/pods", undefined, headers);
  const token = await send("POST", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/holdfast-operator/token`, body);

  expect([asAdmin.status, token.status]).toEqual([403, 403]);
});

test.each(["backup", "restore"] as const)(
  "a %s runs with the ClusterRole of jobs and the Secrets that are opened to it by name",
  async (work) => {
    const job = await world.makeJob(work);
    const account = await world.makeAccount(job.namespace);
    const serviceAccount = { namespace: account.namespace, name: account.name };
    const only = ({ action }: NeededRight) => action.resource === "secrets" || action.namespace !== job.namespace;
    for (const manifest of rolesFor(work, { ...job, session: "*" }, { name: account.name, serviceAccount, only })) {
      await server.objects.apply(manifest as unknown as KubernetesObject);
    }
    await server.objects.apply(
      bindingTo("ClusterRole", JOB_CLUSTER_ROLE, { ...serviceAccount, name: `${account.name}-job` }, serviceAccount),
    );
    await account.untilAllowed(neededRights(work, job));

    const outcome = await runJob(work, job, account.cluster);

    expect(outcome).toEqual({ error: undefined, warnings: [] });
    const elsewhere = { namespace: world.namespaces.databases, name: "somebody-elses" };
    await expect(account.cluster.secret(elsewhere)).rejects.toMatchObject({ exitCode: 41, reason: "Forbidden" });
    const secrets = { group: "", resource: "secrets", namespace: job.namespace };
    for (const verb of ["get", ...more]) expect(await account.cluster.mayI({ ...secrets, verb, name: "any" })).toBe(false);
    for (const resource of ["pods/exec", "pods"]) expect(await account.cluster.mayI({ ...secrets, verb: "create", resource })).toBe(false);
  },
);

test("the ClusterRole of jobs opens no Secret, and changes nothing but statuses", () => {
  const { rules } = jobRole();

  expect(rules.flatMap(({ resources }) => resources)).not.toContain("secrets");
  const writes = rules.filter(({ verbs }) => verbs.join() !== "get").flatMap(({ resources, verbs }) => `${verbs} ${resources}`);
  expect(writes.sort()).toEqual([
    "create events",
    "update backupsessions/status",
    "update repositories/status",
    "update restoresessions/status",
  ]);
});

test("where Secrets are opened to the operator in one namespace alone, it neither reads nor opens those of another", async () => {
  await using other = await startKubernetes({ crds: CRDS });
  const isForAll = ({ kind, metadata }: KubernetesObject) => kind === "ClusterRoleBinding" && metadata.name === SECRETS_ROLE;
  const limited = await asOperator(other, { without: isForAll });
  const [open, closed] = [await other.objects.createNamespace(), await other.objects.createNamespace()];
  await other.objects.apply(
    bindingTo("ClusterRole", SECRETS_ROLE, { name: "open", namespace: open }, { namespace: NAMESPACE, name: "holdfast-operator" }),
  );
  for (const namespace of [open, closed]) {
    await other.objects.apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "key", namespace }, stringData: { password: "hush" } });
  }
  await untilFound(() => limited("GET", `/api/v1/namespaces/${open}/secrets/key`));
  const rules = [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["key"], verbs: ["get"] }];

  const outcomes = [];
  for (const namespace of [open, closed]) {
    const read = await limited("GET", `/api/v1/namespaces/${namespace}/secrets/key`);
    const role = { ...RBAC, kind: "Role", metadata: { name: "opens", namespace }, rules };
    const made = await limited("POST", `/apis/${RBAC.apiVersion}/namespaces/${namespace}/roles`, role);
    outcomes.push([read.status, made.status]);
  }

  expect(outcomes).toEqual([
    [200, 201],
    [403, 403],
  ]);
}, 180_000);

interface Asked {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name?: string;
}

/** What the API server says the operator may. */
async function mayI({ verb, group, resource: whole, namespace, name }: Asked): Promise<boolean> {
  const [resource, subresource] = whole.split("/");
  const resourceAttributes = { verb, group, resource, subresource, namespace, name };
  const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: { resourceAttributes } };
  const answer = await send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body);
  expect(answer.status).toBe(201);
  return (answer.body.status as { allowed: boolean }).allowed;
}

/** As the operator. */
function make({ kind, metadata, ...rest }: KubernetesObject) {
  const path = `/apis/${RBAC.apiVersion}/namespaces/${metadata.namespace}/${kind.toLowerCase()}s?fieldValidation=Strict`;
  return send("POST", path, { kind, metadata, ...rest });
}

function bindingTo(
  kind: "Role" | "ClusterRole",
  name: string,
  metadata: { readonly name: string; readonly namespace: string },
  account = { namespace: metadata.namespace, name: "anybody" },
): KubernetesObject {
  const roleRef = { apiGroup: RBAC_GROUP, kind, name };
  return { ...RBAC, kind: "RoleBinding", metadata: { ...metadata }, roleRef, subjects: [{ kind: "ServiceAccount", ...account }] };
}

async function untilFound(ask: () => Promise<{ readonly status: number }>): Promise<void> {
  for (const deadline = Date.now() + 30_000; (await ask()).status !== 200; ) {
    if (Date.now() > deadline) throw new Error("Not granted in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
