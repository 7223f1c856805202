import fc from "fast-check";
import { WorkQueue } from "../../../../operator/watch/queue.ts";
import { FakeClock, settle } from "../../../fakes/fake-clock.ts";

const never = new AbortController().signal;
const key = (name: string) => ({ namespace: "demo", name });

test("a name that is put in twice is given out once", async () => {
  using queue = new WorkQueue({ clock: new FakeClock() });

  queue.add(key("a"));
  queue.add(key("a"));
  queue.add(key("b"));

  expect(queue.depth).toBe(2);
  expect(await queue.next(never)).toEqual(key("a"));
  expect(await queue.next(never)).toEqual(key("b"));
  expect(queue.counts.adds).toBe(2);
});

test("a name that is put in while a worker has it comes once more, and only after that worker is done", async () => {
  using queue = new WorkQueue({ clock: new FakeClock() });
  queue.add(key("a"));
  await queue.next(never);

  queue.add(key("a"));
  queue.add(key("a"));
  expect(queue.depth).toBe(0);
  queue.done(key("a"));

  expect(queue.depth).toBe(1);
  expect(await queue.next(never)).toEqual(key("a"));
  queue.done(key("a"));
  expect(queue.depth).toBe(0);
  expect(queue.inWork).toBe(0);
});

test("what happened comes before what is only looked at again", async () => {
  using queue = new WorkQueue({ clock: new FakeClock() });
  queue.add(key("old"), { priority: "resync" });
  queue.add(key("older"), { priority: "resync" });
  queue.add(key("new"));
  queue.add(key("older"));

  const order = [await queue.next(never), await queue.next(never), await queue.next(never)];

  expect(order).toEqual([key("new"), key("older"), key("old")]);
});

test("an event during the work stays an event when a resync follows", async () => {
  using queue = new WorkQueue({ clock: new FakeClock() });
  queue.add(key("a"));
  await queue.next(never);
  queue.add(key("a"), { priority: "resync" });
  queue.add(key("a"));
  queue.add(key("a"), { priority: "resync" });
  queue.add(key("b"), { priority: "resync" });

  queue.done(key("a"));

  expect(await queue.next(never)).toEqual(key("a"));
});

test("who waits for a name gets the next one, the first first", async () => {
  using queue = new WorkQueue({ clock: new FakeClock() });
  const [one, two] = [queue.next(never), queue.next(never)];

  queue.add(key("a"));
  queue.add(key("b"));

  expect(await one).toEqual(key("a"));
  expect(await two).toEqual(key("b"));
});

test("of several times for a name the earliest counts", async () => {
  const clock = new FakeClock();
  using queue = new WorkQueue({ clock });
  queue.addAfter(key("a"), 60_000);
  queue.addAfter(key("a"), 10_000);
  queue.addAfter(key("a"), 30_000);

  await clock.advance(9_999);
  expect(queue.depth).toBe(0);
  await clock.advance(1);

  expect(queue.depth).toBe(1);
  expect(queue.delayed).toBe(0);
  expect(clock.timers).toBe(0);
});

test("a time that has passed is now", () => {
  using queue = new WorkQueue({ clock: new FakeClock() });

  queue.addAfter(key("a"), -5);
  queue.addAfter(key("b"), Number.NaN);

  expect(queue.depth).toBe(2);
});

test("a name that fails waits longer each time, up to five minutes, until it went well", () => {
  using queue = new WorkQueue({ clock: new FakeClock() });

  const waits = Array.from({ length: 11 }, () => queue.retry(key("a")));
  queue.forget(key("a"));

  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000));
  expect(queue.retry(key("a"))).toBe(1_000);
  expect(queue.counts.retries).toBe(12);
});

test("what the server asked for is waited for at least", () => {
  using queue = new WorkQueue({ clock: new FakeClock() });

  expect(queue.retry(key("a"), { atLeastMs: 7_000 })).toBe(7_000);
  expect(queue.retry(key("a"), { atLeastMs: 10 })).toBe(2_000);
});

test("failures of many names together are spread: a hundred at once, then ten a second", async () => {
  const clock = new FakeClock();
  using queue = new WorkQueue({ clock });

  const waits = Array.from({ length: 130 }, (_, index) => queue.retry(key(`n${index}`)));

  expect(waits.slice(0, 110).every((ms) => ms === 1_000)).toBe(true);
  expect(waits[119]).toBeCloseTo(2_000);
  expect(waits[129]).toBeCloseTo(3_000);
  await clock.advance(60_000);
  expect(queue.depth).toBe(130);
  expect(queue.retry(key("late"))).toBe(1_000);
});

test("a signal ends waiting, and the names stay for others", async () => {
  using queue = new WorkQueue({ clock: new FakeClock() });
  const stop = new AbortController();
  const waiting = queue.next(stop.signal);

  stop.abort();
  queue.add(key("a"));

  expect(await waiting).toBeUndefined();
  expect(await queue.next(stop.signal)).toBeUndefined();
  expect(await queue.next(never)).toEqual(key("a"));
});

test("a closed queue lets everybody go, takes nothing and leaves no timer", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  const waiting = [queue.next(never), queue.next(never)];
  queue.addAfter(key("a"), 1_000);

  queue[Symbol.dispose]();
  queue.add(key("b"));
  queue.addAfter(key("b"), 1_000);
  queue.retry(key("b"));
  queue.done(key("b"));

  expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
  expect(await queue.next(never)).toBeUndefined();
  expect(queue.depth).toBe(0);
  expect(clock.timers).toBe(0);
});

test("whatever is put in when, every name is looked at after it was last put in, and by one worker at a time", async () => {
  const step = fc.record({ name: fc.constantFrom("a", "b", "c"), how: fc.constantFrom("add", "resync", "later", "work", "wait") });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new FakeClock();
      using queue = new WorkQueue({ clock });
      const stop = new AbortController();
      const [asked, seen] = [new Map<string, number>(), new Map<string, number>()];
      const release = new Map<string, () => void>();
      const working = new Set<string>();
      let moment = 0;
      const worker = async () => {
        for (let next = await queue.next(stop.signal); next !== undefined; next = await queue.next(stop.signal)) {
          const { name } = next;
          expect(working.has(name)).toBe(false);
          working.add(name);
          seen.set(name, ++moment);
          await new Promise<void>((resolve) => release.set(name, resolve));
          working.delete(name);
          queue.done(next);
        }
      };
      const workers = [worker(), worker()];

      for (const { name, how } of steps) {
        if (how !== "work" && how !== "wait") asked.set(name, ++moment);
        if (how === "add") queue.add(key(name));
        if (how === "resync") queue.add(key(name), { priority: "resync" });
        if (how === "later") queue.addAfter(key(name), 500);
        if (how === "work") release.get(name)?.();
        await (how === "wait" ? clock.advance(300) : settle());
      }
      for (let round = 0; round < 8; round += 1) {
        await clock.advance(500);
        for (const finish of release.values()) finish();
        await settle();
      }
      stop.abort();
      await Promise.all(workers);

      for (const [name, when] of asked) expect(seen.get(name)).toBeGreaterThan(when);
    }),
    { numRuns: 40 },
  );
});
