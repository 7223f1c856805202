import { diffIndices, keyOf } from "../../tools/search-equality.ts";

const content = (entries: Readonly<Record<string, string>>) =>
  new Map(Object.entries(entries).map(([id, source]) => [keyOf(id, undefined), Buffer.from(source)]));

test("equal contents have no differences, whatever their order", () => {
  expect(diffIndices(content({ a: "{}", b: "[1.0]" }), content({ b: "[1.0]", a: "{}" }))).toEqual([]);
});

test("a missing, a surplus and a changed document are each told, with the byte where the change begins", () => {
  const expected = content({ gone: "{}", changed: '{"a":1.0}' });
  const actual = content({ changed: '{"a":1}', more: "{}" });

  const differences = diffIndices(expected, actual);

  expect(differences).toEqual([
    '["gone"] is missing',
    '["changed"] differs at byte 6 of 9: expected "{\\"a\\":1.0}", found "{\\"a\\":1}" (7 bytes)',
    '["more"] is surplus',
  ]);
});

test("a source that is cut short or goes on is different", () => {
  expect(diffIndices(content({ a: "{}" }), content({ a: "{" }))).toHaveLength(1);
  expect(diffIndices(content({ a: "{}" }), content({ a: "{} " }))).toHaveLength(1);
});

test("many differences are counted, not listed", () => {
  const expected = content(Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`d${index}`, "{}"])));

  const differences = diffIndices(expected, content({}), 3);

  expect(differences).toEqual(['["d0"] is missing', '["d1"] is missing', '["d2"] is missing', "and 22 more"]);
});

test("documents of one id and different routing are different ones", () => {
  expect(new Set([keyOf("a", undefined), keyOf("a", "r"), keyOf("a", ""), keyOf('a","r', undefined)]).size).toBe(4);
});
