import type { LiveObject } from "../../../../operator/objects.ts";
import { type HeldLease, holdLease, type LeaseOptions } from "../../../../operator/watch/lease.ts";
import { ClusterUnavailableError } from "../../../../runner/errors.ts";
import { FakeClock, settle } from "../../../fakes/fake-clock.ts";
import { MemoryObjectsApi } from "../../../fakes/memory-objects-api.ts";

const NAME = { namespace: "holdfast", name: "operator" };
const unreachable = () => new ClusterUnavailableError("no network");

class World {
  readonly clock = new FakeClock();
  readonly api = new MemoryObjectsApi({ clock: this.clock });
  readonly lost: string[] = [];
  readonly problems: unknown[] = [];
  readonly waiting: string[] = [];

  hold(identity: string, options: Partial<LeaseOptions> = {}): Promise<HeldLease> {
    return holdLease(this.api, {
      ...NAME,
      identity,
      clock: this.clock,
      signal: new AbortController().signal,
      onLost: (reason) => this.lost.push(`${identity}: ${reason}`),
      problem: (error) => this.problems.push(error),
      waiting: (holder) => this.waiting.push(holder),
      ...options,
    });
  }

  get lease(): LiveObject {
    return this.api.peek("Lease", NAME) as LiveObject;
  }

  /** Lets time pass until the promise settles. */
  async secondsUntil(promise: Promise<unknown>): Promise<number> {
    const startedMs = this.clock.monotonicMs();
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await settle();
    while (!isSettled && this.clock.monotonicMs() - startedMs < 120_000) await this.clock.advance(100);
    return (this.clock.monotonicMs() - startedMs) / 1000;
  }
}

test("the first one makes the lease and has it", async () => {
  const world = new World();

  await using lease = await world.hold("one");

  expect(lease.isHeld).toBe(true);
  expect(world.lease.spec).toEqual({
    holderIdentity: "one",
    leaseDurationSeconds: 15,
    acquireTime: "2026-11-22T03:00:00.000000Z",
    renewTime: "2026-11-22T03:00:00.000000Z",
    leaseTransitions: 0,
  });
});

test("it is renewed every two seconds, and nobody else gets it", async () => {
  const world = new World();
  await using lease = await world.hold("one");
  const stop = new AbortController();
  const other = world.hold("two", { signal: stop.signal });

  await world.clock.advance(300_000);

  expect(lease.isHeld).toBe(true);
  expect(world.lease.spec).toMatchObject({ holderIdentity: "one", renewTime: "2026-11-22T03:05:00.000000Z", leaseTransitions: 0 });
  expect(world.waiting).toEqual(["one"]);
  stop.abort(new Error("enough"));
  await expect(other).rejects.toThrow("enough");
});

test("a holder that ends orderly is followed at the next try", async () => {
  const world = new World();
  const lease = await world.hold("one");
  const other = world.hold("two");
  await world.clock.advance(10_000);

  await lease.release();
  expect(lease.isHeld).toBe(false);
  expect(world.lease.spec).not.toHaveProperty("holderIdentity");

  expect(await world.secondsUntil(other)).toBeLessThanOrEqual(2);
  await using next = await other;
  expect(next.isHeld).toBe(true);
  expect(world.lease.spec).toMatchObject({ holderIdentity: "two", leaseTransitions: 1 });
  expect(world.lost).toEqual([]);
});

test("a holder that died is followed after the duration, whatever its clock wrote", async () => {
  const world = new World();
  const spec = { holderIdentity: "dead", leaseDurationSeconds: 15, renewTime: "2031-01-01T00:00:00.000000Z", leaseTransitions: 4 };
  world.api.put({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: NAME, spec });

  const other = world.hold("two");

  const seconds = await world.secondsUntil(other);
  expect(seconds).toBeGreaterThanOrEqual(15);
  expect(seconds).toBeLessThanOrEqual(17);
  await using _lease = await other;
  expect(world.lease.spec).toMatchObject({ holderIdentity: "two", leaseTransitions: 5 });
});

test("two that find it free at the same time: one has it", async () => {
  const world = new World();
  world.api.put({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: NAME, spec: { leaseTransitions: 0 } });
  const stop = new AbortController();

  const both = [world.hold("one", { signal: stop.signal }), world.hold("two", { signal: stop.signal })];
  const outcomes = Promise.allSettled(both);
  await world.clock.advance(60_000);
  stop.abort(new Error("enough"));

  const held = (await outcomes).filter(({ status }) => status === "fulfilled");
  expect(held).toHaveLength(1);
  await (held[0] as PromiseFulfilledResult<HeldLease>).value.release();
});

test("failures shorter than the deadline are told and lose nothing", async () => {
  const world = new World();
  await using lease = await world.hold("one");
  for (let times = 0; times < 3; times += 1) world.api.failNext(unreachable(), { verb: times === 0 ? "replace" : "get" });

  await world.clock.advance(60_000);

  expect(world.problems).toHaveLength(3);
  expect(world.lost).toEqual([]);
  expect(lease.isHeld).toBe(true);
});

test("a lease that cannot be renewed for ten seconds is lost, before another one can have it", async () => {
  const world = new World();
  const lease = await world.hold("one");
  const other = world.hold("two");
  await world.clock.advance(2_100);
  // The other one's requests still arrive.
  world.api.beforeWrite(({ object }) => {
    if (object?.spec !== undefined && JSON.stringify(object.spec).includes('"one"')) throw unreachable();
  });

  await world.clock.advance(9_800);
  expect(lease.isHeld).toBe(true);
  await world.clock.advance(200);

  expect(lease.isHeld).toBe(false);
  expect(world.lost).toEqual([expect.stringContaining("could not be renewed for 10 s")]);
  const lostMs = world.clock.monotonicMs();
  await world.secondsUntil(other);
  expect(world.clock.monotonicMs() - lostMs).toBeGreaterThanOrEqual(4_000);
  await (await other).release();
  await world.clock.advance(60_000);
  expect(world.lost).toHaveLength(1);
});

test("a server that never answers loses the lease as well", async () => {
  const world = new World();
  const lease = await world.hold("one");
  world.api.beforeWrite(() => new Promise(() => undefined));

  await world.clock.advance(10_000);

  expect(world.lost).toHaveLength(1);
  expect(lease.isHeld).toBe(false);
});

test("a lease that another one took is lost at once", async () => {
  const world = new World();
  const lease = await world.hold("one");

  world.api.put({ ...world.lease, spec: { ...world.lease.spec, holderIdentity: "thief", renewTime: "2026-11-22T03:00:01.000000Z" } });
  await world.clock.advance(4_000);

  expect(world.lost).toEqual([expect.stringContaining("another operator holds it")]);
  expect(lease.isHeld).toBe(false);
  await lease.release();
  expect(world.lease.spec).toMatchObject({ holderIdentity: "thief" });
});

test("a renewal whose answer was lost is still ours", async () => {
  const world = new World();
  await using lease = await world.hold("one");
  let isFirst = true;
  world.api.afterWrite(() => {
    if (isFirst) {
      isFirst = false;
      throw unreachable();
    }
  });

  await world.clock.advance(20_000);

  expect(world.problems).toHaveLength(1);
  expect(lease.isHeld).toBe(true);
  expect(world.lease.spec).toMatchObject({ holderIdentity: "one", leaseTransitions: 0 });
});

test("a lease that somebody deleted is made anew", async () => {
  const world = new World();
  await using lease = await world.hold("one");

  world.api.delete("Lease", NAME);
  await world.clock.advance(4_000);

  expect(lease.isHeld).toBe(true);
  expect(world.lease.spec).toMatchObject({ holderIdentity: "one" });
});

test("a process that was paused knows at once that it may hold nothing any more", async () => {
  const world = new World();
  let pausedMs = 0;
  const clock = {
    now: () => world.clock.now(),
    monotonicMs: () => world.clock.monotonicMs() + pausedMs,
    setTimer: world.clock.setTimer.bind(world.clock),
  };
  await using lease = await world.hold("one", { clock });

  pausedMs = 10_000;

  expect(lease.isHeld).toBe(false);
});

test("waiting goes on over failures, and ends with the signal's reason without a trace", async () => {
  const world = new World();
  const stop = new AbortController();
  world.api.put({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: NAME,
    spec: { holderIdentity: "other", leaseDurationSeconds: 3600 },
  });
  world.api.failNext(unreachable());
  const waiting = world.hold("one", { signal: stop.signal });
  await world.clock.advance(60_000);

  stop.abort(new Error("enough"));

  await expect(waiting).rejects.toThrow("enough");
  expect(world.problems).toHaveLength(1);
  expect(world.clock.timers).toBe(0);
  expect(world.api.writes).toEqual([]);
});

test("what is released leaves no timer, and writes nothing more", async () => {
  const world = new World();
  const lease = await world.hold("one");
  await world.clock.advance(5_000);

  await Promise.all([lease.release(), lease.release()]);
  const { length } = world.api.writes;
  await world.clock.advance(60_000);

  expect(world.api.writes).toHaveLength(length);
  expect(world.clock.timers).toBe(0);
});

test("a lease that cannot be given back is told, and is no failure", async () => {
  const world = new World();
  const lease = await world.hold("one");
  world.api.failNext(unreachable(), { verb: "get" });

  await lease.release();

  expect(world.problems).toHaveLength(1);
});
