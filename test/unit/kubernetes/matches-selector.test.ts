import { type LabelSelector, matchesSelector } from "../../../runner/kubernetes/matches-selector.ts";

const labels = { tier: "gold", team: "shop" };
const expression = (key: string, operator: "In" | "NotIn" | "Exists" | "DoesNotExist", values?: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }],
});

test.each<[string, LabelSelector, boolean]>([
  ["nothing", {}, true],
  ["a label's value", { matchLabels: { tier: "gold" } }, true],
  ["another value", { matchLabels: { tier: "iron" } }, false],
  ["one right and one wrong value", { matchLabels: { tier: "gold", team: "x" } }, false],
  ["a name that every object inherits", { matchLabels: { constructor: "x" } }, false],
  ["In with the value", expression("tier", "In", ["iron", "gold"]), true],
  ["In without values", expression("tier", "In"), false],
  ["In for a missing label", expression("zone", "In", ["a"]), false],
  ["NotIn with the value", expression("tier", "NotIn", ["gold"]), false],
  ["NotIn for a missing label", expression("zone", "NotIn", ["a"]), true],
  ["Exists", expression("tier", "Exists"), true],
  ["Exists for a missing label", expression("toString", "Exists"), false],
  ["DoesNotExist", expression("tier", "DoesNotExist"), false],
  ["DoesNotExist for a missing label", expression("zone", "DoesNotExist"), true],
  ["labels that fit and an expression that does not", { matchLabels: { tier: "gold" }, ...expression("team", "DoesNotExist") }, false],
])("a selector that asks for %s gives %p %p", (_, selector, expected) => {
  expect(matchesSelector(selector, labels)).toBe(expected);
});
