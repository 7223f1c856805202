import { randomBytes } from "node:crypto";
import { InterruptedError } from "../../../runner/errors.ts";
import { listSnapshots } from "../../../runner/snapshot/list-snapshots.ts";
import { type SnapshotInProgress, type SnapshotOptions, startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { type Fault, FaultyStore, type Operation } from "./faulty-store.ts";
import { head, makeBucket, onStore, readBack, result, takeSnapshot } from "./snapshot-parts.ts";

const bucket = await makeBucket();
const SMALL = { mediaType: "x", frameBytes: 10_000 };
const interrupted = new InterruptedError("SIGTERM");

/** A snapshot on a copy of the bucket; `controller` is the run's. */
async function start(decide: (operation: Operation) => Fault = () => undefined, options: Partial<SnapshotOptions> = {}) {
  const objects = new Map(bucket.objects);
  const controller = new AbortController();
  const warnings: string[] = [];
  const store = new FaultyStore(new MemoryStore({ bucket: objects }), decide);
  const repository = onStore(bucket.repository, store);
  const warn = (reason: string) => warnings.push(reason);
  const snapshot = await startSnapshot(repository, head, { signal: controller.signal, warn, ...options });
  return { snapshot, repository, objects, controller, warnings, store };
}

/** Writes until a write stays pending or fails; resolves with the number of bytes taken. */
async function writeUntilStalled(snapshot: SnapshotInProgress, limit: number) {
  const stream = snapshot.stream("a", SMALL);
  const piece = randomBytes(10_000);
  let pending: Promise<void> = Promise.resolve();
  let taken = 0;
  while (taken < limit) {
    let isSettled = false;
    pending = stream.write(piece).finally(() => {
      isSettled = true;
    });
    pending.catch(() => undefined);
    for (let turn = 0; turn < 50 && !isSettled; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    if (!isSettled) return { stream, pending, taken };
    await pending;
    taken += piece.length;
  }
  throw new Error("The stream took everything");
}

const isData = ({ verb, key }: Operation) => verb === "put" && key.includes("/data/");
const isManifest = ({ verb, key }: Operation) => verb === "put" && key.endsWith(".manifest");

test("a stalled store is a pending write, after a bounded number of frames", async () => {
  const { snapshot, controller, objects } = await start((operation) => (isData(operation) ? "hang" : undefined));

  const { pending, taken } = await writeUntilStalled(snapshot, 10_000_000);
  controller.abort(interrupted);

  expect(taken).toBeLessThan(100_000);
  await expect(pending).rejects.toBe(interrupted);
  await snapshot[Symbol.asyncDispose]();
  expect([...objects.keys()].sort()).toEqual([...bucket.objects.keys()].sort());
});

test("a put that fails while a write is pending fails this write, and everything after it", async () => {
  let fail = (_: Error) => {};
  const failing = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failing.catch(() => undefined);
  const { snapshot, repository } = await start();
  repository.store.put = () => failing;
  const { stream, pending } = await writeUntilStalled(snapshot, 10_000_000);
  const error = new Error("disk full");

  fail(error);

  await expect(pending).rejects.toBe(error);
  await expect(stream.write(Buffer.from("x"))).rejects.toBe(error);
  await expect(stream.finish()).rejects.toBe(error);
  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3 });
});

test("a put that fails after the last write fails finish", async () => {
  const { snapshot } = await start((operation) => (isData(operation) ? "fail after" : undefined));
  const stream = snapshot.stream("a", SMALL);
  await stream.write(randomBytes(100));

  await expect(stream.finish()).rejects.toMatchObject({ exitCode: 30 });
  await snapshot[Symbol.asyncDispose]();
});

test("a run that was aborted ends finish at once, also when the store is deaf to the abort", async () => {
  const { snapshot, controller } = await start((operation) => (isData(operation) ? "deaf" : undefined));
  const stream = snapshot.stream("a", SMALL);
  await stream.write(randomBytes(100));

  const finishing = stream.finish();
  controller.abort(interrupted);

  await expect(finishing).rejects.toBe(interrupted);
  await expect(snapshot.stream("b", SMALL).write(randomBytes(1))).rejects.toBe(interrupted);
  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3 });
});

test.each(["size", "missing"])("a store whose object is not what was sent fails finish: %s", async (lie) => {
  const { snapshot, repository, objects } = await start();
  const { stat } = repository.store;
  repository.store.stat = async (key, options) => {
    if (lie === "missing") objects.delete(key);
    const { size } = await stat.call(repository.store, key, options);
    return { size: size - 1 };
  };
  const stream = snapshot.stream("a", SMALL);
  await stream.write(randomBytes(100));

  await expect(stream.finish()).rejects.toMatchObject({ exitCode: 3 });
  await snapshot[Symbol.asyncDispose]();
});

test("a store that takes only a part of an object and says yes fails the stream", async () => {
  const { snapshot, repository } = await start();
  repository.store.put = async (_key, source) => {
    if (source instanceof Uint8Array) return { size: source.length };
    for await (const piece of source) return { size: piece.length };
    return { size: 0 };
  };
  const stream = snapshot.stream("a", SMALL);

  const writing = stream.write(randomBytes(100_000)).then(() => stream.finish());

  await expect(writing).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("only a part") });
});

test("a commit before every stream came to its end is refused, also when the function swallowed a failure", async () => {
  const { snapshot, repository } = await start();
  await snapshot.stream("a", SMALL).write(Buffer.from("x"));

  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining('Stream "a"') });
  await snapshot[Symbol.asyncDispose]();

  expect((await listSnapshots(repository)).manifests).toEqual([]);
});

test("two writes at a time are a defect that fails the stream", async () => {
  const { snapshot } = await start();
  const stream = snapshot.stream("a", SMALL);

  const first = stream.write(randomBytes(50_000));
  await expect(stream.write(Buffer.from("x"))).rejects.toThrow("before the call before had ended");

  await expect(first.then(() => stream.finish())).rejects.toThrow();
  await snapshot[Symbol.asyncDispose]();
});

test("a caller may reuse its memory when the write is settled", async () => {
  const { snapshot, repository } = await start();
  const stream = snapshot.stream("a", { ...SMALL, frameBytes: 30_000 });
  const memory = Buffer.alloc(20_000);
  for (const value of [1, 2, 3]) await stream.write(memory.fill(value));
  memory.fill(9);
  await stream.finish();

  const manifest = await snapshot.commit(result);

  const expected = Buffer.concat([1, 2, 3].map((value) => Buffer.alloc(20_000, value)));
  expect((await readBack(repository, manifest, "a")).equals(expected)).toBe(true);
});

test("many streams at a time, each with many objects, do not wait for one another for ever", async () => {
  const { snapshot, repository } = await start(undefined, { objectBytes: 15_000 });
  const contents = Array.from({ length: 12 }, () => randomBytes(123_456));

  const streams = contents.map((_, index) => snapshot.stream(`shard-${index}`, SMALL));
  for (let offset = 0; offset < 123_456; offset += 30_000) {
    await Promise.all(streams.map((stream, index) => stream.write((contents[index] as Buffer).subarray(offset, offset + 30_000))));
  }
  await Promise.all(streams.map((stream) => stream.finish()));
  const manifest = await snapshot.commit(result);

  for (const [index, content] of contents.entries())
    expect((await readBack(repository, manifest, `shard-${index}`)).equals(content)).toBe(true);
  expect(manifest.streams[0]?.objects.length).toBeGreaterThan(5);
  expect(snapshot.rawBytes()).toBe(12 * 123_456);
  expect(snapshot.storedBytes()).toBe(
    manifest.streams.flatMap(({ objects }) => objects).reduce((sum, { storedBytes }) => sum + storedBytes, 0),
  );
});

test.each(["", "A", "a b", "../a", "a/../b", "/a", "a/", "a//b", ".a", "a/.b", "x".repeat(201)])(
  "the stream name %j is refused",
  async (name) => {
    const { snapshot } = await start();

    expect(() => snapshot.stream(name, SMALL)).toThrow("Invalid stream name");
  },
);

test("a stream that would be a folder of another is refused", async () => {
  const { snapshot } = await start();
  snapshot.stream("q", SMALL);
  snapshot.stream("r/s/t", SMALL);

  for (const name of ["q", "q/z", "r", "r/s"]) expect(() => snapshot.stream(name, SMALL)).toThrow("clashes");
  expect(() => snapshot.stream("r/s2", SMALL)).not.toThrow();
});

test("an abort before the manifest's put prevents the commit", async () => {
  const { snapshot, controller, repository, store } = await start();
  controller.abort(interrupted);

  await expect(snapshot.commit(result)).rejects.toBe(interrupted);

  expect(store.operations.filter(isManifest)).toEqual([]);
  expect((await listSnapshots(repository)).manifests).toEqual([]);
});

test("an abort during the manifest's put does not hide that the snapshot was committed", async () => {
  const controller = new AbortController();
  const { snapshot, repository } = await start(
    (operation) => {
      if (isManifest(operation)) controller.abort(interrupted);
      return undefined;
    },
    { signal: controller.signal },
  );

  const manifest = await snapshot.commit(result);
  await snapshot[Symbol.asyncDispose]();

  expect((await listSnapshots(repository)).manifests).toEqual([manifest]);
});

test.each([{ engine: "" }, { parameters: { rate: 10n } }, { target: { namespace: "demo", kind: "AppBinding", name: "" } }])(
  "a head that no reader would accept fails at the start, not after a long backup: %p",
  async (changes) => {
    const signal = new AbortController().signal;

    await expect(startSnapshot(bucket.repository, { ...head, ...changes }, { signal })).rejects.toThrow();
  },
);

test("the lease is there while the backup runs, and gone after the commit", async () => {
  const { snapshot, objects } = await start();
  const leases = () => [...objects.keys()].filter((key) => key.startsWith("holdfast/leases/"));
  const during = leases();

  await snapshot.commit(result);

  expect(during).toEqual([`holdfast/leases/backup-${snapshot.id}.json`]);
  expect(leases()).toEqual([]);
});

test("a backup whose lease lapsed is not committed", async () => {
  let time = Date.parse("2030-01-02T03:04:05Z");
  const { snapshot, repository } = await start(undefined, { now: () => new Date(time) });
  time += 61 * 60_000;

  await expect(snapshot.commit(result)).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining("lapsed") });

  await snapshot[Symbol.asyncDispose]();
  expect((await listSnapshots(repository)).manifests).toEqual([]);
});

test("ids are sortable UTC instants, and a manifest names its predecessor", async () => {
  const now = (text: string) => ({ now: () => new Date(text) });
  const { repository } = await start();
  const first = await takeSnapshot(repository, {}, now("2030-01-02T03:04:05.678Z"));
  const second = await takeSnapshot(repository, {}, now("2030-01-02T03:04:06Z"));

  expect(first.id).toMatch(/^20300102T030405Z-[0-9a-f]{8}$/);
  expect([first.previous, second.previous]).toEqual([undefined, first.id]);
});

test("snapshots of one second, and of clocks that differ by seconds, sort in the order in which they began", async () => {
  const { repository } = await start();
  const taken = [];
  for (const seconds of ["05.100", "05.200", "05.300", "01.000"]) {
    taken.push((await takeSnapshot(repository, {}, { now: () => new Date(`2030-01-02T03:04:${seconds}Z`) })).id);
  }

  expect(taken.map((id) => id.slice(0, 16))).toEqual(["20300102T030405Z", "20300102T030406Z", "20300102T030407Z", "20300102T030408Z"]);
});

test("a clock behind that of the newest snapshot is warned of", async () => {
  const { repository } = await start();
  await takeSnapshot(repository, {}, { now: () => new Date("2030-01-02T03:04:05Z") });
  const warnings: string[] = [];

  await takeSnapshot(repository, {}, { now: () => new Date("2029-01-02T03:04:05Z"), warn: (reason) => warnings.push(reason) });

  expect(warnings).toEqual(["ClockBehind"]);
});

test("a committed or disposed snapshot takes nothing more", async () => {
  const { snapshot } = await start();
  await snapshot.commit(result);

  expect(() => snapshot.stream("a", SMALL)).toThrow("no more streams");
  await expect(snapshot.commit(result)).rejects.toThrow("it is committed");
});

test("a store that fails while removing is warned of, and does not hide why the backup failed", async () => {
  const { snapshot, warnings } = await start(({ verb }) => (verb === "delete" ? "fail" : undefined));
  const stream = snapshot.stream("a", SMALL);
  await stream.write(randomBytes(100));
  await stream.finish();

  await snapshot[Symbol.asyncDispose]();

  expect(warnings).toEqual(["LeftoversRemain"]);
});

test("a backup holds a bounded amount of memory, however much it writes", async () => {
  const { snapshot, repository } = await start();
  const sizes = new Map<string, number>();
  repository.store.put = async (key, source) => {
    let size = 0;
    for await (const piece of source as AsyncIterable<Uint8Array>) size += piece.length;
    sizes.set(key, size);
    return { size };
  };
  repository.store.stat = async (key) => ({ size: sizes.get(key) as number });
  const megabyte = randomBytes(1024 * 1024);
  const before = process.memoryUsage().arrayBuffers;
  const stream = snapshot.stream("a", { mediaType: "x" });

  let most = 0;
  for (let written = 0; written < 128; written++) {
    await stream.write(megabyte);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  await stream.finish();

  expect(most).toBeLessThan(32 * 1024 * 1024);
  expect(stream).toMatchObject({ rawBytes: 128 * 1024 * 1024 });
});
