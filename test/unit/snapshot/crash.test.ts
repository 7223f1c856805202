import { randomBytes } from "node:crypto";
import { UnknownCommitError } from "../../../runner/snapshot/commit-manifest.ts";
import { listSnapshots } from "../../../runner/snapshot/list-snapshots.ts";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { verifySnapshots } from "../../../runner/snapshot/verify.ts";
import { startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { type Fault, FaultyStore, type Operation } from "./faulty-store.ts";
import { type Bucket, head, makeBucket, onStore, readBack, takeSnapshot } from "./snapshot-parts.ts";

const earlier = randomBytes(5000);
const bytes = { a: randomBytes(30_000), "b/c": Buffer.from("lines\n") };
const never = new AbortController().signal;
let bucket: Bucket;
let before: Manifest;

beforeAll(async () => {
  bucket = await makeBucket();
  before = await takeSnapshot(bucket.repository, { a: earlier });
});

/** A backup on a copy of the bucket, with faults; resolves with what it said, and with what lies there afterwards. */
async function backUp(decide: (operation: Operation) => Fault) {
  const objects = new Map(bucket.objects);
  const store = new FaultyStore(new MemoryStore({ bucket: objects }), decide);
  const options = { signal: never, objectBytes: 10_000, frameBytes: 7000 };
  const said = await takeSnapshot(onStore(bucket.repository, store), bytes, options).catch((error: unknown) => error);
  return { said, objects, operations: store.operations, repository: onStore(bucket.repository, new MemoryStore({ bucket: objects })) };
}

async function expectTruth({ said, repository }: Awaited<ReturnType<typeof backUp>>): Promise<void> {
  const { manifests, damaged } = await listSnapshots(repository);
  const news = manifests.filter(({ id }) => id !== before.id);

  expect(damaged).toEqual([]);
  expect((await readBack(repository, before, "a")).equals(earlier)).toBe(true);
  if (said instanceof Error) expect(said instanceof UnknownCommitError ? [0, 1] : [0]).toContain(news.length);
  else expect(news.map(({ id }) => id)).toEqual([(said as Manifest).id]);
  for (const manifest of news) {
    for (const [name, expected] of Object.entries(bytes)) expect((await readBack(repository, manifest, name)).equals(expected)).toBe(true);
  }
  expect((await verifySnapshots(repository)).problems).toEqual([]);
}

describe.each<[string, (n: number) => (operation: Operation) => Fault]>([
  [
    "fails once",
    (n) =>
      ({ index }) =>
        index === n ? "fail" : undefined,
  ],
  [
    "is gone",
    (n) =>
      ({ index }) =>
        index >= n ? "fail" : undefined,
  ],
  [
    "does it and loses the answer",
    (n) =>
      ({ index }) =>
        index === n ? "fail after" : undefined,
  ],
  [
    "does it and is gone",
    (n) =>
      ({ index }) =>
        index < n ? undefined : index === n ? "fail after" : "fail",
  ],
])("a store that %s at its n-th operation", (_, faultAt) => {
  test("never makes a backup look better than it is, and harms no earlier one", async () => {
    const { operations } = await backUp(() => undefined);

    const outcomes = [];
    for (let n = 0; n < operations.length; n++) {
      const outcome = await backUp(faultAt(n));
      await expectTruth(outcome);
      outcomes.push(outcome.said instanceof Error ? outcome.said.constructor.name : "committed");
    }

    expect(operations.length).toBeGreaterThan(10);
    expect(outcomes).toContain("StoreUnavailableError");
  });
});

test("a failed backup leaves neither objects nor a lease", async () => {
  const { objects, said } = await backUp(({ verb, key }) => (verb === "put" && key.endsWith(".manifest") ? "fail" : undefined));

  expect(said).toMatchObject({ exitCode: 30 });
  expect([...objects.keys()].sort()).toEqual([...bucket.objects.keys()].sort());
});

test("a backup whose commit lost its answer is found to be there, and says so", async () => {
  const { repository, said } = await backUp(({ verb, key }) => (verb === "put" && key.endsWith(".manifest") ? "fail after" : undefined));

  expect((await listSnapshots(repository)).manifests.map(({ id }) => id)).toEqual([before.id, (said as Manifest).id]);
});

test("when nobody can say whether the commit happened, the error says that, and nothing is removed", async () => {
  let isGone = false;
  const outcome = await backUp(({ verb, key }) => {
    if (isGone) return "fail";
    isGone = verb === "put" && key.endsWith(".manifest");
    return isGone ? "fail after" : undefined;
  });

  expect(outcome.said).toBeInstanceOf(UnknownCommitError);
  expect(outcome.said).toMatchObject({ exitCode: 30, reason: "CommitUnknown" });
  await expectTruth(outcome);
});

test("when nobody can say whether the commit happened, the lease stays: the manifest may still arrive", async () => {
  const { said, objects } = await backUp(({ verb, key }) =>
    key.endsWith(".manifest") && ["put", "get"].includes(verb) ? "fail" : undefined,
  );

  expect(said).toBeInstanceOf(UnknownCommitError);
  expect([...objects.keys()].filter((key) => key.startsWith("holdfast/leases/"))).toHaveLength(1);
});

test("a process that is killed before its commit leaves nothing that is listed", async () => {
  const objects = new Map(bucket.objects);
  const repository = onStore(bucket.repository, new MemoryStore({ bucket: objects }));
  const abandoned = await startSnapshot(repository, head, { signal: never });
  const stream = abandoned.stream("a", { mediaType: "x" });
  await stream.write(bytes.a);
  await stream.finish();

  const { manifests } = await listSnapshots(repository);

  expect(manifests.map(({ id }) => id)).toEqual([before.id]);
  await abandoned[Symbol.asyncDispose]();
});
