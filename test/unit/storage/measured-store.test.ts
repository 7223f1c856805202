import { MeasuredStore } from "../../../runner/storage/measured-store.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { readObject } from "../../../runner/storage/object-store.ts";
import { chunksOf, failingAfter, keysOf } from "../../contract/object-store.ts";
import { FailingStore } from "../../fakes/failing-store.ts";

test("counts operations and bytes in both directions", async () => {
  const store = new MeasuredStore(new MemoryStore());

  await store.put("a", Buffer.alloc(10));
  await store.put("b", chunksOf([Buffer.alloc(5), Buffer.alloc(7)]));
  await readObject(store, "a");
  await readObject(store, "b", { offset: 2, length: 4 });
  await store.stat("a");
  await keysOf(store);
  await store.delete(["a", "b"]);

  const { operations, bytesIn, bytesOut } = store.measures;
  expect({ bytesIn, bytesOut }).toEqual({ bytesIn: 22, bytesOut: 14 });
  expect(Object.entries(operations).map(([verb, { count, errors }]) => [verb, count, errors])).toEqual([
    ["put", 2, 0],
    ["get", 2, 0],
    ["stat", 1, 0],
    ["list", 1, 0],
    ["delete", 1, 0],
  ]);
});

test("counts failures, but not the answers that an object is missing or exists", async () => {
  const failing = new FailingStore(new MemoryStore(), { verb: "stat", nth: 2 }, { verb: "get", nth: 1, how: "midway" });
  const store = new MeasuredStore(failing);
  await store.put("key", Buffer.alloc(1));

  await expect(store.stat("none")).rejects.toMatchObject({ name: "NotFoundError" });
  await expect(store.put("key", Buffer.alloc(1), { ifAbsent: true })).rejects.toMatchObject({ name: "AlreadyExistsError" });
  await expect(store.stat("key")).rejects.toMatchObject({ name: "StoreUnavailableError" });
  await expect(readObject(store, "key")).rejects.toMatchObject({ name: "StoreUnavailableError" });
  await expect(store.put("other", failingAfter(10, new Error("ended")))).rejects.toThrow("ended");

  const { operations, bytesIn } = store.measures;
  expect([operations.stat.errors, operations.put.errors, operations.get.errors]).toEqual([1, 1, 1]);
  expect(bytesIn).toBe(11);
});

test("measures the time inside the store, not that of the reader between two chunks", async () => {
  let clock = 0;
  const store = new MeasuredStore(new MemoryStore(), { now: () => clock });
  await store.put("key", Buffer.alloc(200_000));

  for await (const _ of store.get("key")) clock += 5_000;

  expect(store.measures.operations.get.seconds).toBe(0);
});
