import { type Action, type Decision, NOTHING } from "../../../operator/action.ts";
import { EventTeller } from "../../../operator/apply/event-teller.ts";
import { type ControllerParts, runController } from "../../../operator/controller.ts";
import type { WatchedKind } from "../../../operator/kinds.ts";
import { identityOf, type LiveObject } from "../../../operator/objects.ts";
import type { ObjectCache } from "../../../operator/watch/cache.ts";
import { WorkQueue } from "../../../operator/watch/queue.ts";
import { Reflector } from "../../../operator/watch/reflector.ts";
import type { World } from "../../../operator/world.ts";
import { ClusterUnavailableError, ParameterError } from "../../../runner/errors.ts";
import type { ObjectName } from "../../../runner/kubernetes/cluster.ts";
import { FakeClock, settle } from "../../fakes/fake-clock.ts";
import { MemoryObjectsApi } from "../../fakes/memory-objects-api.ts";
import { configuration, PLACE, recordingLog } from "./apply/apply-cases.ts";

type Look = (key: ObjectName, nth: number) => Decision | Promise<Decision>;

const keyOf = (name: string): ObjectName => ({ namespace: "shop", name });

/** A controller at work on an API in memory, with a cache that follows it. */
class Play implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly api = new MemoryObjectsApi({ clock: this.clock });
  readonly queue = new WorkQueue({ clock: this.clock });
  readonly looks: string[] = [];
  readonly passed: string[] = [];
  readonly lines;
  readonly ending = new AbortController();
  readonly writing = new AbortController();
  readonly over: Promise<void>;
  readonly #watching = new AbortController();
  readonly #watched: Promise<void>;

  constructor(look: Look, { workers = 2, isWoken = false }: { readonly workers?: number; readonly isWoken?: boolean } = {}) {
    const { log, lines } = recordingLog();
    this.lines = lines;
    const reflector = new Reflector(this.api, {
      kind: "BackupConfiguration",
      clock: this.clock,
      changed: ({ after }) => (isWoken && after !== undefined ? this.queue.add(identityOf(after)) : undefined),
      problem: () => undefined,
    });
    this.#watched = reflector.run(this.#watching.signal);
    const caches = new Map<WatchedKind, ObjectCache>([["BackupConfiguration", reflector.cache]]);
    const world = { now: () => this.clock.now(), cached: (_, name) => reflector.cache.get(name) } as Partial<World> as World;
    const reconcile = async (key: ObjectName) => {
      this.looks.push(key.name);
      return look(key, this.looks.filter((each) => each === key.name).length);
    };
    const parts: ControllerParts = {
      ...{ world, caches, log, workers, clock: this.clock },
      apply: { api: this.api, cached: () => undefined, events: new EventTeller(this.api, log), pushgatewayUrl: undefined },
      metrics: { passed: (reconciler, outcome) => this.passed.push(`${reconciler} ${outcome}`), wrote: () => undefined },
    };
    this.over = runController({ name: "play", kind: "BackupConfiguration", reconcile }, this.queue, {
      ...parts,
      signal: this.ending.signal,
      writing: this.writing.signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ending.abort(new Error("the end"));
    this.writing.abort(new Error("the end"));
    this.#watching.abort();
    this.queue[Symbol.dispose]();
    await Promise.all([this.over, this.#watched]);
  }
}

function phase(object: LiveObject, value: string): Action {
  return { do: "status", kind: "BackupConfiguration", object: identityOf(object), change: (status) => ({ ...status, phase: value }) };
}

test("a pass that wrote is followed by one that sees it, and an idle one by none", async () => {
  const seen: unknown[] = [];
  await using play = new Play(() => {
    const { metadata, status } = play.api.peek("BackupConfiguration", PLACE) as LiveObject;
    seen.push(status?.phase);
    return { actions: [phase({ metadata } as LiveObject, "Ready")] };
  });
  play.api.put(configuration());

  play.queue.add(PLACE);
  await settle();
  await play.clock.advance(3_600_000);

  expect(seen).toEqual([undefined, "Ready"]);
  expect(play.passed).toEqual(["play done", "play done"]);
});

test("the next pass waits for the cache to have seen what this one wrote, but not for ever", async () => {
  await using play = new Play(() => {
    const live = play.api.peek("BackupConfiguration", PLACE) as LiveObject;
    return live.status?.phase === undefined ? { actions: [phase(live, "Ready")] } : NOTHING;
  });
  play.api.put(configuration());
  await settle();
  const held = play.api.holdEvents();

  play.queue.add(PLACE);
  await settle();
  const whileHeld = play.looks.length;
  held[Symbol.dispose]();
  await settle();
  const afterwards = play.looks.length;
  using _held = play.api.holdEvents();
  play.api.putStatus("BackupConfiguration", PLACE, {});
  play.queue.add(PLACE);
  await play.clock.advance(4_999);
  const whileBlind = play.looks.length;
  await play.clock.advance(1);

  expect([whileHeld, afterwards, whileBlind, play.looks.length]).toEqual([1, 2, 3, 4]);
});

test("one object is worked on once at a time, others beside it", async () => {
  let [atWork, most] = [0, 0];
  const gate = Promise.withResolvers<void>();
  await using play = new Play(
    async (key) => {
      if (key.name === "slow") {
        atWork += 1;
        most = Math.max(most, atWork);
        await gate.promise;
        atWork -= 1;
      }
      return NOTHING;
    },
    { workers: 4 },
  );

  play.queue.add(keyOf("slow"));
  await settle();
  play.queue.add(keyOf("slow"));
  play.queue.add(keyOf("quick"));
  await settle();
  const before = [...play.looks];
  gate.resolve();
  await settle();

  expect(before).toEqual(["slow", "quick"]);
  expect(play.looks).toEqual(["slow", "quick", "slow"]);
  expect(most).toBe(1);
});

test.each<[string, Error, string, string]>([
  ["a cluster that does not answer", new ClusterUnavailableError("away"), "warn", "The cluster did not answer: this is tried again"],
  ["a failure with a name", new ParameterError("wrong"), "error", "Cannot do what is to be done: this is tried again"],
  ["a defect", new TypeError("x is not a function"), "error", "Defect: this is tried again"],
])("a pass that ends with %s is tried again, later each time, and the others go on", async (_, error, level, message) => {
  await using play = new Play((key, nth) => {
    if (key.name === "bad" && nth < 4) throw error;
    return NOTHING;
  });

  play.queue.add(keyOf("bad"));
  play.queue.add(keyOf("good"));
  await settle();
  const looks = [play.looks.length];
  for (const ms of [1_000, 1_999, 1, 3_999, 1]) {
    await play.clock.advance(ms);
    looks.push(play.looks.length);
  }

  expect(looks).toEqual([2, 3, 3, 4, 4, 5]);
  expect(play.lines.filter((line) => line.message === message && line.level === level)).toHaveLength(3);
  expect(play.lines[0]?.fields).toMatchObject({ reconciler: "play", name: "bad", error: error.message, retryInMs: 1_000 });
  expect(play.passed.filter((each) => each.endsWith("failed"))).toHaveLength(3);
});

test("after a success the first failure counts as the first again", async () => {
  await using play = new Play((_, nth) => {
    if (nth !== 3) throw new ClusterUnavailableError("away");
    return NOTHING;
  });
  play.queue.add(PLACE);
  await play.clock.advance(3_000);

  play.queue.add(PLACE);
  await settle();

  expect(play.lines.map(({ fields }) => fields.retryInMs)).toEqual([1_000, 2_000, 1_000]);
});

test("a server that asks to be left alone is left alone", async () => {
  await using play = new Play(() => {
    throw new ClusterUnavailableError("too many requests", { facts: { retryAfterMs: 17_000 } });
  });

  play.queue.add(PLACE);
  await play.clock.advance(16_999);
  const looks = play.looks.length;
  await play.clock.advance(1);

  expect([looks, play.looks.length]).toEqual([1, 2]);
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["no time at all", { actions: [], wakeAt: new Date(Number.NaN) }],
])("a decision that is %s is a defect, and no hot loop", async (_, decision) => {
  await using play = new Play(() => decision as Decision);

  play.queue.add(PLACE);
  await settle();

  expect(play.looks).toHaveLength(1);
  expect(play.lines).toMatchObject([{ message: "Defect: this is tried again" }]);
});

test("something thrown that is no error does not end the work", async () => {
  await using play = new Play((_, nth) => {
    if (nth === 1) throw Object.create(null);
    return NOTHING;
  });

  play.queue.add(PLACE);
  await play.clock.advance(1_000);

  expect(play.looks).toHaveLength(2);
});

test("an object is looked at again when it asked for it", async () => {
  await using play = new Play((_, nth) => (nth === 1 ? { actions: [], wakeAt: new Date(play.clock.now().getTime() + 60_000) } : NOTHING));

  play.queue.add(PLACE);
  await play.clock.advance(59_999);
  const looks = play.looks.length;
  await play.clock.advance(1);

  expect([looks, play.looks.length]).toEqual([1, 2]);
  expect(play.passed).toEqual(["play waiting", "play done"]);
});

test("an object that asks for a time that is over is not looked at in a hot loop", async () => {
  await using play = new Play(() => ({ actions: [], wakeAt: new Date(0) }));

  play.queue.add(PLACE);
  await play.clock.advance(600_000);

  expect(play.looks.length).toBeGreaterThan(20);
  expect(play.looks.length).toBeLessThan(45);
});

test("an object that others change back each time is looked at less often, whatever wakes it", async () => {
  await using play = new Play((_, nth) => ({ actions: [phase(play.api.peek("BackupConfiguration", PLACE) as LiveObject, `${nth}`)] }), {
    isWoken: true,
  });
  await settle();
  play.api.put(configuration());

  await play.clock.advance(600_000);

  expect(play.looks.length).toBeGreaterThan(20);
  expect(play.looks.length).toBeLessThan(45);
  expect(play.lines.filter(({ message }) => message.startsWith("An object finds no end"))).toHaveLength(1);
});

test("an object that writes and then fails is held up as well", async () => {
  await using play = new Play(
    (_, nth) => {
      const write = phase(play.api.peek("BackupConfiguration", PLACE) as LiveObject, `${nth}`);
      const fail: Action = { do: "status", kind: "BackupConfiguration", object: identityOf(live()), change: refuse };
      return { actions: [write, fail] };
    },
    { isWoken: true },
  );
  const live = () => play.api.peek("BackupConfiguration", PLACE) as LiveObject;
  const refuse = () => {
    throw new ClusterUnavailableError("away");
  };
  await settle();
  play.api.put(configuration());

  await play.clock.advance(600_000);

  expect(play.looks.length).toBeGreaterThan(20);
  expect(play.looks.length).toBeLessThan(45);
});

test("a look that hangs is given up after two minutes, tried again, and writes nothing when it comes to life", async () => {
  const asleep = Promise.withResolvers<Decision>();
  await using play = new Play((_, nth) => (nth === 1 ? asleep.promise : NOTHING), { workers: 1 });
  const object = play.api.put(configuration());
  play.queue.add(PLACE);
  await play.clock.advance(119_999);
  const before = play.lines.length;

  await play.clock.advance(1);
  const [line] = play.lines;
  await play.clock.advance(1_000);
  asleep.resolve({ actions: [phase(object, "Ready")] });
  await settle();

  expect(before).toBe(0);
  expect(line).toMatchObject({ level: "warn", fields: { error: "The pass was not over after 120 s" } });
  expect(play.looks).toHaveLength(2);
  expect(play.api.writes).toEqual([]);
});

test("a write that hangs is given up, too", async () => {
  await using play = new Play(() => ({ actions: [phase(play.api.peek("BackupConfiguration", PLACE) as LiveObject, "Ready")] }));
  play.api.put(configuration());
  play.api.beforeWrite(({ index }) => (index === 0 ? new Promise(() => undefined) : undefined));
  play.queue.add(PLACE);

  await play.clock.advance(121_000);

  expect(play.looks).toHaveLength(3);
  expect(play.api.peek("BackupConfiguration", PLACE)?.status).toEqual({ phase: "Ready" });
});

test("at the end what is in work is finished, and nothing else is taken up", async () => {
  const gate = Promise.withResolvers<void>();
  await using play = new Play(
    async (key) => {
      await gate.promise;
      return { actions: [phase(play.api.peek("BackupConfiguration", key) as LiveObject, "Ready")] };
    },
    { workers: 1 },
  );
  play.api.put(configuration());
  play.queue.add(PLACE);
  play.queue.add(keyOf("other"));
  await settle();

  play.ending.abort(new Error("the end"));
  gate.resolve();
  await play.over;

  expect(play.looks).toEqual(["nightly"]);
  expect(play.api.peek("BackupConfiguration", PLACE)?.status).toEqual({ phase: "Ready" });
});

test("when the Lease is lost what is in work is laid down at once, unwritten and without complaint", async () => {
  const asleep = Promise.withResolvers<Decision>();
  await using play = new Play(() => asleep.promise);
  const object = play.api.put(configuration());
  play.queue.add(PLACE);
  await settle();

  play.ending.abort(new Error("the Lease is lost"));
  play.writing.abort(new Error("the Lease is lost"));
  await play.over;
  asleep.resolve({ actions: [phase(object, "Ready")] });
  await settle();

  expect(play.api.writes).toEqual([]);
  expect(play.lines).toEqual([]);
});
