import { clusterRoles } from "../../../deploy/rbac.ts";
import { type JobObjects, neededRights } from "../../../runner/kubernetes/needed-rights.ts";
import { RIGHTS, rightsFor, WORKS, type Work } from "../../../runner/kubernetes/permissions.ts";
import { clusterRoleFor, type RoleManifest, rolesFor } from "../../../runner/kubernetes/role-manifests.ts";

const works = Object.keys(WORKS) as Work[];
const objects: JobObjects = {
  namespace: "jobs",
  session: "sample-1",
  invoker: { kind: "BackupConfiguration", name: "sample" },
  appBinding: { namespace: "demo", name: "redis", secrets: ["redis-auth", "redis-tls"] },
  repository: { namespace: "backups", name: "repo", secrets: ["storage"], selectsNamespaces: true },
};
const serviceAccount = { namespace: "jobs", name: "backup" };

function rolesOf(work: Work, of: JobObjects = objects): RoleManifest[] {
  const documents = rolesFor(work, of, { name: "holdfast", serviceAccount });
  return documents.filter((each): each is RoleManifest => each.kind === "Role");
}

/** Each rule as one line for each verb: what it lets do, and to which names. */
function linesOf({ metadata, rules }: RoleManifest): string[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    verbs.map((verb) => `${metadata.namespace} ${verb} ${apiGroups}/${resources} ${resourceNames ?? "*"}`),
  );
}

test("no right lists, watches, patches or deletes, and none is for all resources of a group", () => {
  for (const { verb, group, resource } of RIGHTS) {
    expect(["get", "update", "create"]).toContain(verb);
    expect(`${group}${resource}`).not.toContain("*");
  }
});

test("what is updated is a status alone, and what is created an event alone", () => {
  const writes = RIGHTS.filter(({ verb }) => verb !== "get").map(({ verb, resource }) => `${verb} ${resource}`);

  expect(new Set(writes)).toEqual(
    new Set(["update backupsessions/status", "update restoresessions/status", "update repositories/status", "create events"]),
  );
});

test("all that a run goes on without are events and the status of the Repository", () => {
  const optional = RIGHTS.filter(({ without }) => without !== "fails").map(({ resource }) => resource);

  expect(new Set(optional)).toEqual(new Set(["events", "repositories/status"]));
});

test.each(works)("each right of %s is listed once", (work) => {
  const keys = rightsFor(work).map(({ verb, group, resource, object, place }) => [verb, group, resource, object, place].join(" "));

  expect(new Set(keys).size).toBe(keys.length);
});

test("a backup over three namespaces has a Role in each, with the names that it needs there", () => {
  expect(rolesOf("backup").flatMap(linesOf)).toEqual([
    "demo get appcatalog.appscode.com/appbindings redis",
    "demo get /secrets redis-auth,redis-tls",
    "backups get stash.appscode.com/repositories repo",
    "backups get /secrets storage",
    "backups update stash.appscode.com/repositories/status repo",
    "jobs get /namespaces jobs",
    "jobs get stash.appscode.com/backupsessions sample-1",
    "jobs get stash.appscode.com/backupconfigurations sample",
    "jobs update stash.appscode.com/backupsessions/status sample-1",
    "jobs create /events *",
  ]);
});

test("without a session a backup has nothing to do with the namespace of its job but for the usage policy, and tells the Repository's of its events", () => {
  const lines = rolesOf("backup", { ...objects, session: undefined, invoker: undefined }).flatMap(linesOf);

  expect(lines.filter((line) => line.startsWith("jobs "))).toEqual(["jobs get /namespaces jobs"]);
  expect(lines.filter((line) => line.includes("events"))).toEqual(["backups create /events *"]);
});

test("a restore writes nothing but its own session's status and events", () => {
  const writes = rolesOf("restore")
    .flatMap(linesOf)
    .filter((line) => !line.includes(" get "));

  expect(writes).toEqual(["jobs update stash.appscode.com/restoresessions/status sample-1", "jobs create /events *"]);
});

test("in one namespace Secrets stand in one rule, by name", () => {
  const one = {
    ...objects,
    appBinding: { ...objects.appBinding, namespace: "jobs" },
    repository: { ...objects.repository, namespace: "jobs" },
  };

  const [role, ...others] = rolesOf("backup", one as JobObjects);

  expect(others).toEqual([]);
  expect(role?.rules.filter(({ resources }) => resources.includes("secrets"))).toEqual([
    { apiGroups: [""], resources: ["secrets"], resourceNames: ["redis-auth", "redis-tls", "storage"], verbs: ["get"] },
  ]);
});

test.each(works)("whatever %s lacks, nothing is granted for all names but the creation of events", (work) => {
  const parts: (keyof JobObjects)[] = ["session", "invoker", "appBinding", "repository"];
  for (const part of parts) {
    for (const role of rolesOf(work, { ...objects, [part]: undefined })) {
      const unnamed = role.rules.filter(({ resourceNames }) => resourceNames === undefined || resourceNames.length === 0);
      expect(unnamed.every(({ resources, verbs }) => resources.join() === "events" && verbs.join() === "create")).toBe(true);
    }
  }
});

test("a job without objects needs no rights", () => {
  for (const work of works) expect(neededRights(work, { namespace: "jobs" })).toEqual([]);
});

test("each Role is bound to the ServiceAccount, whose namespace may be another", () => {
  const documents = rolesFor("backup", objects, { name: "holdfast", serviceAccount });
  const bindings = documents.filter(({ kind }) => kind === "RoleBinding");

  expect(bindings.map(({ metadata }) => metadata.namespace)).toEqual(["demo", "backups", "jobs"]);
  for (const binding of bindings) {
    expect(binding).toMatchObject({
      roleRef: { kind: "Role", name: "holdfast" },
      subjects: [{ kind: "ServiceAccount", ...serviceAccount }],
    });
  }
});

test.each(works)("the ClusterRole for %s has exactly its rights", (work) => {
  const lines = clusterRoleFor(work, "any").rules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.map((verb) => `${verb} ${apiGroups}/${resources}`),
  );

  expect(new Set(lines)).toEqual(new Set(rightsFor(work).map(({ verb, group, resource }) => `${verb} ${group}/${resource}`)));
});

test("there is a ClusterRole for each work", () => {
  expect(clusterRoles().map(({ metadata }) => metadata.name)).toEqual(works.map((work) => `holdfast-${work}`));
});
