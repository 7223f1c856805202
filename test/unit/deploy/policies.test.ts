import { admissionPolicies, POLICIES } from "../../../deploy/policies.ts";

interface PolicyManifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly failurePolicy: string;
    readonly policyName: string;
    readonly validationActions: readonly string[];
    readonly matchConditions?: readonly { readonly name: string }[];
    readonly matchConstraints: {
      readonly resourceRules: readonly {
        readonly apiGroups: readonly string[];
        readonly operations: readonly string[];
        readonly resources: readonly string[];
      }[];
    };
  };
}

const manifests = admissionPolicies() as readonly PolicyManifest[];
const policies = manifests.filter(({ kind }) => kind === "ValidatingAdmissionPolicy");

test("each policy denies, by a binding of its own, and fails closed", () => {
  const bindings = manifests.filter(({ kind }) => kind === "ValidatingAdmissionPolicyBinding");

  expect(policies).toHaveLength(POLICIES.length);
  expect(bindings.map(({ spec }) => spec.policyName)).toEqual(policies.map(({ metadata }) => metadata.name));
  for (const { spec } of bindings) expect(spec.validationActions).toEqual(["Deny"]);
  for (const { spec } of policies) expect(spec.failurePolicy).toBe("Fail");
});

test("policies look at Stash's group alone, never at a status, and never at a deletion", () => {
  for (const { apiGroups, operations, resources } of policies.flatMap(({ spec }) => spec.matchConstraints.resourceRules)) {
    expect([apiGroups, operations]).toEqual([["stash.appscode.com"], ["CREATE", "UPDATE"]]);
    expect(resources.join()).not.toMatch(/[/*]/);
  }
});

test("all but one leave alone what does not change and what is being deleted", () => {
  const strict = policies.filter(({ spec }) => spec.matchConditions === undefined);

  expect(strict.map(({ metadata }) => metadata.name)).toEqual(["holdfast-session-spec"]);
  for (const { spec } of policies.filter((each) => !strict.includes(each))) {
    expect(spec.matchConditions?.map(({ name }) => name)).toEqual(["spec-changes", "not-deleted"]);
  }
});

test("every refusal is a sentence that names what is to be changed, without a full stop", () => {
  for (const { message } of POLICIES.flatMap(({ validations }) => validations)) expect(message).toMatch(/^[A-Zs].{20,}[^.]$/);
});
