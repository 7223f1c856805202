import fc from "fast-check";
import type { ObjectChange } from "../../../../operator/watch/cache.ts";
import { Reflector, type ReflectorOptions, type ReflectorProblem } from "../../../../operator/watch/reflector.ts";
import { ClusterRefusedError, ClusterUnavailableError } from "../../../../runner/errors.ts";
import { session } from "../../../contract/objects-api.ts";
import { FakeClock, settle } from "../../../fakes/fake-clock.ts";
import { MemoryObjectsApi } from "../../../fakes/memory-objects-api.ts";

const unreachable = () => new ClusterUnavailableError("no network");

class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly api = new MemoryObjectsApi({ clock: this.clock });
  readonly changes: ObjectChange[] = [];
  readonly problems: ReflectorProblem[] = [];
  readonly stop = new AbortController();
  readonly reflector: Reflector;
  #running: Promise<void> = Promise.resolve();

  constructor(options: Partial<ReflectorOptions> = {}) {
    this.reflector = new Reflector(this.api, {
      kind: "BackupSession",
      clock: this.clock,
      random: () => 0.5,
      changed: (change) => this.changes.push(change),
      problem: (problem) => this.problems.push(problem),
      ...options,
    });
  }

  async run(): Promise<void> {
    this.#running = this.reflector.run(this.stop.signal);
    await settle();
  }

  /** What it holds, as the API has it. */
  expectSame(): void {
    expect([...this.reflector.cache.all()].sort(byName)).toEqual([...this.api.all("BackupSession")].sort(byName));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.#running;
    expect(this.api.watches).toBe(0);
    expect(this.clock.timers).toBe(0);
  }
}

type NamedObject = { readonly metadata: { readonly name: string } };

function byName(one: NamedObject, two: NamedObject): number {
  return one.metadata.name.localeCompare(two.metadata.name);
}

test("it holds what is there, and what changes from then on", async () => {
  await using world = new World();
  world.api.put(session("demo", "a"));
  expect(world.reflector.isSynced).toBe(false);
  expect(world.reflector.lastContactMs).toBeUndefined();

  await world.run();
  await world.reflector.synced;
  world.api.put(session("demo", "b"));
  world.api.putStatus("BackupSession", { namespace: "demo", name: "a" }, { phase: "Running" });
  world.api.delete("BackupSession", { namespace: "demo", name: "b" });
  await settle();

  world.expectSame();
  expect(world.changes.map(({ before, after }) => [before?.metadata.name, after?.metadata.name])).toEqual([
    [undefined, "a"],
    [undefined, "b"],
    ["a", "a"],
    ["b", undefined],
  ]);
  expect(world.reflector.isSynced).toBe(true);
  expect(world.reflector.counts).toEqual({ lists: 1, watches: 1, failures: 0, events: 3 });
  expect(world.problems).toEqual([]);
});

test("the cache has a change before anybody is told of it", async () => {
  const seen: unknown[] = [];
  await using world = new World({
    changed: ({ after }) => seen.push(world.reflector.cache.get({ namespace: "demo", name: "a" }) === after),
  });
  await world.run();

  world.api.put(session("demo", "a"));
  await settle();

  expect(seen).toEqual([true]);
});

test("only objects with the labels are held", async () => {
  await using world = new World({ labelSelector: "tier=one" });
  world.api.put(session("demo", "a", { labels: { tier: "one" } }));
  world.api.put(session("demo", "b"));

  await world.run();
  world.api.put(session("demo", "c", { labels: { tier: "one" } }));
  world.api.put(session("demo", "a", { labels: { tier: "two" } }));
  await settle();

  expect(world.reflector.cache.all().map(({ metadata }) => metadata.name)).toEqual(["c"]);
});

test("after a clean end it watches again at once, from where it was", async () => {
  await using world = new World();
  await world.run();
  await world.clock.advance(5_000);

  world.api.endWatches();
  world.api.put(session("demo", "a"));
  await settle();

  world.expectSame();
  expect(world.reflector.counts).toMatchObject({ lists: 1, watches: 2, failures: 0 });
});

test("a server that ends every watch at once is not asked in a circle", async () => {
  await using world = new World();
  await world.run();

  world.api.endWatches();
  await settle();
  expect(world.reflector.counts).toMatchObject({ watches: 1, failures: 1 });
  await world.clock.advance(500);
  expect(world.reflector.counts.watches).toBe(2);
});

test("after failures it waits longer each time, up to half a minute, and misses nothing", async () => {
  await using world = new World();
  await world.run();
  for (let times = 0; times < 9; times += 1) world.api.failNext(unreachable(), { verb: "watch" });

  world.api.breakWatches(unreachable());
  world.api.put(session("demo", "a"));
  await world.clock.advance(300_000);

  expect(world.problems.map(({ retryInMs }) => retryInMs)).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000]);
  world.expectSame();
  expect(world.reflector.counts).toMatchObject({ lists: 1, failures: 10 });
  world.api.breakWatches(unreachable());
  await settle();
  expect(world.problems.at(-1)?.retryInMs).toBe(500);
});

test("waits are scattered by half of them", async () => {
  const randoms = [0, 0.999];
  await using world = new World({ random: () => randoms.shift() ?? 0.5 });
  // The first scatters the hour until the next list.
  world.api.failNext(unreachable(), { verb: "list" });

  await world.run();

  expect(world.problems[0]?.retryInMs).toBeCloseTo(500 * 1.499, 0);
});

test("what the server asks for is waited for", async () => {
  await using world = new World();
  world.api.failNext(new ClusterUnavailableError("busy", { facts: { retryAfterMs: 7_000 } }), { verb: "list" });
  await world.run();

  await world.clock.advance(6_999);
  expect(world.reflector.isSynced).toBe(false);
  await world.clock.advance(1);

  expect(world.reflector.isSynced).toBe(true);
});

test("a refusal is tried again as well, and is told as trouble until it is over", async () => {
  await using world = new World();
  world.api.failNext(new ClusterRefusedError("Not allowed to list", { reason: "Forbidden" }), { verb: "list" });
  await world.run();
  expect(world.reflector.trouble).toMatchObject({ reason: "Forbidden" });

  await world.clock.advance(1_000);

  expect(world.reflector.isSynced).toBe(true);
  expect(world.reflector.trouble).toBeUndefined();
});

test("a version that is too old makes it list anew, and what vanished meanwhile is told", async () => {
  await using world = new World();
  const former = world.api.put(session("demo", "a"));
  await world.run();
  {
    using _held = world.api.holdEvents();
    world.api.delete("BackupSession", { namespace: "demo", name: "a" });
    world.api.put(session("demo", "b"));
    world.api.forgetHistory();
    world.api.breakWatches(unreachable());
    await world.clock.advance(1_000);
    world.expectSame();
  }

  expect(world.changes.slice(1).map(({ before, after }) => [before?.metadata.uid, after?.metadata.name])).toEqual([
    [undefined, "b"],
    [former.metadata.uid, undefined],
  ]);
  expect(world.reflector.counts.lists).toBe(2);
});

test("versions that are always too old are not listed in a circle", async () => {
  await using world = new World();
  const watch = world.api.watch.bind(world.api);
  world.api.watch = (kind, options) => {
    world.api.forgetHistory();
    return watch(kind, options);
  };

  await world.run();
  await world.clock.advance(60_000);

  expect(world.reflector.counts.lists).toBeLessThan(12);
  expect(world.reflector.counts.lists).toBeGreaterThan(5);
});

test("about every hour all is listed anew, and what a watch did not tell comes to light", async () => {
  await using world = new World();
  world.api.put(session("demo", "a"));
  await world.run();
  // Watches end in between, as the server likes.
  const watchFor = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await world.clock.advance(60_000);
      if (minute % 5 === 0) world.api.endWatches();
      await settle();
    }
  };
  const held = world.api.holdEvents();
  world.api.delete("BackupSession", { namespace: "demo", name: "a" });

  await watchFor(59);
  expect(world.reflector.counts.lists).toBe(1);
  await watchFor(2);

  expect(world.reflector.counts.lists).toBe(2);
  world.expectSame();
  expect(world.changes.at(-1)?.after).toBeUndefined();
  held[Symbol.dispose]();
});

test("an hourly list that fails does not keep it from watching", async () => {
  await using world = new World();
  await world.run();
  world.api.failNext(unreachable(), { verb: "list" });

  await world.clock.advance(3_600_000 + 1_000);
  world.api.put(session("demo", "a"));
  await settle();

  world.expectSame();
  expect(world.reflector.counts).toMatchObject({ lists: 2, failures: 1 });
});

test("bookmarks carry the version on, and a restart of the watch begins there", async () => {
  await using world = new World();
  await world.run();
  world.api.put({ apiVersion: "batch/v1", kind: "Job", metadata: { namespace: "demo", name: "another" } });
  const before = world.reflector.lastVersion;

  world.api.bookmark();
  await settle();

  expect(world.reflector.lastVersion).toBeGreaterThan(before);
  expect(world.changes).toEqual([]);
});

test("a handler that throws is told, and the others changes arrive", async () => {
  await using world = new World({
    changed: ({ after }) => {
      if (after?.metadata.name === "bad") throw new Error("a defect");
      world.changes.push({ before: undefined, after });
    },
  });
  world.api.put(session("demo", "bad"));
  world.api.put(session("demo", "good"));

  await world.run();
  world.api.put(session("demo", "better"));
  await settle();

  expect(world.problems).toEqual([{ kind: "BackupSession", error: new Error("a defect") }]);
  expect(world.changes.map(({ after }) => after?.metadata.name)).toEqual(["good", "better"]);
  expect(world.reflector.counts.failures).toBe(0);
});

test("an accepted watch is a contact, also when nothing happens", async () => {
  await using world = new World();
  await world.run();
  await world.clock.advance(90_000);
  expect(world.reflector.lastContactMs).toBe(0);

  world.api.endWatches();
  await settle();

  expect(world.reflector.lastContactMs).toBe(90_000);
});

test.each([
  ["while it watches", async () => undefined],
  ["while it waits after a failure", async (world: World) => world.api.breakWatches(unreachable())],
])("it stops at once %s", async (_when, prepare) => {
  const world = new World();
  await world.run();
  await prepare(world);
  await settle();

  await world[Symbol.asyncDispose]();

  expect(world.api.calls.watch).toBe(1);
});

test("it runs once only", async () => {
  await using world = new World();
  await world.run();

  await expect(world.reflector.run(world.stop.signal)).rejects.toThrow("runs already");
});

test("whatever happens in whatever order, it ends with what is there, and every change was told once", async () => {
  const step = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    what: fc.constantFrom("put", "status", "delete", "break", "end", "forget", "fail", "hold", "release", "wait", "bookmark"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await using world = new World();
      const { api, clock } = world;
      await world.run();
      let held: Disposable | undefined;
      for (const { name, what } of steps) {
        const key = { namespace: "demo", name };
        const isThere = api.peek("BackupSession", key) !== undefined;
        if (what === "put") api.put(session("demo", name));
        if (what === "status" && isThere) api.putStatus("BackupSession", key, { sessionDuration: String(clock.monotonicMs()) });
        if (what === "delete" && isThere) api.delete("BackupSession", key);
        if (what === "break") api.breakWatches(unreachable());
        if (what === "end") api.endWatches();
        // A server that forgets has ended its watches.
        if (what === "forget") {
          api.forgetHistory();
          api.breakWatches(unreachable());
        }
        if (what === "fail") api.failNext(unreachable());
        if (what === "hold") held ??= api.holdEvents();
        if (what === "release") {
          held?.[Symbol.dispose]();
          held = undefined;
        }
        if (what === "bookmark" && held === undefined) api.bookmark();
        await clock.advance(what === "wait" ? 1_000 : 10);
      }
      held?.[Symbol.dispose]();
      await clock.advance(200_000);

      world.expectSame();
      const told = new Map<string, unknown>();
      for (const { before, after } of world.changes) {
        const id = (before ?? after)?.metadata.name ?? "";
        expect(told.get(id)).toBe(before);
        told.set(id, after);
      }
      for (const object of world.reflector.cache.all()) expect(told.get(object.metadata.name)).toBe(object);
    }),
    { numRuns: 100 },
  );
});
