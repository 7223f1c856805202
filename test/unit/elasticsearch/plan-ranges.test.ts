import fc from "fast-check";
import { planRanges } from "../../../functions/elasticsearch/plan-ranges.ts";

const MEGABYTE = 1024 * 1024;

test("ranges meet without holes and without overlap: every number is in exactly one", () => {
  const size = fc.record({ numbers: fc.integer({ min: 0, max: 2 ** 31 }), storedBytes: fc.integer({ min: 0, max: 2 ** 40 }) });
  fc.assert(
    fc.property(size, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 64 }), (estimate, shardsOfIndex, concurrency) => {
      const ranges = planRanges({ size: estimate, shardsOfIndex, concurrency });

      expect(ranges[0]?.after).toBeUndefined();
      expect(ranges.at(-1)?.end).toBeUndefined();
      for (const [at, { after }] of ranges.entries()) {
        if (at === 0) continue;
        // The range begins behind "after": with the number that the one before ends at.
        expect((after as number) + 1).toBe(ranges[at - 1]?.end);
        // A predecessor of 0 or less is what servers take for the beginning.
        expect(after).toBeGreaterThan(0);
        expect((ranges[at]?.end ?? Number.POSITIVE_INFINITY) > (after as number) + 1).toBe(true);
      }
      expect(ranges.map(({ part }) => part)).toEqual(ranges.length === 1 ? [undefined] : ranges.map((_, at) => at + 1));
    }),
  );
});

test.each([
  { what: "one large shard is cut for all readers", numbers: 1_000_000, megabytes: 1_000, shards: 1, concurrency: 4, parts: 4 },
  { what: "few large shards are cut for all readers", numbers: 1_000_000, megabytes: 1_000, shards: 2, concurrency: 5, parts: 3 },
  { what: "as many shards as readers are not cut", numbers: 1_000_000, megabytes: 1_000, shards: 4, concurrency: 4, parts: 1 },
  { what: "a small shard is not cut", numbers: 1_000_000, megabytes: 10, shards: 1, concurrency: 4, parts: 1 },
  { what: "few large documents are not cut", numbers: 900, megabytes: 1_000, shards: 1, concurrency: 4, parts: 1 },
  { what: "a single reader needs no parts", numbers: 1_000_000, megabytes: 1_000, shards: 1, concurrency: 1, parts: 1 },
])("$what", ({ numbers, megabytes, shards, concurrency, parts }) => {
  const ranges = planRanges({ size: { numbers, storedBytes: megabytes * MEGABYTE }, shardsOfIndex: shards, concurrency });

  expect(ranges).toHaveLength(parts);
});

test("a shard of unknown size is read as a whole", () => {
  const ranges = planRanges({ size: undefined, shardsOfIndex: 1, concurrency: 8 });

  expect(ranges).toEqual([{ part: undefined, after: undefined, end: undefined }]);
});
