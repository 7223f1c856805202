import { ParameterError } from "../../../runner/errors.ts";
import { findTarget, otherTargets, withTarget } from "../../../runner/kubernetes/status-target.ts";
import { failureOf } from "./temporary-manifests.ts";

const ref = { apiVersion: "appcatalog.appscode.com/v1alpha1", kind: "AppBinding", name: "sample", namespace: "demo" };
const target = { ref: { ...ref, extra: 1 }, totalHosts: 1, unknown: { deep: true } };
const other = { ref: { ...ref, name: "other" } };
const status = { phase: "Running", targets: [other, target] };

test("a target is found by its ref, whatever else stands in it", () => {
  expect(findTarget(status, ref)).toBe(target);
  expect(otherTargets(status, ref)).toEqual([other]);
});

test.each(["apiVersion", "kind", "name", "namespace"])("a ref with another %s, or with none, is of another target", async (part) => {
  const { [part as "name"]: _, ...partial } = ref;

  for (const near of [{ ...ref, [part]: "else" }, partial]) {
    const found = { targets: [{ ref: near }] };
    expect(findTarget(found, ref)).toBeUndefined();
    expect(otherTargets(found, ref)).toHaveLength(1);
  }
});

test.each([[{}], [{ targets: null }], [{ targets: [] }], [{ targets: [{}, { ref: null }, { ref: "text" }] }]])(
  "there is no target in %j",
  (empty) => {
    expect(findTarget(empty, ref)).toBeUndefined();
  },
);

test("a change touches the target's own entry alone", () => {
  const changed = withTarget(status, ref, (entry) => ({ ...entry, totalHosts: 2 }));

  expect(changed).toEqual({ phase: "Running", targets: [other, { ...target, totalHosts: 2 }] });
  expect(status.targets[1]).toBe(target);
});

test("a change that changes nothing gives back the very same status", () => {
  expect(withTarget(status, ref, (entry) => entry)).toBe(status);
});

test("a target that is not there is not added: the error names it, and those that are there", async () => {
  const missing = { ...ref, namespace: "shop" };

  const error = await failureOf(() => withTarget(status, missing, (entry) => entry));

  expect(error).toBeInstanceOf(ParameterError);
  expect(error).toMatchObject({
    reason: "TargetNotInSession",
    message: "Target appcatalog.appscode.com/v1alpha1 AppBinding shop/sample is not in the session's status",
    hint: "The status names appcatalog.appscode.com/v1alpha1 AppBinding demo/other, appcatalog.appscode.com/v1alpha1 AppBinding demo/sample",
  });
});
