import { StoreRefusedError } from "../../../runner/errors.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { readObject } from "../../../runner/storage/object-store.ts";
import { RetryingStore } from "../../../runner/storage/retrying-store.ts";
import { chunksOf, expectSame, keysOf, patternBytes } from "../../contract/object-store.ts";
import { FailingStore, type StoreFault } from "../../fakes/failing-store.ts";

const POLICY = { retries: 3, minDelayMs: 0, maxDelayMs: 0, maxElapsedMs: 60_000 };
const bytes = patternBytes(300_000);

function storesWith(...faults: StoreFault[]) {
  const real = new MemoryStore();
  const failing = new FailingStore(real, ...faults);
  return { real, failing, store: new RetryingStore(failing, POLICY) };
}

test.each(["before", "after", "midway"] as const)("a put of bytes that fails %s is repeated", async (how) => {
  const { real, failing, store } = storesWith({ verb: "put", nth: 1, how });

  await store.put("key", bytes);

  expect(failing.calls).toEqual(["put key", "put key"]);
  expectSame(await readObject(real, "key"), bytes);
});

test("a create whose answer was lost succeeds when the bytes there are ours", async () => {
  const { real, failing, store } = storesWith({ verb: "put", nth: 1, how: "after" });

  const { size } = await store.put("manifest", bytes, { ifAbsent: true });

  expect(size).toBe(bytes.length);
  expect(failing.calls).toEqual(["put manifest", "put manifest", "get manifest"]);
  expectSame(await readObject(real, "manifest"), bytes);
});

test.each([
  ["others", Buffer.from("theirs")],
  ["as long as ours", Buffer.alloc(bytes.length)],
  ["ours and more", Buffer.concat([bytes, Buffer.from("!")])],
  ["the start of ours", bytes.subarray(0, 1000)],
  ["none", new Uint8Array()],
])("a repeated create that finds %s is refused", async (_, theirs) => {
  const { real, store } = storesWith({ verb: "put", nth: 1, how: "before" });
  await real.put("manifest", theirs);

  await expect(store.put("manifest", bytes, { ifAbsent: true })).rejects.toMatchObject({ name: "AlreadyExistsError" });
});

test("a first create that finds the key taken is refused even when the bytes are the same", async () => {
  const { real, failing, store } = storesWith();
  await real.put("manifest", bytes);

  await expect(store.put("manifest", bytes, { ifAbsent: true })).rejects.toMatchObject({ name: "AlreadyExistsError" });
  expect(failing.calls).toEqual(["put manifest"]);
});

test("the check of a repeated create is itself repeated", async () => {
  const { store } = storesWith({ verb: "put", nth: 1, how: "after" }, { verb: "get", nth: 1, how: "midway" });

  await expect(store.put("manifest", bytes, { ifAbsent: true })).resolves.toEqual({ size: bytes.length });
});

test("a put from a stream is never repeated", async () => {
  const { failing, store } = storesWith({ verb: "put", nth: 1 });

  await expect(store.put("key", chunksOf([bytes]))).rejects.toMatchObject({ name: "StoreUnavailableError" });
  expect(failing.calls).toEqual(["put key"]);
});

test.each(["stat", "list", "get", "delete"] as const)("a %s that fails for a moment is repeated", async (verb) => {
  const { real, store } = storesWith({ verb, nth: 1 }, { verb, nth: 2 });
  await real.put("key", bytes);

  const run = {
    stat: async () => expect(await store.stat("key")).toEqual({ size: bytes.length }),
    list: async () => expect(await keysOf(store)).toEqual(["key"]),
    get: async () => expectSame(await readObject(store, "key"), bytes),
    delete: async () => store.delete(["key"]),
  };

  await run[verb]();
});

test.each(["put", "stat", "list", "get", "delete"] as const)("a %s that is refused is not repeated", async (verb) => {
  const error = new StoreRefusedError("no");
  const { failing, store } = storesWith({ verb, nth: 1, error, isLasting: true });

  const run = {
    put: () => store.put("key", bytes),
    stat: () => store.stat("key"),
    list: () => keysOf(store),
    get: () => readObject(store, "key"),
    delete: () => store.delete(["key"]),
  };

  await expect(run[verb]()).rejects.toBe(error);
  expect(failing.calls).toHaveLength(1);
});

test("a store that stays unavailable is given up, with its own error", async () => {
  const { failing, store } = storesWith({ verb: "any", nth: 1, isLasting: true });

  await expect(store.stat("key")).rejects.toMatchObject({ name: "StoreUnavailableError" });
  expect(failing.calls).toHaveLength(1 + POLICY.retries);
});

test("a read that breaks goes on where it was, also several times", async () => {
  const midway = { verb: "get", how: "midway" } as const;
  const { real, store } = storesWith({ ...midway, nth: 1 }, { ...midway, nth: 2 }, { ...midway, nth: 3 });
  await real.put("key", bytes);

  expectSame(await readObject(store, "key"), bytes);
});

test("a range that breaks goes on to its own end", async () => {
  const { real, store } = storesWith({ verb: "get", nth: 1, how: "midway" });
  await real.put("key", bytes);

  expectSame(await readObject(store, "key", { offset: 100, length: 150_000 }), bytes.subarray(100, 150_100));
});

test("a range that breaks after its last byte is whole", async () => {
  const { real, failing, store } = storesWith({ verb: "get", nth: 1, how: "midway" });
  await real.put("key", bytes);

  expectSame(await readObject(store, "key", { offset: 100, length: 10 }), bytes.subarray(100, 110));
  expect(failing.calls).toEqual(["get key"]);
});

test("a read that breaks after the last byte is a failure: what was to follow is not known", async () => {
  const { real, store } = storesWith({ verb: "get", nth: 1, how: "after", isLasting: true });
  await real.put("key", bytes);

  await expect(readObject(store, "key")).rejects.toMatchObject({ name: "StoreUnavailableError" });
});

test("a read that breaks again and again without getting on ends", async () => {
  const { real, failing, store } = storesWith({ verb: "get", nth: 1, how: "midway", isLasting: true });
  await real.put("key", patternBytes(20 * 64 * 1024));

  await expect(readObject(store, "key")).rejects.toMatchObject({ name: "StoreUnavailableError" });
  expect(failing.calls.filter((call) => call.startsWith("get"))).toHaveLength(1 + POLICY.retries);
});

test("an object that vanishes while it is read is missing", async () => {
  const { real, store } = storesWith({ verb: "get", nth: 1, how: "midway" });
  await real.put("key", bytes);
  const iterator = store.get("key")[Symbol.asyncIterator]();
  await iterator.next();

  await real.delete(["key"]);

  await expect(iterator.next()).rejects.toMatchObject({ name: "NotFoundError" });
});

test("a list that breaks gives each key once, in order", async () => {
  const midway = { verb: "list", how: "midway" } as const;
  const { real, store } = storesWith({ ...midway, nth: 1 }, { ...midway, nth: 2 });
  for (const key of ["a", "b", "c"]) await real.put(key, bytes);

  expect(await keysOf(store)).toEqual(["a", "b", "c"]);
});
