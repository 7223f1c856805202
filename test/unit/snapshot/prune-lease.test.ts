import { StoreUnavailableError } from "../../../runner/errors.ts";
import { isPruneUnderWay, takePruneLease } from "../../../runner/snapshot/prune-lease.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import type { ListedObject, ObjectStore } from "../../../runner/storage/object-store.ts";
import { FailingStore } from "../../fakes/failing-store.ts";
import { storeLike } from "./store-like.ts";

const MINUTE = 60_000;
const never = new AbortController().signal;

function makePlace(store: ObjectStore = new MemoryStore()) {
  const clock = { ms: Date.parse("2030-01-02T03:00:00Z") };
  const now = () => new Date(clock.ms);
  return {
    store,
    take: (holder: string, skewMs = 0) => takePruneLease(store, { holder, signal: undefined, now: () => new Date(clock.ms + skewMs) }),
    pass: (ms: number) => {
      clock.ms += ms;
    },
    isUnderWay: () => isPruneUnderWay(store, { now }),
    async keys() {
      const keys: string[] = [];
      for await (const { key } of store.list("")) keys.push(key);
      return keys;
    },
  };
}

test("whoever comes second is told who holds, and until when", async () => {
  const { take } = makePlace();
  await take("first");

  await expect(take("second")).rejects.toMatchObject({
    exitCode: 11,
    message: expect.stringContaining('"first"'),
    facts: { holder: "first", expires: "2030-01-02T03:10:00.000Z" },
  });
});

test("a lease is renewed under the next number once a minute has passed", async () => {
  const { take, pass, keys } = makePlace();
  const lease = await take("first");

  await lease.hold();
  const early = await keys();
  pass(MINUTE);
  await lease.hold();

  expect(early).toEqual(["holdfast/leases/prune/1.json"]);
  expect(await keys()).toEqual(["holdfast/leases/prune/2.json"]);
});

test("a lease that ends while it is read counts as alive: it may have been renewed since", async () => {
  const inner = new MemoryStore();
  const place = makePlace(
    storeLike(inner, {
      async *get(key) {
        place.pass(20 * MINUTE);
        yield* inner.get(key);
      },
    }),
  );
  await place.take("first");

  expect(await place.isUnderWay()).toBe(true);
});

test("a released lease can be taken at once, and its number is not used again", async () => {
  const { take, keys, isUnderWay } = makePlace();
  const lease = await take("first");
  const during = await isUnderWay();

  await lease.release(never);
  const after = await isUnderWay();
  await (await take("second")).hold();

  expect([during, after]).toEqual([true, false]);
  expect(await keys()).toEqual(["holdfast/leases/prune/2.json", "holdfast/leases/prune/3.json"]);
});

test("a lease whose holder died is taken over five minutes after its end, not earlier", async () => {
  const { take, pass, isUnderWay } = makePlace();
  const dead = await take("first");

  pass(15 * MINUTE - 1);
  await expect(take("second")).rejects.toMatchObject({ exitCode: 11 });
  expect(await isUnderWay()).toBe(true);
  pass(1);
  expect(await isUnderWay()).toBe(false);
  const next = await take("second");

  await next.hold();
  await expect(dead.hold()).rejects.toMatchObject({ exitCode: 11, facts: { holder: "second" } });
});

test("a holder that could not renew gives up five minutes before its end", async () => {
  const { take, pass } = makePlace();
  const lease = await take("first");

  pass(5 * MINUTE);

  await expect(lease.hold()).rejects.toMatchObject({ exitCode: 11, reason: "PruneLeaseLost" });
});

test("a renewal that arrives too late loses the lease, although nobody has taken it", async () => {
  const inner = new MemoryStore();
  const place = makePlace(
    storeLike(inner, {
      async put(...args) {
        if (args[0].endsWith("/2.json")) place.pass(4 * MINUTE);
        return inner.put(...args);
      },
    }),
  );
  const lease = await place.take("first");
  place.pass(MINUTE);

  await expect(lease.hold()).rejects.toMatchObject({ exitCode: 11, reason: "PruneLeaseLost" });
});

test("clocks may differ by minutes: the holder has given up before anybody takes over", async () => {
  const { take, pass } = makePlace();
  const behind = await take("behind", -4 * MINUTE);

  pass(10 * MINUTE + MINUTE);
  await take("ahead", 4 * MINUTE);

  await expect(behind.hold()).rejects.toMatchObject({ exitCode: 11 });
});

test("of several who find a dead lease at once, one holds", async () => {
  const { take, pass } = makePlace();
  await take("dead");
  pass(15 * MINUTE);

  const taken = await Promise.allSettled(["a", "b", "c"].map((holder) => take(holder)));

  expect(taken.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
});

test("whoever creates a number below the highest does not hold", async () => {
  const inner = new MemoryStore();
  const { take, pass } = makePlace(inner);
  await take("dead");
  pass(15 * MINUTE);
  const seenEarlier = await listed(inner);
  const winner = await take("winner");
  pass(2 * MINUTE);
  await winner.hold();
  await inner.delete(["holdfast/leases/prune/2.json"]);
  const late = storeLike(inner, {
    async *list(prefix) {
      const found = seenEarlier.splice(0);
      yield* found.length > 0 ? found : await listed(inner, prefix);
    },
  });

  const taken = takePruneLease(late, { holder: "late", signal: undefined, now: () => new Date("2030-01-02T03:17:00Z") });

  await expect(taken).rejects.toMatchObject({ exitCode: 11, facts: { holder: "winner" } });
});

async function listed(store: ObjectStore, prefix = ""): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of store.list(prefix)) found.push(object);
  return found;
}

test("a put whose answer was lost, and that was repeated, is recognised as our own", async () => {
  const inner = new MemoryStore();
  const repeating = storeLike(inner, {
    async put(...args) {
      await inner.put(...args);
      return inner.put(...args);
    },
  });
  const { take } = makePlace(repeating);

  await (await take("first")).hold();
});

test("a lease that cannot be read is nobody's to take, and counts as alive", async () => {
  const { store, take, isUnderWay } = makePlace();
  await store.put("holdfast/leases/prune/7.json", Buffer.from("{"));

  await expect(take("second")).rejects.toMatchObject({
    exitCode: 3,
    reason: "LeaseUnreadable",
    message: expect.stringContaining("7.json"),
  });
  expect(await isUnderWay()).toBe(true);
});

test("keys that are no numbered leases are not looked at", async () => {
  const { store, take, keys } = makePlace();
  const others = ["holdfast/leases/prune/07.json", "holdfast/leases/prune/x.json", "holdfast/leases/prune/9.json.bak"];
  for (const key of others) await store.put(key, Buffer.from("x"));

  await (await take("first")).release(never);

  expect(await keys()).toEqual([...others, "holdfast/leases/prune/2.json"].sort());
});

test("a store that fails is not taken for a lost lease", async () => {
  const failing = new FailingStore(new MemoryStore());
  const { take } = makePlace(failing);
  const lease = await take("first");
  failing.set({ verb: "list", nth: 1 });

  await expect(lease.hold()).rejects.toBeInstanceOf(StoreUnavailableError);
});
