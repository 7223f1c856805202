import { seededRandom } from "../../tools/seeded-random.ts";

test("the same seed gives the same values, another seed others", () => {
  const [one, same, other] = [seededRandom(1), seededRandom(1), seededRandom(2)];

  expect(same.bytes(64)).toEqual(one.bytes(64));
  expect(same.text(200)).toBe(one.text(200));
  expect(other.bytes(64)).not.toEqual(seededRandom(1).bytes(64));
});

test("numbers stay below their limit and reach every value", () => {
  const random = seededRandom(3);

  const seen = new Set(Array.from({ length: 1000 }, () => random.below(10)));

  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("texts and bytes have the length asked for", () => {
  const random = seededRandom(4);

  expect([0, 1, 7, 1001].map((length) => random.text(length).length)).toEqual([0, 1, 7, 1001]);
  expect([0, 1, 7, 1001].map((length) => random.bytes(length).length)).toEqual([0, 1, 7, 1001]);
});
