import { generateKeyPairSync, randomBytes } from "node:crypto";
import { encodeManifest, type StoredObject } from "../../../runner/snapshot/manifest.ts";
import { readSnapshot } from "../../../runner/snapshot/read-snapshot.ts";
import { verifySnapshots } from "../../../runner/snapshot/verify.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { FaultyStore } from "./faulty-store.ts";
import { makeBucket, onStore, takeSnapshot } from "./snapshot-parts.ts";

const bucket = await makeBucket();
const small = { objectBytes: 10_000, frameBytes: 5000 };
const older = await takeSnapshot(bucket.repository, { a: randomBytes(30_000) }, small);
const newer = await takeSnapshot(bucket.repository, { a: randomBytes(30_000) }, small);
const [first, second] = newer.streams.flatMap(({ objects }) => objects) as [StoredObject, StoredObject];
const manifestKey = `holdfast/snapshots/${newer.id}.manifest`;

function copy() {
  const objects = new Map(bucket.objects);
  return { objects, repository: onStore(bucket.repository, new MemoryStore({ bucket: objects })) };
}

function change(objects: Map<string, Uint8Array>, key: string, edit: (bytes: Buffer) => Uint8Array | undefined): void {
  const edited = edit(Buffer.from(objects.get(key) as Uint8Array));
  if (edited === undefined) objects.delete(key);
  else objects.set(key, edited);
}

async function drain(stream: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of stream);
}

test("a sound repository has no problems, and every object was read", async () => {
  const { repository } = copy();

  const report = await verifySnapshots(repository);

  const objects = [older, newer].flatMap(({ streams }) => streams.flatMap((stream) => stream.objects));
  const bytes = objects.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  expect(report).toEqual({ snapshots: 2, objects: objects.length, objectsRead: objects.length, bytesRead: bytes, problems: [] });
});

const places = [0, 30, 100, 190, 210, 500, first.storedBytes - 1];
test.each<[string, (bytes: Buffer) => Uint8Array | undefined, RegExp]>([
  ...places.map((place): [string, (bytes: Buffer) => Uint8Array, RegExp] => [
    `flipped at byte ${place}`,
    (bytes) => bytes.fill((bytes[place] as number) ^ 4, place, place + 1),
    /damaged/,
  ]),
  ["cut by a byte", (bytes) => bytes.subarray(0, -1), /bytes instead of/],
  ["cut in half", (bytes) => bytes.subarray(0, 5000), /bytes instead of/],
  ["empty", () => Buffer.alloc(0), /bytes instead of/],
  ["longer by a byte", (bytes) => Buffer.concat([bytes, Buffer.from("x")]), /bytes instead of/],
  ["missing", () => undefined, /missing/],
  ["another object of this snapshot", () => bucket.objects.get(second.key), /damaged|instead of/],
  ["the object of another snapshot", () => bucket.objects.get(older.streams[0]?.objects[0]?.key as string), /damaged|instead of/],
])("an object that is %s is found and named, and a restore fails", async (_, edit, problem) => {
  const { objects, repository } = copy();
  change(objects, first.key, edit);

  const report = await verifySnapshots(repository);

  expect(report.problems).toEqual([{ key: first.key, snapshot: newer.id, problem: expect.stringMatching(problem) }]);
  await expect(drain(readSnapshot(repository, newer).stream("a"))).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining(first.key),
  });
  await drain(readSnapshot(repository, older).stream("a"));
});

const stranger = generateKeyPairSync("ed25519");
test.each<[string, (bytes: Buffer) => Uint8Array, RegExp]>([
  ["edited", (bytes) => Buffer.from(bytes.toString().replace('"host-0"', '"host-1"')), /signature does not fit/],
  ["forged with another key", () => encodeManifest(newer, stranger.privateKey, stranger.publicKey), /signed by another key/],
  ["an old one under a new name", () => bucket.objects.get(`holdfast/snapshots/${older.id}.manifest`) as Uint8Array, /under another name/],
  ["cut", (bytes) => bytes.subarray(0, -10), /cut off/],
  ["empty", () => Buffer.alloc(0), /cut off/],
])("a manifest that is %s is found and named", async (_, edit, problem) => {
  const { objects, repository } = copy();
  change(objects, manifestKey, edit);

  const report = await verifySnapshots(repository);

  expect(report.problems).toEqual([{ key: manifestKey, snapshot: newer.id, problem: expect.stringMatching(problem) }]);
  expect(report.snapshots).toBe(2);
});

test("a manifest signed with the right key that lies about an object is found", async () => {
  const { objects, repository } = copy();
  const { signingKey, publicKey } = repository;
  const lie = structuredClone(newer);
  Object.assign(lie.streams[0] as object, { rawBytes: 30_001 });
  Object.assign(lie.streams[0]?.objects[0] as object, { rawBytes: first.rawBytes + 1 });
  objects.set(manifestKey, encodeManifest(lie, signingKey, publicKey));

  const { problems } = await verifySnapshots(repository);

  expect(problems).toMatchObject([{ key: first.key, problem: expect.stringContaining(`${first.rawBytes} bytes instead of`) }]);
});

test("one snapshot alone can be verified, and one that is not there is not sound", async () => {
  const { objects, repository } = copy();
  change(objects, first.key, () => undefined);

  expect(await verifySnapshots(repository, { snapshot: older.id })).toMatchObject({ snapshots: 1, problems: [] });
  expect((await verifySnapshots(repository, { snapshot: newer.id })).problems).toHaveLength(1);
  await expect(verifySnapshots(repository, { snapshot: "20300101T000000Z-00000000" })).rejects.toMatchObject({ exitCode: 10 });
});

test("latest is the newest snapshot, and what is no id is a wrong parameter", async () => {
  const { objects, repository } = copy();
  change(objects, first.key, () => undefined);

  expect((await verifySnapshots(repository, { snapshot: "latest" })).problems).toHaveLength(1);
  await expect(verifySnapshots(repository, { snapshot: "newest" })).rejects.toMatchObject({ exitCode: 2 });
});

test("a repository without a snapshot is nothing to rely on", async () => {
  const { objects, repository } = copy();
  for (const key of [...objects.keys()].filter((name) => name.includes("/snapshots/"))) objects.delete(key);

  await expect(verifySnapshots(repository)).rejects.toMatchObject({ exitCode: 10 });
});

test("a sample rotates: as many days as it takes to make a hundred percent read every object once", async () => {
  const { repository } = copy();
  const read: string[] = [];
  const total = (await verifySnapshots(repository)).objects;

  for (let day = 0; day < 4; day++) {
    const store = new FaultyStore(repository.store, () => undefined);
    const now = new Date(Date.UTC(2030, 0, 1 + day, 12));
    const report = await verifySnapshots(onStore(repository, store), { samplePercent: 30, now });
    const keys = store.operations.filter(({ verb, key }) => verb === "get" && key.includes("/data/")).map(({ key }) => key);
    expect(report).toMatchObject({ objects: total, objectsRead: keys.length });
    read.push(...keys);
  }

  expect(new Set(read).size).toBe(total);
  expect(read).toHaveLength(total);
});

test.each([0, -1, 101, Number.NaN])("a sample of %p percent is refused", async (samplePercent) => {
  await expect(verifySnapshots(copy().repository, { samplePercent })).rejects.toMatchObject({ exitCode: 2 });
});

test("a sample still finds what is missing or cut, whatever the day", async () => {
  const { objects, repository } = copy();
  change(objects, first.key, () => undefined);
  change(objects, second.key, (bytes) => bytes.subarray(1));

  for (let day = 0; day < 3; day++) {
    const { problems } = await verifySnapshots(repository, { samplePercent: 1, now: new Date(Date.UTC(2030, 0, day + 1)) });
    expect(problems.map(({ key }) => key)).toEqual([first.key, second.key]);
  }
});

test("a store that fails is a failure, not a problem of the repository", async () => {
  const { repository } = copy();
  const failing = onStore(
    repository,
    new FaultyStore(repository.store, ({ verb, key }) => (verb === "get" && key === first.key ? "fail" : undefined)),
  );

  await expect(verifySnapshots(failing)).rejects.toMatchObject({ exitCode: 30 });
  await expect(drain(readSnapshot(failing, newer).stream("a"))).rejects.toMatchObject({ exitCode: 30 });
});

test("an abort ends a read and a verification with its reason", async () => {
  const { repository } = copy();
  const controller = new AbortController();
  const reason = new Error("stopped");
  const hanging = onStore(
    repository,
    new FaultyStore(repository.store, ({ verb, key }) => (verb === "get" && key === second.key ? "hang" : undefined)),
  );

  const verifying = verifySnapshots(hanging, { signal: controller.signal, progress: () => controller.abort(reason) });

  await expect(verifying).rejects.toBe(reason);
});

test("leaving a stream early lets go of the store", async () => {
  const { repository } = copy();
  let open = 0;
  const { get } = repository.store;
  repository.store.get = async function* (key, options) {
    open += 1;
    try {
      yield* get.call(repository.store, key, options);
    } finally {
      open -= 1;
    }
  };

  for await (const _ of readSnapshot(repository, newer).stream("a")) break;
  await new Promise((resolve) => setImmediate(resolve));

  expect(open).toBe(0);
});

test("a stream that the snapshot does not have is refused", () => {
  expect(() => readSnapshot(copy().repository, newer).stream("b")).toThrow('has no stream "b"');
});
