import type { LiveObject } from "../../../../operator/objects.ts";
import { ObjectCache } from "../../../../operator/watch/cache.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";

const never = new AbortController().signal;

function object(name: string, version: number, { uid = `uid-${name}`, namespace = "demo" } = {}): LiveObject {
  const metadata = { name, namespace, uid, resourceVersion: String(version), creationTimestamp: "2026-11-22T03:00:00Z" };
  return { apiVersion: "batch/v1", kind: "Job", metadata };
}

const list = (version: number, ...items: LiveObject[]) => ({ items, resourceVersion: String(version) });

test("a list takes the place of what was there, and tells what that changed", () => {
  const cache = new ObjectCache(new FakeClock());
  const [kept, changed, gone] = [object("kept", 1), object("changed", 2), object("gone", 3)];
  cache.replaceAll(list(10, kept, changed, gone));
  const [after, fresh] = [object("changed", 11), object("fresh", 12, { namespace: "shop" })];

  const changes = cache.replaceAll(list(20, object("kept", 1), after, fresh));

  expect(changes).toEqual([
    { before: changed, after },
    { before: undefined, after: fresh },
    { before: gone, after: undefined },
  ]);
  expect(cache.get({ namespace: "demo", name: "gone" })).toBeUndefined();
  expect(cache.inNamespace("demo")).toHaveLength(2);
  expect(cache.all()).toHaveLength(3);
  expect(cache.size).toBe(3);
  expect(cache.version).toBe(20n);
});

test("events change one object each, and carry the version on", () => {
  const cache = new ObjectCache(new FakeClock());
  cache.replaceAll(list(10));
  const [added, modified, end] = [object("a", 11), object("a", 12), object("a", 13)];

  expect(cache.apply({ type: "added", object: added })).toEqual([{ before: undefined, after: added }]);
  expect(cache.apply({ type: "modified", object: modified })).toEqual([{ before: added, after: modified }]);
  expect(cache.get({ namespace: "demo", name: "a" })).toBe(modified);
  expect(cache.apply({ type: "deleted", object: end })).toEqual([{ before: modified, after: undefined }]);
  expect(cache.apply({ type: "deleted", object: end })).toEqual([]);
  expect(cache.apply({ type: "bookmark", resourceVersion: "40" })).toEqual([]);

  expect(cache.version).toBe(40n);
  expect(cache.size).toBe(0);
  expect(cache.inNamespace("demo")).toEqual([]);
});

test("a namesake is another object: the former one is told to be gone", () => {
  const cache = new ObjectCache(new FakeClock());
  const [former, namesake] = [object("a", 1), object("a", 15, { uid: "another" })];
  cache.replaceAll(list(10, former));

  const changes = cache.replaceAll(list(20, namesake));

  expect(changes).toEqual([
    { before: former, after: undefined },
    { before: undefined, after: namesake },
  ]);
  expect(cache.size).toBe(1);
});

test("versions are numbers: a longer one is a later one", async () => {
  const cache = new ObjectCache(new FakeClock());
  cache.replaceAll(list(1000));

  expect(await cache.waitFor("999", { signal: never, timeoutMs: 1 })).toBe(true);
});

test.each([
  ["an event", (cache: ObjectCache) => cache.apply({ type: "added", object: object("a", 12) })],
  ["a bookmark", (cache: ObjectCache) => cache.apply({ type: "bookmark", resourceVersion: "12" })],
  ["a list", (cache: ObjectCache) => cache.replaceAll(list(15))],
])("a version that is waited for is seen with %s", async (_what, happen) => {
  const clock = new FakeClock();
  const cache = new ObjectCache(clock);
  cache.replaceAll(list(10));
  cache.apply({ type: "bookmark", resourceVersion: "11" });
  const waiting = cache.waitFor("12", { signal: never, timeoutMs: 5_000 });

  happen(cache);

  expect(await waiting).toBe(true);
  expect(clock.timers).toBe(0);
});

test("a version that does not come is not seen", async () => {
  const clock = new FakeClock();
  const cache = new ObjectCache(clock);
  cache.replaceAll(list(10));
  const waiting = cache.waitFor("12", { signal: never, timeoutMs: 5_000 });

  cache.apply({ type: "bookmark", resourceVersion: "11" });
  await clock.advance(5_000);

  expect(await waiting).toBe(false);
});

test("waiting ends with the signal's reason", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const waiting = new ObjectCache(clock).waitFor("12", { signal: stop.signal, timeoutMs: 5_000 });

  stop.abort(new Error("enough"));

  await expect(waiting).rejects.toThrow("enough");
  expect(clock.timers).toBe(0);
});
