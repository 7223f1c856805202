import { addProgress } from "../../../functions/redis/restore-outcome.ts";
import { RestoreTally } from "../../../functions/redis/restore-tally.ts";
import { DatabaseUnavailableError, type HoldfastError, IncompleteError } from "../../../runner/errors.ts";

const parts = { unanswered: 2, libraries: { restored: [], skipped: [] }, isMaxBulkKnown: true };

function tallyOf(keys: number): RestoreTally {
  const tally = new RestoreTally("fail", () => 0);
  tally.enter(0);
  for (let key = 0; key < keys; key += 1) tally.accepted(0);
  return tally;
}

test("after a lost connection a restore may go on, or begin again", () => {
  const error = addProgress(new DatabaseUnavailableError("Gone"), tallyOf(5), parts) as HoldfastError;

  expect(error.hint).toMatch(/has 5 keys of the snapshot, and up to 2 more .* --policy skip goes on .* --policy replace/);
  expect(error.facts).toMatchObject({ restored: 5, unanswered: 2 });
});

test("after damage nobody is told to keep what was written: it may come from another object", () => {
  const error = addProgress(new IncompleteError("Object is damaged"), tallyOf(5), parts) as HoldfastError;

  expect(error.hint).toMatch(/has 5 keys, .* may not be those of the snapshot: --policy replace/);
  expect(error.hint).not.toContain("skip");
});
