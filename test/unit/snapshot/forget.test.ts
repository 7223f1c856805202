import { randomBytes } from "node:crypto";
import { applyRetention, type RetentionOptions } from "../../../runner/snapshot/apply-retention.ts";
import { forgetByIds, forgetSnapshots } from "../../../runner/snapshot/forget.ts";
import { listEverySnapshot } from "../../../runner/snapshot/list-every-snapshot.ts";
import { listSnapshotIds } from "../../../runner/snapshot/list-snapshots.ts";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { readSnapshot } from "../../../runner/snapshot/read-snapshot.ts";
import type { Repository } from "../../../runner/snapshot/repository.ts";
import { applyPolicy } from "../../../runner/snapshot/retention.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { FailingStore } from "../../fakes/failing-store.ts";
import { type Bucket, head, makeBucket, onStore, takeSnapshot } from "./snapshot-parts.ts";
import { storeLike } from "./store-like.ts";

const HOUR = 60 * 60 * 1000;
const start = Date.parse("2030-01-02T03:04:05Z");
const at = (hours: number) => () => new Date(start + hours * HOUR);
let template: Bucket;
let made: Manifest[];
let bucket: Bucket;

beforeAll(async () => {
  template = await makeBucket();
  made = [];
  for (let hour = 0; hour < 3; hour++) made.push(await takeSnapshot(template.repository, { a: randomBytes(100) }, { now: at(hour) }));
  const other = { host: "host-1" };
  for (let hour = 3; hour < 5; hour++)
    made.push(await takeSnapshot(template.repository, { a: randomBytes(9) }, { now: at(hour), head: other }));
});
beforeEach(() => {
  const objects = new Map(template.objects);
  bucket = { objects, repository: onStore(template.repository, new MemoryStore({ bucket: objects })) };
});

const idsOf = (...indices: number[]) => indices.map((index) => (made[index] as Manifest).id);
const retain = (options: Partial<RetentionOptions> & { repository?: Repository } = {}, policy = {}) => {
  const { repository = bucket.repository, ...rest } = options;
  const all = { holder: "tester", now: at(1000), warn: () => undefined, ...rest };
  return applyRetention(repository, { keepLast: 1, ...policy }, all);
};
const manifestKey = (id: string | undefined) => `holdfast/snapshots/${id}.manifest`;

test("forgetting removes manifests and nothing else, from the oldest on, and tells of each", async () => {
  const told: string[] = [];

  const { forgotten, pruned } = await retain({ onForgotten: (id) => told.push(id) });

  expect(forgotten).toEqual(idsOf(0, 1, 3));
  expect(told).toEqual(forgotten);
  expect(pruned).toBeUndefined();
  expect(await listSnapshotIds(bucket.repository)).toEqual(idsOf(2, 4));
  expect([...template.objects.keys()].filter((key) => !bucket.objects.has(key))).toEqual(forgotten.map(manifestKey));
});

test("a policy that says prune removes the objects too", async () => {
  const { pruned } = await retain({}, { prune: true });

  expect(pruned).toMatchObject({ removed: { objects: 3 }, kept: { objects: 2 } });
  expect([...bucket.objects.keys()].filter((key) => key.startsWith("holdfast/data/"))).toHaveLength(2);
});

test("a policy that says dryRun removes nothing", async () => {
  const { groups, forgotten, pruned } = await retain({}, { prune: true, dryRun: true });

  expect(groups.map(({ removed }) => removed.length)).toEqual([2, 1]);
  expect([forgotten, pruned]).toEqual([[], undefined]);
  expect(bucket.objects).toEqual(template.objects);
});

test("a scope keeps the policy away from everybody else's snapshots", async () => {
  const { forgotten } = await retain({ scope: [{ target: head.target, hosts: ["host-1"] }] });

  expect(forgotten).toEqual(idsOf(3));
});

test("that somebody else prunes is a warning", async () => {
  const lease = { holder: "other", expires: at(1000.1)().toISOString(), token: "x" };
  bucket.objects.set("holdfast/leases/prune/5.json", Buffer.from(JSON.stringify(lease)));
  const warnings: string[] = [];

  const { forgotten, pruned } = await retain({ warn: (reason) => warnings.push(reason) }, { prune: true });

  expect(forgotten).toHaveLength(3);
  expect([pruned, warnings]).toEqual([undefined, ["PruneSkipped"]]);
});

test("one damaged manifest, whosesoever, and nothing is removed by policy", async () => {
  bucket.objects.set(manifestKey(idsOf(4)[0]), Buffer.from("x"));

  await expect(retain({ scope: [{ target: head.target, hosts: ["host-0"] }] })).rejects.toMatchObject({
    exitCode: 3,
    reason: "ManifestDamaged",
    facts: { damaged: [manifestKey(idsOf(4)[0])] },
  });
  expect(await listSnapshotIds(bucket.repository)).toHaveLength(5);
});

test("a snapshot that somebody forgets between listing and reading is no damage", async () => {
  const key = manifestKey(idsOf(0)[0]);
  const { store } = bucket.repository;
  const racing = storeLike(store, {
    async *list(prefix) {
      yield* store.list(prefix);
      bucket.objects.delete(key);
    },
  });

  const listed = await listEverySnapshot(onStore(bucket.repository, racing));

  expect(listed.map(({ id }) => id)).toEqual(idsOf(1, 2, 3, 4));
});

test("what somebody else has forgotten meanwhile is passed over", async () => {
  const { groups } = applyPolicy(made, { keepLast: 1 });
  bucket.objects.delete(manifestKey(idsOf(0)[0]));

  expect(await forgetSnapshots(bucket.repository, groups)).toEqual(idsOf(1, 3));
});

test.each([
  ["what it would remove is not what was judged", 0],
  ["what it was to keep is gone", 2],
])("it stops when %s", async (_, index) => {
  const { groups } = applyPolicy(made, { keepLast: 1 });
  if (index === 2) bucket.objects.delete(manifestKey(idsOf(2)[0]));
  const judged = groups.map((group) => ({ ...group, removed: group.removed.map((one) => (index === 0 ? { ...one, host: "x" } : one)) }));

  await expect(forgetSnapshots(bucket.repository, judged)).rejects.toMatchObject({ exitCode: 3, reason: "ChangedMeanwhile" });
  expect(await listSnapshotIds(bucket.repository)).toEqual(expect.arrayContaining(idsOf(0, 1)));
});

test("a failure half-way names what was forgotten and what was left", async () => {
  const store = new FailingStore(bucket.repository.store, { verb: "delete", nth: 2 });

  await expect(retain({ repository: onStore(bucket.repository, store) })).rejects.toMatchObject({
    exitCode: 30,
    message: expect.stringContaining("1 of 3 snapshots"),
    facts: { forgotten: idsOf(0), left: idsOf(1, 3) },
  });
});

test("a stopped run ends with its own reason", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped");

  await expect(retain({ signal: stop.signal, onForgotten: () => stop.abort(reason) })).rejects.toBe(reason);
  expect(await listSnapshotIds(bucket.repository)).toEqual(idsOf(1, 2, 3, 4));
});

describe("by id", () => {
  test("any snapshot goes, the last of its group and a damaged one included", async () => {
    bucket.objects.set(manifestKey(idsOf(4)[0]), Buffer.from("x"));

    expect(await forgetByIds(bucket.repository, idsOf(3, 4))).toEqual(idsOf(3, 4));
    expect(await listSnapshotIds(bucket.repository)).toEqual(idsOf(0, 1, 2));
  });

  test("nothing goes when one of them does not exist", async () => {
    const ids = [...idsOf(0), "20300102T030405Z-00000000"];

    await expect(forgetByIds(bucket.repository, ids)).rejects.toMatchObject({ exitCode: 10 });
    expect(await listSnapshotIds(bucket.repository)).toHaveLength(5);
  });
});

test("whoever reads a snapshot while it is forgotten and pruned fails by name", async () => {
  const reader = readSnapshot(bucket.repository, made[0] as Manifest);
  await retain({}, { prune: true });

  const reading = (async () => {
    for await (const _ of reader.stream("a")) throw new Error("bytes of what is gone");
  })();

  await expect(reading).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("is missing in the store") });
});
