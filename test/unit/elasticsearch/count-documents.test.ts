import { countDocuments } from "../../../functions/elasticsearch/count-documents.ts";
import { planRestore } from "../../../functions/elasticsearch/plan-restore.ts";
import type { PreparedTarget } from "../../../functions/elasticsearch/prepare-target.ts";
import { DatabaseUnavailableError, IncompleteError } from "../../../runner/errors.ts";
import { entryOf, PARAMETERS, snapshotOf, targetOf } from "./restorable-scene.ts";
import { type Answers, startScriptedCluster } from "./scripted-cluster.ts";

const plan = planRestore(snapshotOf([entryOf("a"), entryOf("b"), entryOf("there")]), targetOf({ indices: ["there"] }), {
  ...PARAMETERS,
  policy: "skip",
});
const prepared = { loaded: ({ target }: { target: string }) => ({ index: target }) } as unknown as PreparedTarget;
const shards = (failed = 0, successful = 2) => ({ total: 2, successful, failed });
const REFRESHED = { body: { _shards: shards() } };
const counted = (count: number, _shards = shards()) => ({ body: { count, _shards } });

test("all that was restored is refreshed, counted, and as much as in the snapshot; what was skipped is not asked for", async () => {
  await using cluster = await startScriptedCluster({ "/a,b/_refresh": REFRESHED, "/a/_count": counted(1), "/b/_count": counted(1) });

  expect(await countDocuments(cluster.transport, plan, prepared)).toBe(2);
});

test("every index with another number is named, with both", async () => {
  await using cluster = await startScriptedCluster({ "/a,b/_refresh": REFRESHED, "/a/_count": counted(0), "/b/_count": counted(7) });

  const counting = countDocuments(cluster.transport, plan, prepared);

  await expect(counting).rejects.toThrow(IncompleteError);
  await expect(counting).rejects.toMatchObject({
    message: expect.stringContaining('"a" holds 0 instead of 1, "b" holds 7 instead of 1'),
    facts: { differences: { a: { wanted: 1, has: 0 }, b: { wanted: 1, has: 7 } } },
  });
});

test.each<{ name: string; answers: Answers }>([
  { name: "a shard that failed to refresh", answers: { "/a,b/_refresh": { body: { _shards: shards(1) } } } },
  { name: "a shard that failed to count", answers: { "/a,b/_refresh": REFRESHED, "/a/_count": counted(1, shards(1)) } },
  { name: "a shard that did not count", answers: { "/a,b/_refresh": REFRESHED, "/a/_count": counted(1, shards(0, 1)) } },
  { name: "an answer without a count", answers: { "/a,b/_refresh": REFRESHED, "/a/_count": { body: { _shards: shards() } } } },
])("$name is no count, however right the number", async ({ answers }) => {
  await using cluster = await startScriptedCluster({ "/b/_count": counted(1), ...answers });

  await expect(countDocuments(cluster.transport, plan, prepared)).rejects.toThrow(DatabaseUnavailableError);
});
