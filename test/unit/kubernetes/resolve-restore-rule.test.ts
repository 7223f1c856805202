import { selectRestoreRule } from "../../../runner/kubernetes/resolve-restore-rule.ts";
import { restoreSession } from "./resolve-parts.ts";

const ref = { kind: "AppBinding", name: "carts" };
type Rules = readonly Readonly<Record<string, unknown>>[];

function select(rules: Rules, alias?: string) {
  return selectRestoreRule(restoreSession({ target: { ref, alias, rules } }));
}

test.each([
  ["no rules", [], undefined, { hostname: "", sourceHostname: "", snapshots: [] }],
  ["no rules, but an alias", [], "a", { hostname: "", sourceHostname: "", snapshots: [] }],
  ["latest", [{ snapshots: ["latest"] }], undefined, { hostname: "", sourceHostname: "", snapshots: ["latest"] }],
  ["latest, with an alias", [{ snapshots: ["latest"] }], "a", { hostname: "a", sourceHostname: "a", snapshots: ["latest"] }],
  ["one snapshot", [{ snapshots: ["4bc21d6f"] }], "a", { hostname: "a", sourceHostname: "a", snapshots: ["4bc21d6f"] }],
  ["another host", [{ sourceHost: "s" }], "a", { hostname: "a", sourceHostname: "s", snapshots: [] }],
  ["another host, without an alias", [{ sourceHost: "s" }], undefined, { hostname: "", sourceHostname: "s", snapshots: [] }],
  ["several snapshots", [{ snapshots: ["a", "b"] }], undefined, { hostname: "", sourceHostname: "", snapshots: ["a", "b"] }],
  [
    "a rule of its own before the one for all the others",
    [{ sourceHost: "s" }, { targetHosts: ["a"], sourceHost: "t" }],
    "a",
    { sourceHostname: "t" },
  ],
  [
    "the rule for all the others",
    [
      { targetHosts: ["b"], sourceHost: "t" },
      { targetHosts: [], sourceHost: "s" },
    ],
    "a",
    { sourceHostname: "s" },
  ],
] as const)("a restore by rules: %s", (_, rules, alias, expected) => {
  expect(select(rules as Rules, alias)).toMatchObject(expected);
});

test("old sessions have their rules beside the target; both at once are refused", () => {
  const old = restoreSession({ rules: [{ snapshots: ["4bc21d6f"] }] });
  const both = restoreSession({ rules: [{ snapshots: ["a"] }], target: { ref, rules: [{ snapshots: ["b"] }] } });

  expect(selectRestoreRule(old).snapshots).toEqual(["4bc21d6f"]);
  expect(() => selectRestoreRule(both)).toThrow("has both spec.rules and spec.target.rules");
});

test.each([
  ["none of its rules is for the alias", [{ targetHosts: ["b"], snapshots: ["latest"] }], "a"],
  ["none of its rules is for a target without an alias", [{ targetHosts: ["b"] }], undefined],
  ["two rules have no targetHosts", [{ snapshots: ["a"] }, { snapshots: ["b"] }], undefined],
  ['the host "a" stands in two rules', [{ targetHosts: ["a"] }, { targetHosts: ["b", "a"] }], "a"],
  ["both snapshots and paths", [{ snapshots: ["a"], paths: ["/x"] }], undefined],
] as const)("rules are refused: %s", (message, rules, alias) => {
  expect(() => select(rules as Rules, alias)).toThrow(message);
});
