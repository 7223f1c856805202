import { randomBytes } from "node:crypto";
import { HoldfastError } from "../../../runner/errors.ts";
import { applyRetention } from "../../../runner/snapshot/apply-retention.ts";
import { listSnapshots } from "../../../runner/snapshot/list-snapshots.ts";
import { prune } from "../../../runner/snapshot/prune.ts";
import { verifySnapshots } from "../../../runner/snapshot/verify.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { FailingStore, type StoreFault } from "../../fakes/failing-store.ts";
import { type Bucket, head, makeBucket, onStore, result, takeSnapshot } from "./snapshot-parts.ts";

const HOUR = 60 * 60 * 1000;
const start = Date.parse("2030-01-02T03:04:05Z");
const never = new AbortController().signal;
const at = (hours: number) => () => new Date(start + hours * HOUR);
let bucket: Bucket;
let newest: string;

/** Three snapshots, the newest of which names an object of the first; and a backup that died. */
beforeAll(async () => {
  bucket = await makeBucket();
  const { repository } = bucket;
  const first = await takeSnapshot(repository, { a: randomBytes(100), b: randomBytes(50) }, { now: at(0) });
  await takeSnapshot(repository, { a: randomBytes(100) }, { now: at(1) });
  {
    await using third = await startSnapshot(repository, head, { signal: never, now: at(2), base: first });
    third.reuse("a");
    newest = (await third.commit(result)).id;
  }
  const store = new FailingStore(repository.store);
  await using dead = await startSnapshot(onStore(repository, store), head, { signal: never, now: at(3) });
  const stream = dead.stream("a", { mediaType: "x" });
  await stream.write(randomBytes(10));
  await stream.finish();
  store.set({ verb: "any", nth: 1, isLasting: true });
});

/** Keeps the newest snapshot, removes two, and prunes, on a copy of the bucket; with faults. */
async function tidy(...faults: StoreFault[]) {
  const objects = new Map(bucket.objects);
  const store = new FailingStore(new MemoryStore({ bucket: objects }), ...faults);
  const options = { holder: "first", now: at(48), warn: () => undefined };
  const said = await applyRetention(onStore(bucket.repository, store), { keepLast: 1, prune: true }, options).catch(
    (error: unknown) => error,
  );
  return { said, calls: store.calls, objects, repository: onStore(bucket.repository, new MemoryStore({ bucket: objects })) };
}

describe.each<[string, Omit<StoreFault, "nth" | "verb">]>([
  ["fails once", {}],
  ["is gone from then on", { isLasting: true }],
  ["does it and loses the answer", { how: "after" }],
  ["does it and is gone", { how: "after", isLasting: true }],
])("a store that %s at the n-th call of forgetting and pruning", (_, fault) => {
  test("leaves every listed snapshot restorable, and a second prune finishes", async () => {
    const { calls } = await tidy();
    const reasons = new Set<string>();

    for (let n = 1; n <= calls.length; n++) {
      const { said, objects, repository } = await tidy({ verb: "any", nth: n, ...fault });
      const { manifests, damaged } = await listSnapshots(repository);
      expect(damaged).toEqual([]);
      expect(manifests.map(({ id }) => id)).toContain(newest);
      expect((await verifySnapshots(repository)).problems).toEqual([]);
      if (said instanceof Error) expect(said).toBeInstanceOf(HoldfastError);
      reasons.add(said instanceof HoldfastError ? said.reason : "done");

      await applyRetention(repository, { keepLast: 1, prune: true }, { holder: "second", now: at(49), warn: () => undefined });
      expect((await verifySnapshots(repository)).problems).toEqual([]);
      expect([...objects.keys()].filter((key) => key.startsWith("holdfast/data/"))).toHaveLength(1);
    }

    expect(calls.length).toBeGreaterThan(25);
    expect([...reasons]).toContain("StoreUnavailable");
  });
});

test("a prune that was killed does not let another begin before its lease has ended (R11)", async () => {
  const { calls } = await tidy();
  const firstRemoval = calls.findIndex((call) => call.startsWith("delete holdfast/data/"));
  const { repository } = await tidy({ verb: "any", nth: firstRemoval + 1, isLasting: true });

  const early = prune(repository, { holder: "second", now: at(48.1), warn: () => undefined });
  await expect(early).rejects.toMatchObject({ exitCode: 11, facts: { holder: "first" } });
  const late = await prune(repository, { holder: "second", now: at(48.25), warn: () => undefined });

  expect(late.removed.objects).toBeGreaterThan(0);
});
