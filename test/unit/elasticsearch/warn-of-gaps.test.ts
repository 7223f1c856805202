import { type Gaps, warnOfGaps } from "../../../functions/elasticsearch/warn-of-gaps.ts";

test("closed indices, and those that keep fields out of their source, are warned of by name", () => {
  const warnings = warningsOf({
    closed: ["old-1", "old-2"],
    entries: [
      { name: "a", source: "stored" },
      { name: "b", source: "filtered" },
    ],
  });

  expect(warnings).toEqual({
    ClosedIndicesLeftOut: "Closed indices are not in the snapshot: old-1, old-2; --open-closed takes them in",
    SourceFiltered: "The mapping keeps fields out of the source, which are not in the snapshot: b",
  });
});

test("a snapshot without any index is warned of: the server may have lost them", () => {
  expect(Object.keys(warningsOf({ closed: [], entries: [] }))).toEqual(["NoIndices"]);
});

test("a snapshot that lacks nothing is warned of by nothing", () => {
  expect(warningsOf({ closed: [], entries: [{ name: "a", source: "stored" }] })).toEqual({});
});

function warningsOf(gaps: Gaps): Record<string, string> {
  const warnings: Record<string, string> = {};
  warnOfGaps(gaps, (reason, message) => {
    warnings[reason] = message;
  });
  return warnings;
}
