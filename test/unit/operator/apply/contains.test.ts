import { contains } from "../../../../operator/apply/contains.ts";

test.each<[string, unknown, unknown]>([
  ["defaults that the server adds", { spec: { schedule: "@daily", concurrencyPolicy: "Allow" } }, { spec: { schedule: "@daily" } }],
  [
    "what it left out because it was empty",
    { metadata: { name: "a" } },
    { metadata: { name: "a", labels: {}, finalizers: [], note: "", at: null } },
  ],
  ["an empty text in a list's item", { env: [{ name: "A" }] }, { env: [{ name: "A", value: "" }] }],
  ["a false that it does not keep", { volumeMounts: [{ name: "tmp" }] }, { volumeMounts: [{ name: "tmp", readOnly: false }] }],
  ["fields that are undefined", { a: 1 }, { a: 1, b: undefined }],
  ["an amount written otherwise", { limits: { cpu: "1", memory: "1Gi" } }, { limits: { cpu: "1000m", memory: "1024Mi" } }],
  ["an amount as a number", { resources: { requests: { cpu: "2" } } }, { resources: { requests: { cpu: 2 } } }],
  ["an amount with an exponent", { emptyDir: { sizeLimit: "5e9" } }, { emptyDir: { sizeLimit: "5G" } }],
  ["a part of an amount", { requests: { cpu: "700m" } }, { requests: { cpu: "0.7" } }],
  ["lists with defaults in their items", { containers: [{ name: "a", tty: true }] }, { containers: [{ name: "a" }] }],
  ["the core group", { apiGroups: [""] }, { apiGroups: [""] }],
])("%s is as wanted", (_, object, wanted) => {
  expect(contains(object, wanted)).toBe(true);
});

test.each<[string, unknown, unknown]>([
  ["another value", { spec: { schedule: "@daily" } }, { spec: { schedule: "@hourly" } }],
  ["a member that is missing", { spec: {} }, { spec: { schedule: "@daily" } }],
  ["a whole branch that is missing", {}, { spec: { template: { name: "a" } } }],
  ["one item more", { rules: [1, 2] }, { rules: [1] }],
  ["one item less", { rules: [1] }, { rules: [1, 2] }],
  ["another order", { args: ["a", "b"] }, { args: ["b", "a"] }],
  ["a list that is to be empty", { subjects: [{ name: "stranger" }] }, { subjects: [] }],
  ["a list where none is", { args: "a" }, { args: ["a"] }],
  ["the core group instead of another", { apiGroups: ["apps"] }, { apiGroups: [""] }],
  ["the core group instead of none", { apiGroups: [] }, { apiGroups: [""] }],
  ["true instead of false", { suspend: true }, { suspend: false }],
  ["false instead of true", { suspend: false }, { suspend: true }],
  ["a number instead of zero", { backoffLimit: 6 }, { backoffLimit: 0 }],
  ["a missing false that means true", { securityContext: {} }, { securityContext: { allowPrivilegeEscalation: false } }],
  ["the same behind a missing parent", {}, { securityContext: { allowPrivilegeEscalation: false } }],
  ["less of an amount", { limits: { memory: "1G" } }, { limits: { memory: "1Gi" } }],
  ["no amount", { limits: { memory: "much" } }, { limits: { memory: "1Gi" } }],
  ["texts that would be the same amount elsewhere", { labels: { version: "1" } }, { labels: { version: "1000m" } }],
  ["a number as a text", { args: ["1"] }, { args: [1] }],
  ["nothing at all", undefined, { a: 1 }],
])("%s is not as wanted", (_, object, wanted) => {
  expect(contains(object, wanted)).toBe(false);
});
