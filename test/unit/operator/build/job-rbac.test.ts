import { jobAccount, jobRights } from "../../../../operator/build/job-rbac.ts";
import { triggerRules } from "../../../../operator/build/trigger-rbac.ts";
import type { Fields, LiveObject, WantedObject } from "../../../../operator/objects.ts";
import { parseObject } from "../../../../runner/kubernetes/parse-object.ts";
import { backupRequest, type RunRequest, restoreRequest } from "../../../../runner/kubernetes/resolve-request.ts";
import { clusterRoleFor, type RoleRule } from "../../../../runner/kubernetes/role-manifests.ts";
import { appBinding, backupConfiguration, repository, SETTINGS } from "../invoker-world.ts";

const ELSEWHERE = { namespace: "cellar", name: "vault" };

function request(spec: Fields = {}): { invoker: LiveObject; request: RunRequest } {
  const wanted = backupConfiguration(spec, { uid: "u-1" });
  const parsed = parseObject("BackupConfiguration", wanted, { name: "nightly" });
  return {
    invoker: wanted as unknown as LiveObject,
    request: backupRequest(parsed, { session: { name: "nightly" }, targetIndex: 0 }),
  };
}

function rights(spec: Fields = {}, parts: { binding?: Fields; place?: typeof ELSEWHERE } = {}): readonly WantedObject[] {
  const made = request(spec);
  return jobRights(made.request, {
    invoker: made.invoker,
    appBinding: parseObject("AppBinding", appBinding(parts.binding), { name: "carts" }),
    repository: parseObject("Repository", repository({}, parts.place), { name: "vault" }),
    settings: SETTINGS,
  });
}

function rulesIn(objects: readonly WantedObject[], namespace: string): readonly RoleRule[] {
  return objects
    .filter(({ kind, metadata }) => kind === "Role" && metadata.namespace === namespace)
    .flatMap(({ rules }) => rules as RoleRule[]);
}

test("an account, bound to the ClusterRole of all jobs, and to the Secrets of AppBinding and Repository by name", () => {
  const made = rights({}, { binding: { parameters: { clientCertSecret: { name: "carts-certificate" } } } });

  expect(made.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
    "ServiceAccount shop/backupconfiguration-nightly-0",
    "RoleBinding shop/backupconfiguration-nightly-0",
    "Role shop/backupconfiguration-nightly-0-secrets",
    "RoleBinding shop/backupconfiguration-nightly-0-secrets",
  ]);
  expect(rulesIn(made, "shop")).toEqual([
    { apiGroups: [""], resources: ["secrets"], resourceNames: ["carts-login", "carts-certificate", "vault-key"], verbs: ["get"] },
  ]);
  expect(made[1]).toMatchObject({
    roleRef: { kind: "ClusterRole", name: "holdfast-job" },
    subjects: [{ kind: "ServiceAccount", namespace: "shop", name: "backupconfiguration-nightly-0" }],
  });
});

test("everything in the invoker's namespace goes with the invoker, and carries its labels", () => {
  for (const { metadata } of rights()) {
    expect(metadata.ownerReferences).toEqual([expect.objectContaining({ kind: "BackupConfiguration", uid: "u-1", controller: true })]);
    expect(metadata.labels).toEqual({
      team: "carts",
      "app.kubernetes.io/component": "stash-backup",
      "app.kubernetes.io/managed-by": "stash.appscode.com",
    });
  }
});

test("an account of the user's is bound, and neither made nor changed", () => {
  const made = rights({ runtimeSettings: { pod: { serviceAccountName: "mine", serviceAccountAnnotations: { role: "a" } } } });

  expect(made.map(({ kind }) => kind)).not.toContain("ServiceAccount");
  const subjects = made.filter(({ kind }) => kind === "RoleBinding").flatMap((binding) => binding.subjects as readonly Fields[]);
  expect(subjects.map(({ name }) => name)).toEqual(["mine", "mine"]);
});

test("an account of ours carries the annotations that are asked for", () => {
  const [account] = rights({ runtimeSettings: { pod: { serviceAccountAnnotations: { "eks.amazonaws.com/role-arn": "arn" } } } });

  expect(account?.metadata.annotations).toEqual({ "eks.amazonaws.com/role-arn": "arn" });
});

test("a Repository elsewhere opens its own Secret there, and nothing here", () => {
  const made = rights({ repository: ELSEWHERE }, { place: ELSEWHERE });

  expect(rulesIn(made, "shop").flatMap(({ resourceNames }) => resourceNames)).toEqual(["carts-login"]);
  expect(rulesIn(made, "cellar").map(({ resources, resourceNames, verbs }) => [resources[0], resourceNames, verbs])).toEqual([
    ["repositories", ["vault"], ["get"]],
    ["secrets", ["vault-key"], ["get"]],
    ["repositories/status", ["vault"], ["update"]],
  ]);
});

test("a target elsewhere opens nothing there, even where the Repository lies beside it", () => {
  const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "carts", namespace: "cellar" };

  const made = rights({ repository: ELSEWHERE, target: { ref } }, { place: ELSEWHERE });

  expect(rulesIn(made, "shop")).toEqual([]);
  expect(rulesIn(made, "cellar").flatMap(({ resourceNames }) => resourceNames)).toEqual(["vault", "vault-key", "vault"]);
});

test("a restore's rights go with its RestoreSession", () => {
  const { kind: _, apiVersion, ...rest } = backupConfiguration({}, { name: "back", uid: "u-2" });
  const session = { ...rest, apiVersion, kind: "RestoreSession" } as unknown as LiveObject;
  const parsed = parseObject("RestoreSession", session, { name: "back" });
  const restore = restoreRequest(parsed);

  const made = jobRights(restore, {
    invoker: session,
    appBinding: parseObject("AppBinding", appBinding(), { name: "carts" }),
    repository: parseObject("Repository", repository(), { name: "vault" }),
    settings: SETTINGS,
  });

  expect(jobAccount(restore, session)).toBe("restoresession-back-0");
  expect(made[0]?.metadata).toMatchObject({ name: "restoresession-back-0", labels: { "app.kubernetes.io/component": "stash-restore" } });
});

test("no Role of a job holds more than the table of a job's rights says", () => {
  const all = clusterRoleFor("backup", "all").rules;
  const made = rights({ repository: ELSEWHERE }, { place: ELSEWHERE });

  for (const { apiGroups, resources, verbs } of [...rulesIn(made, "shop"), ...rulesIn(made, "cellar")]) {
    expect(all).toContainEqual({ apiGroups, resources, verbs });
  }
});

test("a trigger may make sessions, look at its own invoker, and nothing else", () => {
  expect(triggerRules("nightly").map(({ resources, resourceNames, verbs }) => [...resources, resourceNames, verbs])).toEqual([
    ["backupsessions", undefined, ["create", "get"]],
    ["backupconfigurations", ["nightly"], ["get"]],
    ["backupconfigurations/finalizers", ["nightly"], ["update"]],
    ["events", undefined, ["create"]],
  ]);
});
