import { type DatabaseDescription, type DataDescription, diffData, expectSameData } from "../../tools/redis-equality.ts";

function database(parts: Partial<DatabaseDescription> = {}): DatabaseDescription {
  const streams = new Map([["events", '{"length":3}']]);
  const values = new Map([["a", "11"]]);
  const expiries = new Map([["a", 1_000]]);
  return { size: 1, values, expiries, expirySlackMs: 0, fieldExpiries: new Map([["h → f", 2_000]]), streams, ...parts };
}

function data(parts: Partial<DatabaseDescription> = {}, functions: [string, string][] = []): DataDescription {
  return { digest: "d", databases: new Map([[3, database(parts)]]), functions: new Map(functions) };
}

test("the same data have no differences", () => {
  expect(diffData(data(), data())).toEqual([]);
  expect(() => expectSameData(data(), data())).not.toThrow();
});

test("comparing with nothing is an error, not an equality", () => {
  const empty = { digest: "0", databases: new Map(), functions: new Map() };

  expect(() => expectSameData(empty, empty)).toThrow("Nothing was compared");
});

test.each([
  ["a field's expiry", data({ fieldExpiries: new Map([["h → f", 2_001]]) }), 'database 3, field expiry of "h → f": expected 2000, is 2001'],
  ["a missing expiry", data({ expiries: new Map() }), 'database 3, expiry of "a": expected 1000, is none'],
  ["a function library", data({}, [["lib", "LUA: x"]]), 'function library "lib": expected none, is LUA: x'],
  ["the number of keys", data({ size: 2 }), "database 3: expected 1 keys, has 2"],
  ["a missing database", { ...data(), databases: new Map() }, "database 3: expected 1 keys, has 0"],
])("%s that differs is named", (_, actual, difference) => {
  expect(diffData(data(), actual)).toContain(difference);
});

test("a key of any bytes is printed readably", () => {
  const actual = data({ values: new Map([["\xff\x00\n", "1"]]) });

  expect(diffData(data(), actual)).toContain('database 3, value of "\\xff\\u0000\\n": expected none, is 1');
});

test("times that a server only tells roughly may differ by as much as both say, and no more", () => {
  const rough = (at: number, expirySlackMs: number) => data({ expiries: new Map([["a", at]]), expirySlackMs });

  expect(diffData(rough(1_000, 2), rough(1_003, 1))).toEqual([]);
  expect(diffData(rough(1_000, 2), rough(1_004, 1))).toHaveLength(1);
});
