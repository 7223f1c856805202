import { jobRole } from "../../../deploy/rbac.ts";
import { triggerRules } from "../../../operator/build/trigger-rbac.ts";
import { KINDS, WATCHED_KINDS } from "../../../operator/kinds.ts";
import { OPERATOR_RIGHTS, operatorRules } from "../../../operator/rights.ts";
import { RIGHTS } from "../../../runner/kubernetes/permissions.ts";
import type { RoleRule } from "../../../runner/kubernetes/role-manifests.ts";

const held = linesOf([...operatorRules("cluster"), ...operatorRules("secrets")]);

test("the operator may read, list and watch what it keeps in memory, and get all other kinds that it works with", () => {
  for (const name of WATCHED_KINDS) {
    const { group, plural } = KINDS[name];
    for (const verb of ["get", "list", "watch"]) expect(held).toContain(`${verb} ${group}/${plural}`);
  }
  for (const name of ["Task", "Function", "PersistentVolumeClaim"] as const) {
    expect(held).toContain(`get ${KINDS[name].group}/${KINDS[name].plural}`);
  }
});

test("it holds whatever it gives to jobs and triggers: an API server lets nobody give more", () => {
  const given = [
    ...RIGHTS.map(({ verb, group, resource }) => `${verb} ${group}/${resource}`),
    ...linesOf(jobRole().rules),
    ...linesOf(triggerRules()),
  ];

  expect(given.filter((line) => !held.includes(line))).toEqual([]);
});

test("each right stands in the table once", () => {
  const lines = OPERATOR_RIGHTS.flatMap(({ verbs, group, resource, names = [] }) =>
    verbs.map((verb) => `${verb} ${group}/${resource} ${names}`),
  );

  expect(lines.filter((line, index) => lines.indexOf(line) !== index)).toEqual([]);
});

test("Secrets are read one by one, and stand in a role of their own", () => {
  expect(operatorRules("secrets")).toEqual([{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }]);
  expect(linesOf(operatorRules("cluster")).filter((line) => line.includes("secrets"))).toEqual([]);
});

test("it binds to one ClusterRole, and may neither escalate nor impersonate", () => {
  const rules = operatorRules("cluster").filter(({ verbs }) =>
    verbs.some((verb) => ["bind", "escalate", "impersonate", "*"].includes(verb)),
  );

  expect(rules).toEqual([
    { apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"], resourceNames: ["holdfast-job"], verbs: ["bind"] },
  ]);
});

test("in its own namespace it has its Lease, and nothing else", () => {
  expect(operatorRules("own")).toEqual([
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["holdfast-operator"], verbs: ["get", "update"] },
  ]);
});

/** Each rule as one line for each verb and resource. */
function linesOf(rules: readonly RoleRule[]): readonly string[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${apiGroups}/${resource}`)),
  );
}
