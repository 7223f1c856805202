import { assertNoDifferences, countReplaced, type DatabaseCheck, findDifferences } from "../../../functions/redis/restore-postflight.ts";

const NOW = 1_700_000_000_000;

interface Change {
  readonly before?: { keys: number; expires: number | undefined };
  readonly after?: { keys: number; expires: number | undefined };
  readonly persistent?: number;
  readonly volatile?: number;
  readonly expired?: number;
  /** Keys by the second, from now, in which they expire. */
  readonly expiringIn?: readonly (readonly [second: number, keys: number])[];
}

function check(change: Change): DatabaseCheck {
  const { before = { keys: 0, expires: 0 }, after = { keys: 0, expires: 0 }, persistent = 0, volatile = 0, expired = 0 } = change;
  const expiringAt = new Map((change.expiringIn ?? []).map(([second, keys]) => [NOW / 1000 + second, keys]));
  return { database: 3, before, after, tally: { persistent, volatile, expired, expiringAt }, afterAtMs: NOW };
}

test.each<[string, Change]>([
  ["everything is there", { after: { keys: 5, expires: 2 }, persistent: 3, volatile: 2 }],
  ["keys whose time came meanwhile are gone", { after: { keys: 4, expires: 1 }, persistent: 3, volatile: 3, expiringIn: [[-5, 2]] }],
  [
    "keys whose time came are still counted by the server",
    { after: { keys: 6, expires: 3 }, persistent: 3, volatile: 3, expiringIn: [[-5, 2]] },
  ],
  ["a key expires in the very second of the count", { after: { keys: 3, expires: 0 }, persistent: 3, volatile: 1, expiringIn: [[0, 1]] }],
  ["nothing was restored", {}],
  ["INFO is not allowed", { before: { keys: 0, expires: undefined }, after: { keys: 5, expires: undefined }, persistent: 3, volatile: 2 }],
])("policy fail: no difference when %s", (_what, change) => {
  expect(findDifferences(check(change), "fail")).toEqual([]);
});

test.each<[string, Change, string]>([
  ["one key is missing", { after: { keys: 2, expires: 0 }, persistent: 3 }, "database 3 holds 2 keys without expiry instead of 3"],
  ["one key is too many", { after: { keys: 4, expires: 0 }, persistent: 3 }, "database 3 holds 4 keys without expiry instead of 3"],
  [
    "a key is missing behind one that expired",
    {
      after: { keys: 1, expires: 1 },
      volatile: 3,
      expiringIn: [
        [-5, 1],
        [500, 2],
      ],
    },
    "database 3 holds 1 keys with expiry instead of 2 to 3",
  ],
  [
    "a key lost its expiry",
    { after: { keys: 3, expires: 1 }, persistent: 1, volatile: 2 },
    "database 3 holds 2 keys without expiry instead of 1",
  ],
  [
    "a key is missing and INFO is not allowed",
    { before: { keys: 0, expires: undefined }, after: { keys: 4, expires: undefined }, persistent: 3, volatile: 2 },
    "database 3 holds 4 keys instead of 5",
  ],
])("policy fail: a difference when %s", (_what, change, expected) => {
  expect(findDifferences(check(change), "fail")).toContain(expected);
});

test("policy skip: keys from before must still be there beside the restored ones", () => {
  const before = { keys: 10, expires: 4 };

  expect(findDifferences(check({ before, after: { keys: 12, expires: 3 }, persistent: 3 }), "skip")).toEqual([]);
  expect(findDifferences(check({ before, after: { keys: 11, expires: 3 }, persistent: 3 }), "skip")).toEqual([
    "database 3 holds 8 keys without expiry instead of at least 9",
  ]);
});

test("policy replace: restored keys must be there, whether they replaced others or not", () => {
  const before = { keys: 10, expires: 0 };

  expect(findDifferences(check({ before, after: { keys: 10, expires: 0 }, persistent: 3 }), "replace")).toEqual([]);
  expect(findDifferences(check({ before, after: { keys: 2, expires: 0 }, persistent: 3 }), "replace")).toHaveLength(1);
});

test("replaced keys are counted where nothing expires, and not guessed where something does", () => {
  expect(countReplaced(check({ before: { keys: 10, expires: 0 }, after: { keys: 11, expires: 0 }, persistent: 3 }))).toBe(2);
  expect(countReplaced(check({ after: { keys: 3, expires: 0 }, persistent: 3 }))).toBe(0);
  expect(countReplaced(check({ before: { keys: 10, expires: 1 }, after: { keys: 11, expires: 0 }, persistent: 3 }))).toBeUndefined();
  expect(countReplaced(check({ before: { keys: 10, expires: 0 }, after: { keys: 14, expires: 0 }, persistent: 3 }))).toBeUndefined();
});

test("differences make the restore incomplete, and evicted keys are named as the cause", () => {
  expect(() => assertNoDifferences([], 0)).not.toThrow();
  expect(() => assertNoDifferences(["database 0 holds less"], 0)).toThrow(expect.objectContaining({ exitCode: 3, reason: "CountsDiffer" }));
  expect(() => assertNoDifferences(["database 0 holds less"], 7)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("evicted 7 keys") }),
  );
});
