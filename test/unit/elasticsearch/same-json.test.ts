import { parseExactJson } from "../../../functions/elasticsearch/exact-json.ts";
import { compareJson, isSameJson } from "../../../functions/elasticsearch/same-json.ts";

test.each([
  [{ a: 1, b: [1, 2] }, { b: ["1", "2"], a: "1" }, true],
  [{ a: true }, { a: "true" }, true],
  [null, undefined, true],
  [[1, 2], [2, 1], false],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [{ a: null }, { a: "null" }, false],
  [{ a: { b: 1 } }, { a: [{ b: 1 }] }, false],
  ["", undefined, false],
])("%j and %j are the same: %s", (one, other, expected) => {
  expect(isSameJson(one, other)).toBe(expected);
});

test("numbers that are kept as they were written are compared as they were written", () => {
  const read = (text: string) => parseExactJson(text);

  expect(isSameJson(read('{"a":9223372036854775807}'), read('{"a":9223372036854775807}'))).toBe(true);
  expect(isSameJson(read('{"a":9223372036854775807}'), read('{"a":9223372036854775806}'))).toBe(false);
  expect(isSameJson(read('{"a":9223372036854775807}'), { a: "9223372036854775807" })).toBe(true);
});

test("differences are named by their paths", () => {
  const wanted = { properties: { a: { type: "keyword", ignore_above: 5 }, b: { type: "long" } }, dynamic: "strict" };
  const actual = { properties: { a: { type: "keyword", ignore_above: "6" }, c: { type: "long" } }, dynamic: "strict" };

  expect(compareJson(wanted, actual)).toEqual({
    missing: ["properties.b"],
    changed: ["properties.a.ignore_above"],
    surplus: ["properties.c"],
  });
});
