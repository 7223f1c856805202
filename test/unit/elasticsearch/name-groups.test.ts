import { nameGroups } from "../../../functions/elasticsearch/name-groups.ts";
import { pathOf } from "../../../functions/elasticsearch/transport.ts";

test("Groups hold every name once, in order, and stay short in a path whatever the names are made of", () => {
  const names = Array.from({ length: 500 }, (_, at) => `${"ä".repeat(at % 80)}-${at}`);

  const groups = nameGroups(names);

  expect(groups.flat()).toEqual(names);
  expect(groups.length).toBeGreaterThan(1);
  expect(Math.max(...groups.map((group) => pathOf(group).length))).toBeLessThanOrEqual(3_001);
  expect(nameGroups([])).toEqual([]);
});

test("A name that is longer than a group is a group", () => {
  expect(nameGroups(["a", "€".repeat(600), "b"]).map((group) => group.length)).toEqual([1, 1, 1]);
});
