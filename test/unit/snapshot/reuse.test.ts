import { randomBytes } from "node:crypto";
import { forgetByIds } from "../../../runner/snapshot/forget.ts";
import { decodeBackupLease } from "../../../runner/snapshot/lease.ts";
import { listSnapshotIds } from "../../../runner/snapshot/list-snapshots.ts";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { takePruneLease } from "../../../runner/snapshot/prune-lease.ts";
import type { Repository } from "../../../runner/snapshot/repository.ts";
import { verifySnapshots } from "../../../runner/snapshot/verify.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { FailingStore } from "../../fakes/failing-store.ts";
import { type Bucket, head, makeBucket, onStore, readBack, result, takeSnapshot } from "./snapshot-parts.ts";

const never = new AbortController().signal;
const later = () => new Date(Date.now() + 3_600_000);
const bytes = randomBytes(25_000);
let bucket: Bucket;
let base: Manifest;

beforeEach(async () => {
  bucket = await makeBucket();
  base = await takeSnapshot(bucket.repository, { a: bytes, b: Buffer.alloc(0) }, { objectBytes: 10_000, frameBytes: 7000 });
});

function begin(options: { repository?: Repository; base?: Manifest; warnings?: string[] } = {}) {
  const { repository = bucket.repository, warnings = [] } = options;
  const warn = (reason: string) => warnings.push(reason);
  return startSnapshot(repository, head, { signal: never, now: later, base: options.base ?? base, warn });
}

const dataKeys = () => [...bucket.objects.keys()].filter((key) => key.startsWith("holdfast/data/"));

test("a reused stream names the objects of its base, under a name of its own, and is read like any other", async () => {
  const before = dataKeys();
  await using snapshot = await begin();
  snapshot.reuse("a");
  snapshot.reuse("c/d", "a");
  snapshot.reuse("b");
  const stream = snapshot.stream("e", { mediaType: "x" });
  await stream.write(Buffer.from("new"));
  await stream.finish();

  const manifest = await snapshot.commit(result);

  expect(base.streams[0]?.objects.length).toBeGreaterThan(1);
  expect(dataKeys().filter((key) => !before.includes(key))).toHaveLength(1);
  for (const name of ["a", "c/d"]) expect((await readBack(bucket.repository, manifest, name)).equals(bytes)).toBe(true);
  expect(await readBack(bucket.repository, manifest, "b")).toHaveLength(0);
  expect((await verifySnapshots(bucket.repository)).problems).toEqual([]);
});

test("the lease names every snapshot whose objects may be named", async () => {
  await using middle = await begin();
  middle.reuse("a");
  const second = await middle.commit(result);

  await using snapshot = await begin({ base: second });
  const lease = decodeBackupLease(Buffer.from(bucket.objects.get(`holdfast/leases/backup-${snapshot.id}.json`) as Uint8Array));

  expect(lease.bases).toEqual([base.id, second.id]);
});

test("giving up a snapshot leaves the objects of its base alone", async () => {
  const before = [...bucket.objects.keys()];
  {
    await using snapshot = await begin();
    snapshot.reuse("a");
  }

  expect([...bucket.objects.keys()]).toEqual(before);
});

test("names clash with those of reused streams, and what the base has not cannot be reused", async () => {
  await using snapshot = await begin();
  snapshot.reuse("a");

  expect(() => snapshot.stream("a/b", { mediaType: "x" })).toThrow("clashes");
  expect(() => snapshot.reuse("a")).toThrow("clashes");
  expect(() => snapshot.reuse("z")).toThrow('no stream "z"');
});

test.each<[string, () => Promise<unknown>]>([
  ["was forgotten", () => forgetByIds(bucket.repository, [base.id])],
  ["could be pruned at this moment", () => takePruneLease(bucket.repository.store, { holder: "x", signal: undefined, now: later })],
])("a base that %s is not used, with a warning", async (_, happens) => {
  await happens();
  const warnings: string[] = [];

  await using snapshot = await begin({ warnings });

  expect(snapshot.base).toBeUndefined();
  expect(warnings).toEqual(["BaseNotUsed"]);
  expect(() => snapshot.reuse("a")).toThrow(TypeError);
});

test("a base that is not earlier than the new snapshot is not used, with a warning", async () => {
  const warnings: string[] = [];
  const options = { signal: never, now: () => new Date("2020-01-01T00:00:00Z"), base, warn: (reason: string) => warnings.push(reason) };

  await using snapshot = await startSnapshot(bucket.repository, head, options);

  expect(snapshot.base).toBeUndefined();
  expect(warnings).toEqual(["ClockBehind", "BaseNotUsed"]);
});

test("a start that fails after its lease was taken removes the lease", async () => {
  const store = new FailingStore(bucket.repository.store, { verb: "list", key: /leases\/prune/, nth: 1 });

  await expect(begin({ repository: onStore(bucket.repository, store) })).rejects.toMatchObject({ exitCode: 30 });

  expect([...bucket.objects.keys()].filter((key) => key.includes("leases"))).toEqual([]);
});

test("a base object that is gone after the commit takes the snapshot back", async () => {
  await using snapshot = await begin();
  snapshot.reuse("a");
  bucket.objects.delete(base.streams[0]?.objects[1]?.key as string);

  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("is gone") });

  expect(await listSnapshotIds(bucket.repository)).toEqual([base.id]);
});

test("a snapshot that cannot be taken back says so, and once more when it is disposed of", async () => {
  const store = new FailingStore(bucket.repository.store);
  const snapshot = await begin({ repository: onStore(bucket.repository, store) });
  snapshot.reuse("a");
  bucket.objects.delete(base.streams[0]?.objects[0]?.key as string);
  store.set({ verb: "delete", nth: 1 });

  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3, reason: "SnapshotNotWithdrawn" });
  await snapshot[Symbol.asyncDispose]();

  expect(await listSnapshotIds(bucket.repository)).toEqual([base.id]);
});

test("the objects of a snapshot whose manifest cannot be taken back stay, as long as it is listed", async () => {
  const store = new FailingStore(bucket.repository.store, { verb: "delete", key: /snapshots/, nth: 1, isLasting: true });
  const warnings: string[] = [];
  const snapshot = await begin({ repository: onStore(bucket.repository, store), warnings });
  const stream = snapshot.stream("own", { mediaType: "x" });
  await stream.write(Buffer.from("own"));
  await stream.finish();
  snapshot.reuse("a");
  bucket.objects.delete(base.streams[0]?.objects[0]?.key as string);

  await expect(snapshot.commit(result)).rejects.toMatchObject({ reason: "SnapshotNotWithdrawn" });
  await snapshot[Symbol.asyncDispose]();

  expect(await listSnapshotIds(bucket.repository)).toContain(snapshot.id);
  expect(dataKeys().filter((key) => key.includes(snapshot.id))).toHaveLength(1);
  expect(warnings).toEqual(["LeftoversRemain"]);
});

test("a lease that lapses while the manifest is put takes the snapshot back", async () => {
  let hours = 0;
  const now = () => new Date(Date.parse("2031-01-01T00:00:00Z") + hours * 3_600_000);
  const store = new FailingStore(bucket.repository.store);
  await using snapshot = await startSnapshot(onStore(bucket.repository, store), head, { signal: never, now });
  const put = store.put.bind(store);
  store.put = async (...args) => {
    const answer = await put(...args);
    hours = 1;
    return answer;
  };

  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("lapsed") });

  expect(await listSnapshotIds(bucket.repository)).toEqual([base.id]);
});
