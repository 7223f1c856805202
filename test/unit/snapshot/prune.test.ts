import { randomBytes } from "node:crypto";
import { forgetByIds } from "../../../runner/snapshot/forget.ts";
import { measureRepository } from "../../../runner/snapshot/measure-repository.ts";
import { type PruneOptions, prune } from "../../../runner/snapshot/prune.ts";
import { verifySnapshots } from "../../../runner/snapshot/verify.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { FailingStore } from "../../fakes/failing-store.ts";
import { type Bucket, head, makeBucket, onStore, readBack, result, takeSnapshot } from "./snapshot-parts.ts";
import { storeLike } from "./store-like.ts";

const HOUR = 60 * 60 * 1000;
const start = Date.parse("2030-01-02T03:04:05Z");
const never = new AbortController().signal;
let template: Bucket;
let bucket: Bucket;
let warnings: string[];

beforeAll(async () => {
  template = await makeBucket();
});
beforeEach(() => {
  const objects = new Map(template.objects);
  bucket = { objects, repository: onStore(template.repository, new MemoryStore({ bucket: objects })) };
  warnings = [];
});

function at(hours: number): () => Date {
  return () => new Date(start + hours * HOUR);
}

function pruneAt(hours: number, options: Partial<PruneOptions> = {}) {
  return prune(bucket.repository, { holder: "tester", now: at(hours), warn: (reason) => warnings.push(reason), ...options });
}

/** A backup that ended without a word: objects and lease stay. */
async function die(hours: number) {
  const store = new FailingStore(bucket.repository.store);
  const snapshot = await startSnapshot(onStore(bucket.repository, store), head, { signal: never, now: at(hours), warn: () => undefined });
  const stream = snapshot.stream("a", { mediaType: "x" });
  await stream.write(randomBytes(100));
  await stream.finish();
  store.set({ verb: "any", nth: 1, isLasting: true });
  await snapshot[Symbol.asyncDispose]();
  return snapshot.id;
}

const dataKeys = () => [...bucket.objects.keys()].filter((key) => key.startsWith("holdfast/data/"));
const keysOf = (id: string) => dataKeys().filter((key) => key.includes(id));

test("objects of forgotten snapshots and of dead backups go, with their leases; all others stay", async () => {
  const forgotten = await takeSnapshot(bucket.repository, { a: randomBytes(1000), b: randomBytes(10) }, { now: at(0) });
  const kept = await takeSnapshot(bucket.repository, { a: randomBytes(1000) }, { now: at(1) });
  const dead = await die(2);
  const before = await measureRepository(bucket.repository);
  await forgetByIds(bucket.repository, [forgotten.id]);

  const report = await pruneAt(30);
  const after = await measureRepository(bucket.repository);

  expect(dataKeys()).toEqual(kept.streams.flatMap(({ objects }) => objects.map(({ key }) => key)));
  expect(report).toMatchObject({ dryRun: false, removed: { objects: 3 }, kept: { objects: 1, bytes: after.bytes }, leases: 1 });
  expect(report.snapshots.map(({ id, objects }) => [id, objects])).toEqual([
    [forgotten.id, 2],
    [dead, 1],
  ]);
  expect(report.removed.bytes).toBe(before.bytes - after.bytes);
  expect(before).toMatchObject({ objects: 4, snapshots: 2 });
  expect(after).toMatchObject({ objects: 1, snapshots: 1 });
  expect([...bucket.objects.keys()].filter((key) => key.startsWith("holdfast/leases/"))).toEqual(["holdfast/leases/prune/2.json"]);
  expect((await verifySnapshots(bucket.repository)).problems).toEqual([]);
  expect(warnings).toEqual([]);
});

test("a dry run says the same, writes nothing and removes nothing, also where pruning would be refused", async () => {
  const forgotten = await takeSnapshot(bucket.repository, { a: randomBytes(1000) }, { now: at(0) });
  await forgetByIds(bucket.repository, [forgotten.id]);
  const before = new Map(bucket.objects);
  const readOnly = new FailingStore(
    bucket.repository.store,
    { verb: "put", nth: 1, isLasting: true },
    { verb: "delete", nth: 1, isLasting: true },
  );
  const options = { holder: "x", now: at(30), dryRun: true, warn: () => undefined };

  const report = await prune({ ...onStore(bucket.repository, readOnly), keepsIfAbsent: false }, options);

  expect(report).toMatchObject({ dryRun: true, removed: { objects: 1 }, snapshots: [{ id: forgotten.id }] });
  expect(bucket.objects).toEqual(before);
});

test("what is younger than a day stays, whatever is known of it", async () => {
  const dead = await die(7);

  await pruneAt(30);
  const before = keysOf(dead).length;
  await pruneAt(31.1);

  expect([before, keysOf(dead).length]).toEqual([1, 0]);
});

test("objects of a backup that runs for days stay while its lease is alive, wherever it runs, and no longer (R11)", async () => {
  await using snapshot = await startSnapshot(bucket.repository, head, { signal: never, now: at(0) });
  const stream = snapshot.stream("a", { mediaType: "x" });
  await stream.write(randomBytes(500));
  await stream.finish();
  const lease = `holdfast/leases/backup-${snapshot.id}.json`;
  bucket.objects.set(lease, Buffer.from(JSON.stringify({ holder: "x", expires: at(50)().toISOString(), bases: [] })));

  const alive = await pruneAt(50.2);
  const dead = await pruneAt(50.3);

  expect([alive.removed.objects, dead.removed.objects]).toEqual([0, 1]);
});

test("a lease that ends while manifests are read is believed in: it may have been renewed since it was read", async () => {
  let hours = 0;
  await using snapshot = await startSnapshot(bucket.repository, head, { signal: never, now: at(0) });
  const stream = snapshot.stream("a", { mediaType: "x" });
  await stream.write(randomBytes(500));
  await stream.finish();
  hours = 50;
  const lease = `holdfast/leases/backup-${snapshot.id}.json`;
  bucket.objects.set(lease, Buffer.from(JSON.stringify({ holder: "x", expires: at(50)().toISOString(), bases: [] })));
  const { store } = bucket.repository;
  const slow = storeLike(store, {
    async *list(prefix) {
      if (prefix.startsWith("holdfast/snapshots/")) hours = 50.3;
      yield* store.list(prefix);
    },
  });

  const report = await prune(onStore(bucket.repository, slow), {
    holder: "x",
    now: () => at(hours)(),
    dryRun: true,
    warn: () => undefined,
  });

  expect(report.removed.objects).toBe(0);
});

test("what a backup with a slow start writes after the leases were read is not looked at, however old its id", async () => {
  const id = "20200102T030405Z-0a1b2c3d";
  const { store } = bucket.repository;
  const late = storeLike(store, {
    async *list(prefix) {
      if (prefix.startsWith("holdfast/snapshots/")) {
        await store.put(`holdfast/leases/backup-${id}.json`, Buffer.from(JSON.stringify({ holder: "x", expires: at(1)(), bases: [] })));
        await store.put(`holdfast/data/${id}/a/000001.zst.age`, Buffer.from("x"));
      }
      yield* store.list(prefix);
    },
  });

  await prune(onStore(bucket.repository, late), { holder: "x", now: at(0), warn: () => undefined });

  expect(keysOf(id)).toHaveLength(1);
});

test("a backup whose lease lapsed does not commit", async () => {
  let hours = 0;
  await using snapshot = await startSnapshot(bucket.repository, head, { signal: never, now: () => at(hours)() });
  hours = 50;
  await pruneAt(50);

  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("lapsed") });
});

test("objects of a forgotten base stay while a backup that names them runs, and as long as it exists", async () => {
  const bytes = randomBytes(300);
  const oldest = await takeSnapshot(bucket.repository, { a: bytes }, { now: at(0) });
  let hours = 1;
  const now = () => at(hours)();
  const middle = await reuse(oldest, now);
  hours = 30;
  await using snapshot = await startSnapshot(bucket.repository, head, { signal: never, now, base: middle });
  snapshot.reuse("a");
  await forgetByIds(bucket.repository, [oldest.id, middle.id]);

  await pruneAt(30);
  const manifest = await snapshot.commit(result);
  await pruneAt(90);

  expect(manifest.streams[0]?.objects[0]?.key).toContain(oldest.id);
  expect((await readBack(bucket.repository, manifest, "a")).equals(bytes)).toBe(true);
  await forgetByIds(bucket.repository, [manifest.id]);
  expect((await pruneAt(90)).removed.objects).toBe(1);
});

async function reuse(base: Awaited<ReturnType<typeof takeSnapshot>>, now: () => Date) {
  await using snapshot = await startSnapshot(bucket.repository, head, { signal: never, now, base });
  snapshot.reuse("a");
  return await snapshot.commit(result);
}

test("keys that are not ours are neither counted nor removed, wherever they lie", async () => {
  const others = [
    "config",
    "data/00/0011",
    "snapshots/aa",
    "holdfast/probe-0011223344556677",
    "holdfast/data/README",
    "holdfast/data/20200102T030405Z-0a1b2c3d/a/000001.zst",
    "holdfast/data/20200102T030405Z-0A1B2C3D/a/000001.zst.age",
    "holdfast/data/20200102T030405Z-0a1b2c3d/A/000001.zst.age",
    "holdfast/leases/backup-x.json",
    "holdfast/leases/other.json",
  ];
  for (const key of others) bucket.objects.set(key, Buffer.from("theirs"));

  const report = await pruneAt(1000);

  expect(report.removed.objects).toBe(0);
  expect(await measureRepository(bucket.repository)).toEqual({ bytes: 0, objects: 0, snapshots: 0 });
  for (const key of others) expect(bucket.objects.get(key)?.toString()).toBeDefined();
});

describe("nothing is removed, and the reason named,", () => {
  let forgotten: string;
  const lease = "holdfast/leases/backup-20300102T030000Z-0a1b2c3d.json";

  beforeEach(async () => {
    const manifest = await takeSnapshot(bucket.repository, { a: randomBytes(10) }, { now: at(0) });
    forgotten = manifest.id;
    await forgetByIds(bucket.repository, [forgotten]);
    await takeSnapshot(bucket.repository, { a: randomBytes(10) }, { now: at(1) });
  });
  afterEach(() => {
    expect(keysOf(forgotten)).toHaveLength(1);
  });
  const manifestKeyOf = () => [...bucket.objects.keys()].find((key) => key.endsWith(".manifest")) as string;
  const objectOf = () => dataKeys().find((key) => !key.includes(forgotten)) as string;

  test.each<[string, () => void, object]>([
    ["when a manifest is damaged", () => bucket.objects.set(manifestKeyOf(), Buffer.from("x")), { exitCode: 3, reason: "ManifestDamaged" }],
    ["when a lease cannot be read", () => bucket.objects.set(lease, Buffer.from("{}")), { exitCode: 3, reason: "LeaseUnreadable" }],
    ["when a snapshot lacks an object", () => bucket.objects.delete(objectOf()), { exitCode: 3, reason: "ObjectMissing" }],
  ])("%s", async (_, damage, expected) => {
    damage();

    await expect(pruneAt(1000)).rejects.toMatchObject(expected);
  });

  test("when the store does not list a manifest that it has", async () => {
    const hidden = manifestKeyOf();
    const { store } = bucket.repository;
    const hiding = storeLike(store, {
      async *list(prefix) {
        for await (const object of store.list(prefix)) if (object.key !== hidden) yield object;
      },
    });
    const options = { holder: "x", now: at(1000), warn: () => undefined };

    await expect(prune(onStore(bucket.repository, hiding), options)).rejects.toMatchObject({ exitCode: 3, reason: "ListingIncomplete" });
  });

  test("when somebody else prunes", async () => {
    const other = { holder: "other", expires: at(1000.1)().toISOString(), token: "x" };
    bucket.objects.set("holdfast/leases/prune/5.json", Buffer.from(JSON.stringify(other)));

    await expect(pruneAt(1000)).rejects.toMatchObject({ exitCode: 11, facts: { holder: "other" } });
  });

  test.each(["while it looks", "right before it removes"])("when somebody takes over %s", async (when) => {
    const { store } = bucket.repository;
    const steal = () => {
      const other = { holder: "thief", expires: at(1000.1)().toISOString(), token: "x" };
      bucket.objects.set("holdfast/leases/prune/9.json", Buffer.from(JSON.stringify(other)));
    };
    const stealing = storeLike(store, {
      async *list(prefix) {
        if (when === "while it looks" && prefix.startsWith("holdfast/snapshots/")) steal();
        yield* store.list(prefix);
      },
      stat(key) {
        if (when === "right before it removes" && key.endsWith(".manifest")) steal();
        return store.stat(key);
      },
    });
    const options = { holder: "x", now: at(1000), warn: () => undefined };

    await expect(prune(onStore(bucket.repository, stealing), options)).rejects.toMatchObject({ exitCode: 11, facts: { holder: "thief" } });
  });

  test("when the store does not keep ifAbsent, unless that is said to be fine", async () => {
    const careless = { ...bucket.repository, keepsIfAbsent: false };
    const options = { holder: "x", now: at(1000), warn: () => undefined };

    await expect(prune(careless, options)).rejects.toMatchObject({ exitCode: 2, reason: "StoreIgnoresIfAbsent" });
    const report = await prune(careless, { ...options, unsafe: true, dryRun: true });

    expect(report.removed.objects).toBe(1);
  });

  test("when the run was stopped", async () => {
    const reason = new Error("stopped");

    await expect(pruneAt(1000, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
