import { randomBytes } from "node:crypto";
import { findBase } from "../../../runner/snapshot/find-base.ts";
import { forgetByIds } from "../../../runner/snapshot/forget.ts";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { manifestKey } from "../../../runner/snapshot/object-keys.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { FailingStore } from "../../fakes/failing-store.ts";
import { type Bucket, head, makeBucket, onStore, result, takeSnapshot } from "./snapshot-parts.ts";

const HOUR = 60 * 60 * 1000;
const group = { engine: head.engine, target: head.target, host: head.host };
let bucket: Bucket;

beforeEach(async () => {
  bucket = await makeBucket();
});

const at = (hours: number) => () => new Date(Date.parse("2030-01-02T03:04:05Z") + hours * HOUR);
const take = (hours: number, own: Partial<typeof head> = {}) =>
  takeSnapshot(bucket.repository, { a: randomBytes(3000), b: randomBytes(10) }, { now: at(hours), head: own });

async function find() {
  const warnings: string[] = [];
  const base = await findBase(bucket.repository, group, { warn: (reason, message) => void warnings.push(`${reason}: ${message}`) });
  return { id: base?.id, warnings };
}

const objectOf = (manifest: Manifest) => manifest.streams[0]?.objects[0]?.key as string;

test("without a snapshot there is no base", async () => {
  expect(await find()).toEqual({ id: undefined, warnings: [] });
});

test("the base is the newest snapshot of the same engine, target and host", async () => {
  await take(0);
  const newest = await take(1);
  await take(2, { engine: "other" });
  await take(3, { target: { ...head.target, name: "other" } });
  await take(4, { target: { ...head.target, namespace: "other" } });
  await take(5, { host: "other" });

  expect(await find()).toEqual({ id: newest.id, warnings: [] });
});

test("when only others have snapshots there is no base", async () => {
  await take(0, { host: "other" });

  expect(await find()).toEqual({ id: undefined, warnings: [] });
});

test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
  ["empty", () => new Uint8Array()],
  ["changed in one bit", (bytes) => Uint8Array.from(bytes, (byte, at) => (at === 40 ? byte ^ 1 : byte))],
  ["cut short", (bytes) => bytes.subarray(0, bytes.length - 1)],
])("a manifest that is %s is passed over for the one before it", async (_, damage) => {
  const older = await take(0);
  const newest = await take(1);
  bucket.objects.set(manifestKey(newest.id), damage(bucket.objects.get(manifestKey(newest.id)) as Uint8Array));

  expect((await find()).id).toBe(older.id);
});

test("a forgotten snapshot is no base", async () => {
  const older = await take(0);
  const newest = await take(1);
  await forgetByIds(bucket.repository, [newest.id]);

  expect((await find()).id).toBe(older.id);
});

test.each<[string, (key: string) => void]>([
  ["is gone", (key) => bucket.objects.delete(key)],
  ["lost a byte", (key) => bucket.objects.set(key, (bucket.objects.get(key) as Uint8Array).subarray(1))],
])("a snapshot of which an object %s is passed over, with a warning that names it", async (_, damage) => {
  const older = await take(0);
  const newest = await take(1);
  damage(objectOf(newest));

  const found = await find();

  expect(found.id).toBe(older.id);
  expect(found.warnings).toEqual([expect.stringMatching(new RegExp(`^BaseDamaged: Snapshot "${newest.id}".*"${objectOf(newest)}"`))]);
});

test("an object that the snapshot has from one before it is looked for too; when none is whole there is no base", async () => {
  const older = await take(0);
  await using snapshot = await startSnapshot(bucket.repository, head, { signal: new AbortController().signal, now: at(1), base: older });
  snapshot.reuse("a");
  await snapshot.commit(result);
  bucket.objects.delete(objectOf(older));

  const found = await find();

  expect(found.id).toBeUndefined();
  expect(found.warnings).toHaveLength(2);
});

test("a store that fails is a failure, and no reason to do without a base", async () => {
  await take(0);
  const store = new FailingStore(bucket.repository.store, { verb: "list", key: /data/, nth: 1, isLasting: true });

  await expect(findBase(onStore(bucket.repository, store), group, {})).rejects.toMatchObject({ exitCode: 30 });
});
