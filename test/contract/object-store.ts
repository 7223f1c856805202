// The behaviour every store and every wrapper has. A test file names a place and calls objectStoreSuite.
import { type ObjectStore, readObject } from "../../runner/storage/object-store.ts";

/** Somewhere empty; stores opened here under different prefixes share one bucket or directory tree. */
export interface StorePlace extends AsyncDisposable {
  open(prefix: string): ObjectStore;
}

const MEBIBYTE = 1024 * 1024;

/** Declares the suite; `open` makes a fresh place for each test. */
export function objectStoreSuite(name: string, open: () => Promise<StorePlace>): void {
  describe(name, () => {
    describe("put and get", () => testWholeObjects(open));
    describe("ranges", () => testRanges(open));
    describe("ifAbsent", () => testIfAbsent(open));
    describe("failures and aborts", () => testFailures(open));
    describe("list", () => testList(open));
    describe("delete", () => testDelete(open));
    describe("prefixes", () => testPrefixes(open));
  });
}

type Open = () => Promise<StorePlace>;

function testWholeObjects(open: Open): void {
  test("an object comes back byte for byte", async () => {
    await using place = await open();
    const store = place.open("a");
    const bytes = patternBytes(300_000);

    const { size } = await store.put("data/one", bytes);

    expect(size).toBe(bytes.length);
    expect(await store.stat("data/one")).toEqual({ size: bytes.length });
    expectSame(await readObject(store, "data/one"), bytes);
  });

  test("an empty object is an object", async () => {
    await using place = await open();
    const store = place.open("a");

    await store.put("empty-bytes", new Uint8Array());
    await store.put("empty-stream", chunksOf([]));

    for (const key of ["empty-bytes", "empty-stream"]) {
      expect(await store.stat(key)).toEqual({ size: 0 });
      expect(await readObject(store, key)).toHaveLength(0);
    }
  });

  test("a stream of uneven chunks is stored in one piece", async () => {
    await using place = await open();
    const store = place.open("a");
    const chunks = [1, 0, 65_537, 3 * MEBIBYTE, 7, 9 * MEBIBYTE, MEBIBYTE].map((size, i) => patternBytes(size, i));

    const { size } = await store.put("stream", chunksOf(chunks), { ifAbsent: true });

    const whole = Buffer.concat(chunks);
    expect(size).toBe(whole.length);
    expectSame(await readObject(store, "stream"), whole);
  });

  test("a source may use its buffer again", async () => {
    await using place = await open();
    const store = place.open("a");
    async function* source() {
      const buffer = Buffer.alloc(MEBIBYTE);
      for (let i = 0; i < 20; i++) yield buffer.fill(i);
    }

    await store.put("stream", source());

    const expected = Buffer.concat(Array.from({ length: 20 }, (_, i) => Buffer.alloc(MEBIBYTE, i)));
    expectSame(await readObject(store, "stream"), expected);
  });

  test("a small stream is stored too", async () => {
    await using place = await open();
    const store = place.open("a");

    const { size } = await store.put("small", chunksOf([Buffer.from("hel"), Buffer.from("lo")]));

    expect(size).toBe(5);
    expect((await readObject(store, "small")).toString()).toBe("hello");
  });

  test("without ifAbsent an object is replaced", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("lease", Buffer.from("a longer first text"));

    await store.put("lease", Buffer.from("second"));

    expect((await readObject(store, "lease")).toString()).toBe("second");
    expect(await store.stat("lease")).toEqual({ size: 6 });
  });

  test("a reader sees the old object or the new one while it is replaced, never a mixture", async () => {
    await using place = await open();
    const store = place.open("a");
    const versions = [Buffer.alloc(200_000, 1), Buffer.alloc(200_000, 2)];
    await store.put("lease", versions[0]!);

    const writing = Promise.all([1, 0, 1, 0, 1].map((version) => store.put("lease", versions[version]!)));
    const seen = await Promise.all(Array.from({ length: 5 }, () => readObject(store, "lease")));
    await writing;

    for (const bytes of seen) expect(versions.some((version) => version.equals(bytes))).toBe(true);
  });

  test("reading what is not there is a NotFoundError with the key", async () => {
    await using place = await open();
    const store = place.open("a");

    await expect(readObject(store, "data/none")).rejects.toMatchObject({ name: "NotFoundError", key: "data/none" });
    await expect(store.stat("data/none")).rejects.toMatchObject({ name: "NotFoundError", key: "data/none" });
  });

  test("a key that could climb out is refused before anything happens", async () => {
    await using place = await open();
    const store = place.open("a");

    for (const key of ["../up", "a/../b", "/etc/passwd", "a//b", ".hidden", "a/.hidden", "", "a/", "ä", "a\0b"]) {
      await expect(store.put(key, Buffer.from("x"))).rejects.toThrow(TypeError);
      await expect(readObject(store, key)).rejects.toThrow(TypeError);
      await expect(store.stat(key)).rejects.toThrow(TypeError);
      await expect(store.delete([key])).rejects.toThrow(TypeError);
    }
    expect(await keysOf(store)).toEqual([]);
  });

  test("leaving a read early is fine, and the store goes on working", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("big", patternBytes(3 * MEBIBYTE));

    for (let i = 0; i < 5; i++) {
      for await (const chunk of store.get("big")) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    }

    expect(await store.stat("big")).toEqual({ size: 3 * MEBIBYTE });
  });
}

function testRanges(open: Open): void {
  const bytes = patternBytes(100_000);

  test.each([
    ["from the start", { offset: 0, length: 10 }],
    ["in the middle", { offset: 50_000, length: 40_000 }],
    ["from an offset to the end", { offset: 99_000 }],
    ["a length without offset", { length: 1 }],
    ["over the end", { offset: 99_990, length: 100 }],
    ["at the end", { offset: 100_000, length: 5 }],
    ["beyond the end", { offset: 200_000, length: 5 }],
    ["beyond the end without length", { offset: 200_000 }],
    ["of no bytes", { offset: 5, length: 0 }],
  ])("a range %s gives exactly those bytes", async (_, range: { offset?: number; length?: number }) => {
    await using place = await open();
    const store = place.open("a");
    await store.put("object", bytes);

    const read = await readObject(store, "object", range);

    const { offset = 0, length = Number.POSITIVE_INFINITY } = range;
    expectSame(read, bytes.subarray(offset, offset + length));
  });

  test("any range of an empty object is empty", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("empty", new Uint8Array());

    expect(await readObject(store, "empty", { offset: 0, length: 10 })).toHaveLength(0);
    expect(await readObject(store, "empty", { offset: 3 })).toHaveLength(0);
  });

  test("a range of a missing object is a NotFoundError", async () => {
    await using place = await open();
    const store = place.open("a");

    await expect(readObject(store, "none", { offset: 7, length: 3 })).rejects.toMatchObject({ name: "NotFoundError" });
    await expect(readObject(store, "none", { offset: 7, length: 0 })).rejects.toMatchObject({ name: "NotFoundError" });
  });

  test("what is no range is refused", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("object", bytes);

    await expect(readObject(store, "object", { offset: -1 })).rejects.toThrow(RangeError);
    await expect(readObject(store, "object", { length: -1 })).rejects.toThrow(RangeError);
    await expect(readObject(store, "object", { offset: 1.5 })).rejects.toThrow(RangeError);
  });
}

function testIfAbsent(open: Open): void {
  test.each([
    ["bytes", (text: string) => Buffer.from(text)],
    ["a stream", (text: string) => chunksOf([Buffer.from(text)])],
    ["a large stream", (text: string) => chunksOf([Buffer.alloc(9 * MEBIBYTE, text)])],
  ])("creating from %s is refused when the key exists, and the object stays as it was", async (_, source) => {
    await using place = await open();
    const store = place.open("a");
    await store.put("manifest", Buffer.from("first"), { ifAbsent: true });

    const second = store.put("manifest", source("second"), { ifAbsent: true });

    await expect(second).rejects.toMatchObject({ name: "AlreadyExistsError", key: "manifest" });
    expect((await readObject(store, "manifest")).toString()).toBe("first");
    expect(await keysOf(store)).toEqual(["manifest"]);
  });

  test("of many racing creates exactly one wins, and its bytes are what is read", async () => {
    await using place = await open();
    const texts = Array.from({ length: 12 }, (_, i) => `racer ${i}`);

    const outcomes = await Promise.allSettled(
      texts.map((text, i) => {
        const bytes = Buffer.from(text);
        return place.open("a").put("manifest", i % 2 === 0 ? bytes : chunksOf([bytes]), { ifAbsent: true });
      }),
    );

    const winners = texts.filter((_, i) => outcomes[i]!.status === "fulfilled");
    const losers = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(winners).toHaveLength(1);
    for (const loser of losers) expect(loser.reason).toMatchObject({ name: "AlreadyExistsError" });
    expect((await readObject(place.open("a"), "manifest")).toString()).toBe(winners[0]);
  });

  test("a deleted key can be created again", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("key", Buffer.from("first"), { ifAbsent: true });
    await store.delete(["key"]);

    await store.put("key", Buffer.from("second"), { ifAbsent: true });

    expect((await readObject(store, "key")).toString()).toBe("second");
  });
}

function testFailures(open: Open): void {
  test.each([
    ["at once", 0],
    ["after little", 10],
    ["after much", 20 * MEBIBYTE],
  ])("a source that fails %s leaves no object, and its error comes through", async (_, bytes) => {
    await using place = await open();
    const store = place.open("a");
    const failure = new Error("the dump ended early");

    const putting = store.put("data/one", failingAfter(bytes, failure));

    await expect(putting).rejects.toBe(failure);
    await expect(store.stat("data/one")).rejects.toMatchObject({ name: "NotFoundError" });
    expect(await keysOf(store)).toEqual([]);
  });

  test.each([
    ["little", 10],
    ["much", 20 * MEBIBYTE],
  ])("a source that fails after %s leaves the earlier object as it was", async (_, bytes) => {
    await using place = await open();
    const store = place.open("a");
    await store.put("data/one", Buffer.from("earlier"));
    const failure = new Error("the dump ended early");

    await expect(store.put("data/one", failingAfter(bytes, failure))).rejects.toBe(failure);

    expect((await readObject(store, "data/one")).toString()).toBe("earlier");
    expect(await keysOf(store)).toEqual(["data/one"]);
  });

  test.each([
    ["little", 10],
    ["much", 20 * MEBIBYTE],
  ])("an abort while the source is stalled after %s ends the put with its reason and leaves nothing", async (_, bytes) => {
    await using place = await open();
    const store = place.open("a");
    const controller = new AbortController();
    const reason = new Error("stopped");
    const source = stalledAfter(bytes);
    const putting = store.put("data/one", source.chunks, { signal: controller.signal });
    putting.catch(() => undefined);
    await source.stalled;

    controller.abort(reason);

    await expect(putting).rejects.toBe(reason);
    expect(await keysOf(store)).toEqual([]);
  });

  test("an aborted signal stops every verb with its reason, before anything happens", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("key", Buffer.from("kept"));
    const reason = new Error("stopped");
    const signal = AbortSignal.abort(reason);

    await expect(store.put("other", Buffer.from("x"), { signal })).rejects.toBe(reason);
    await expect(store.put("other", chunksOf([Buffer.from("x")]), { signal })).rejects.toBe(reason);
    await expect(readObject(store, "key", { signal })).rejects.toBe(reason);
    await expect(store.stat("key", { signal })).rejects.toBe(reason);
    await expect(keysOf(store, "", signal)).rejects.toBe(reason);
    await expect(store.delete(["key"], { signal })).rejects.toBe(reason);
    expect(await keysOf(store)).toEqual(["key"]);
  });

  test("an abort in the middle of a read ends it with its reason", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("big", patternBytes(20 * MEBIBYTE));
    const controller = new AbortController();
    const reason = new Error("stopped");

    const reading = (async () => {
      for await (const _ of store.get("big", { signal: controller.signal })) controller.abort(reason);
    })();

    await expect(reading).rejects.toBe(reason);
  });
}

function testList(open: Open): void {
  test("keys come in the order of their bytes, with sizes, folders or not", async () => {
    await using place = await open();
    const store = place.open("a");
    const keys = ["a-b", "a.b", "a/b", "a/b-c/d", "a0", "aB", "A", "_", "-", "a/c", "a_b", "b/z/z/z", "0", "Z/9", "a/b.c"];
    for (const key of keys) await store.put(key, Buffer.from(key));

    const listed = await collect(store.list(""));

    const ordered = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(listed).toEqual(ordered.map((key) => ({ key, size: key.length })));
  });

  test("the prefix is a plain string prefix", async () => {
    await using place = await open();
    const store = place.open("a");
    for (const key of ["data/1", "data/2", "data/20/x", "data-2", "dat", "snapshots/2"]) await store.put(key, Buffer.from("x"));

    expect(await keysOf(store, "data/")).toEqual(["data/1", "data/2", "data/20/x"]);
    expect(await keysOf(store, "data/2")).toEqual(["data/2", "data/20/x"]);
    expect(await keysOf(store, "data/20")).toEqual(["data/20/x"]);
    expect(await keysOf(store, "data")).toEqual(["data-2", "data/1", "data/2", "data/20/x"]);
    expect(await keysOf(store, "dat")).toEqual(["dat", "data-2", "data/1", "data/2", "data/20/x"]);
    expect(await keysOf(store, "data/1")).toEqual(["data/1"]);
    expect(await keysOf(store, "data/1/")).toEqual([]);
    expect(await keysOf(store, "none/")).toEqual([]);
  });

  test("an empty place lists nothing", async () => {
    await using place = await open();

    expect(await keysOf(place.open("a"))).toEqual([]);
  });

  test("a prefix that climbs finds nothing", async () => {
    await using place = await open();
    await place.open("a").put("key", Buffer.from("x"));

    expect(await keysOf(place.open("b"), "../")).toEqual([]);
    expect(await keysOf(place.open("b"), "../a/")).toEqual([]);
    expect(await keysOf(place.open("b"), "/")).toEqual([]);
  });

  test("leaving a list early is fine", async () => {
    await using place = await open();
    const store = place.open("a");
    for (const key of ["1", "2", "3"]) await store.put(key, Buffer.from("x"));

    const iterator = store.list("")[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ key: "1", size: 1 });
    await iterator.return?.();

    expect(await keysOf(store)).toEqual(["1", "2", "3"]);
  });
}

function testDelete(open: Open): void {
  test("deletes what is named and nothing else; a missing key is fine", async () => {
    await using place = await open();
    const store = place.open("a");
    for (const key of ["data/1", "data/2", "data/20", "keep"]) await store.put(key, Buffer.from("x"));

    await store.delete(["data/2", "data/none", "none/at/all"]);
    await store.delete([]);

    expect(await keysOf(store)).toEqual(["data/1", "data/20", "keep"]);
    await expect(store.stat("data/2")).rejects.toMatchObject({ name: "NotFoundError" });
  });
}

function testPrefixes(open: Open): void {
  test("stores under different prefixes do not see one another", async () => {
    await using place = await open();
    const stores = ["a", "ab", "b/c", "b/d"].map((prefix) => place.open(prefix));
    for (const [i, store] of stores.entries()) await store.put("key", Buffer.from(`store ${i}`));

    await stores[1]!.delete(["key"]);

    expect((await readObject(stores[0]!, "key")).toString()).toBe("store 0");
    await expect(stores[1]!.stat("key")).rejects.toMatchObject({ name: "NotFoundError" });
    expect(await Promise.all(stores.map((store) => keysOf(store)))).toEqual([["key"], [], ["key"], ["key"]]);
  });

  test("two stores at one place see the same objects", async () => {
    await using place = await open();

    await place.open("a").put("key", Buffer.from("shared"));

    expect((await readObject(place.open("a"), "key")).toString()).toBe("shared");
  });
}

/** A race that only stores with folders can lose; declared beside the suite. */
export function putWhileNeighboursAreDeleted(open: () => Promise<StorePlace>): void {
  test("a key can be put again while its neighbours are deleted", async () => {
    await using place = await open();
    const store = place.open("a");
    await store.put("folder/old-0", Buffer.from("x"));

    for (let i = 0; i < 10; i++) {
      const next = store.put(`folder/old-${i + 1}`, Buffer.from("x"), { ifAbsent: true });
      await Promise.all([next, store.delete([`folder/old-${i}`])]);
    }

    expect(await keysOf(store)).toEqual(["folder/old-10"]);
  });
}

/** The keys in listed order. */
export async function keysOf(store: ObjectStore, prefix = "", signal?: AbortSignal): Promise<string[]> {
  return (await collect(store.list(prefix, { signal }))).map(({ key }) => key);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** Bytes of every value that do not repeat at a power of two, so that a lost or doubled block shows. */
export function patternBytes(size: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16) * 13 + seed) & 255;
  return bytes;
}

export async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* chunks;
}

export async function* failingAfter(bytes: number, failure: Error): AsyncGenerator<Uint8Array, void, void> {
  for (let left = bytes; left > 0; left -= MEBIBYTE) yield patternBytes(Math.min(left, MEBIBYTE));
  throw failure;
}

/** A source that gives bytes and then hangs for ever; `stalled` resolves when it does. */
export function stalledAfter(bytes: number): { chunks: AsyncIterable<Uint8Array>; stalled: Promise<void> } {
  const stall = Promise.withResolvers<void>();
  async function* chunks() {
    for (let left = bytes; left > 0; left -= MEBIBYTE) yield patternBytes(Math.min(left, MEBIBYTE));
    stall.resolve();
    await new Promise<never>(() => undefined);
  }
  return { chunks: chunks(), stalled: stall.promise };
}

/** Compares by Buffer: jest's own comparison of megabytes takes seconds. */
export function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(actual, expected)).toBe(0);
}
