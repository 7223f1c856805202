import fc from "fast-check";
import { PageSize } from "../../../functions/elasticsearch/page-size.ts";

const MEGABYTE = 1_000_000;

test("pages come to five megabytes, whatever a document has", () => {
  const documentBytes = fc.integer({ min: 200, max: 60 * MEGABYTE });
  const storedShare = fc.double({ min: 0.01, max: 3, noNaN: true });
  fc.assert(
    fc.property(documentBytes, storedShare, (bytes, share) => {
      const size = new PageSize({ storedBytes: bytes * share, mostHits: 1_000_000 });

      for (let page = 0; page < 12; page += 1) size.took(size.hits, size.hits * bytes);

      const page = size.hits * bytes;
      expect(page <= 5 * MEGABYTE || size.hits === 1).toBe(true);
      expect(page > 2.5 * MEGABYTE).toBe(true);
    }),
  );
});

test("a page has at least one hit and never more than the index allows", () => {
  const steps = fc.array(fc.oneof(fc.constant("shrink" as const), fc.integer({ min: 1, max: 100 * MEGABYTE })));
  fc.assert(
    fc.property(
      fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
      fc.integer({ min: 1, max: 20_000 }),
      steps,
      (stored, most, all) => {
        const size = new PageSize({ storedBytes: stored ?? undefined, mostHits: most });

        for (const step of all) {
          if (step === "shrink") size.shrink();
          else size.took(size.hits, step);

          expect(Number.isInteger(size.hits)).toBe(true);
          expect(size.hits).toBeGreaterThanOrEqual(1);
          expect(size.hits).toBeLessThanOrEqual(most);
        }
      },
    ),
  );
});

test("the first page is small when nothing is known, and small enough when documents compressed a hundred times", () => {
  const unknown = new PageSize({ storedBytes: undefined, mostHits: 10_000 });
  const compressed = new PageSize({ storedBytes: 200_000, mostHits: 10_000 });

  expect(unknown.hits).toBe(100);
  // Of 20 MB each.
  expect(compressed.hits).toBeLessThanOrEqual(5);
});

test("after pages that were too much the size comes back slowly", () => {
  const size = new PageSize({ storedBytes: 100, mostHits: 10_000 });
  for (let page = 0; page < 5; page += 1) size.took(size.hits, size.hits * 100);
  const before = size.hits;

  size.shrink();
  size.shrink();
  const shrunk = size.hits;
  size.took(size.hits, size.hits * 100);

  expect(shrunk).toBe(Math.floor(Math.floor(before / 4) / 4));
  expect(size.hits).toBeLessThanOrEqual(Math.ceil(shrunk * 1.25));
  for (let page = 0; page < 20; page += 1) size.took(size.hits, size.hits * 100);
  expect(size.hits).toBe(before);
});

test("a page of one hit cannot shrink", () => {
  const size = new PageSize({ storedBytes: 1e9, mostHits: 10_000 });

  expect([size.hits, size.shrink(), size.hits]).toEqual([1, false, 1]);
});
