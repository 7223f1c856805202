import { backoffPause } from "../../../functions/elasticsearch/backoff-pause.ts";
import { BulkGate, type BulkGateOptions } from "../../../functions/elasticsearch/bulk-gate.ts";

const MEBIBYTE = 1024 * 1024;
const NEVER = new AbortController().signal;

function gateOf(options: Partial<BulkGateOptions> = {}) {
  const logged: unknown[] = [];
  const note = (message: string, fields?: unknown) => logged.push([message, fields]);
  const log = { debug: note, info: note, warn: note, error: note };
  return { gate: new BulkGate({ requests: 4, log, backoffMs: () => 0, ...options }), logged };
}

function take(gate: BulkGate, times: number, costOf: (bytes: number) => number): void {
  for (let n = 0; n < times; n += 1) gate.wasTaken(gate.bodyBytes, gate.bodyBytes * costOf(gate.bodyBytes));
}

test("bodies begin at 8 MiB, and all of them together stay below 64 MiB", () => {
  const sizes = [1, 2, 8, 16, 64].map((requests) => [requests, gateOf({ requests }).gate.bodyBytes] as const);

  expect(sizes[0]).toEqual([1, 8 * MEBIBYTE]);
  for (const [requests, bytes] of sizes) expect((requests + 4) * bytes).toBeLessThanOrEqual(64 * MEBIBYTE);
});

test("bodies grow while larger ones cost the target less a byte, and not beyond", () => {
  const { gate } = gateOf({ requests: 2 });
  // Least at 10 MiB.
  const cost = (bytes: number) => 1 + Math.abs(bytes - 10 * MEBIBYTE) / MEBIBYTE;

  take(gate, 400, cost);

  expect(gate.bodyBytes).toBeGreaterThanOrEqual(8 * MEBIBYTE);
  expect(gate.bodyBytes).toBeLessThan(12.6 * MEBIBYTE);
});

test("R15: nothing but the target limits the rate: bodies that are taken faster and faster grow to what memory allows", () => {
  const { gate } = gateOf({ requests: 2 });

  take(gate, 400, (bytes) => 1 / bytes);

  expect(gate.bodyBytes).toBe(Math.floor((64 * MEBIBYTE) / 6));
});

test("small bodies at the ends of streams say nothing about sizes", () => {
  const { gate } = gateOf();

  for (let n = 0; n < 100; n += 1) gate.wasTaken(1000, 5);

  expect(gate.bodyBytes).toBe(8 * MEBIBYTE);
});

test("without room, less is sent at once, in smaller bodies; with room, it recovers", async () => {
  const { gate, logged } = gateOf({ requests: 8 });
  const before = gate.bodyBytes;

  gate.wasRefusedRoom(performance.now());
  const reduced = { requests: gate.requests, bodyBytes: gate.bodyBytes };
  take(gate, 100, () => 1);

  expect(reduced).toEqual({ requests: 5, bodyBytes: Math.floor(before * 0.8) });
  expect(gate.requests).toBe(8);
  expect(gate.bodyBytes).toBeGreaterThan(0.99 * before);
  expect(logged).toEqual([["The target has no room for more, so less is sent at once", reduced]]);
});

test("refusals of what was in flight at the last reduction count for nothing more", () => {
  const { gate } = gateOf({ requests: 8 });
  const sentAtMs = performance.now() - 1;

  for (let n = 0; n < 8; n += 1) gate.wasRefusedRoom(sentAtMs);
  const reduced = gate.requests;
  for (let n = 0; n < 8; n += 1) gate.wasRefusedRoom(performance.now());

  expect(reduced).toBe(5);
  expect(gate.requests).toBe(1);
});

test("after a body that was too large, none is larger than its half", () => {
  const { gate } = gateOf({ requests: 2 });

  gate.wasTooLarge(6 * MEBIBYTE);
  take(gate, 100, (bytes) => 1 / bytes);

  expect(gate.bodyBytes).toBe(3 * MEBIBYTE);
});

test("a limit below the usual least size is kept all the same", () => {
  const { gate } = gateOf({ bodyBytes: 400_000 });

  gate.wasTooLarge(100_000);
  gate.wasRefusedRoom(performance.now());

  expect(gate.bodyBytes).toBeLessThanOrEqual(50_000);
});

test("cutters follow the size, also those that were made before", () => {
  const { gate } = gateOf();
  const cutter = gate.cutterFor("index", false);

  gate.wasTooLarge(2 * MEBIBYTE);

  expect(cutter.targetBytes).toBe(MEBIBYTE);
  expect([gate.cutterFor("index", false) === cutter, gate.cutterFor("create", false) === cutter]).toEqual([true, false]);
  expect(gate.cutterFor("create", false).targetBytes).toBe(MEBIBYTE);
});

test("pauses between repetitions grow, and stay below half a minute", () => {
  const longest = Array.from({ length: 10 }, (_, n) => backoffPause(n + 1, 1));
  const shortest = Array.from({ length: 10 }, (_, n) => backoffPause(n + 1, 0));

  expect(longest).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  expect(shortest).toEqual(longest.map((pause) => pause / 2));
});

test("as long as others get through, nobody pauses for long: the target would only be idle", async () => {
  const asked: number[] = [];
  const { gate } = gateOf({ requests: 2, backoffMs: (n) => asked.push(n) * 0 });
  const pause = () => gate.backOff(7, { sinceMs: performance.now(), cause: undefined, signal: NEVER });

  for (let n = 0; n < 20; n += 1) await pause();
  gate.settled();
  await pause();

  expect(asked).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7, 1]);
});

test("what moves keeps everybody patient; when nothing moves any more, waiting ends with the cause", async () => {
  const { gate } = gateOf({ stallLimitMs: 1000 });
  const cause = new Error("answers 429");
  const longAgo = performance.now() - 5000;

  gate.settled();
  await expect(gate.backOff(1, { sinceMs: longAgo, cause, signal: NEVER })).resolves.toBeUndefined();
  const { gate: idle } = gateOf({ stallLimitMs: 0 });

  await expect(idle.backOff(1, { sinceMs: longAgo, cause, signal: NEVER })).rejects.toMatchObject({
    reason: "TargetOverloaded",
    exitCode: 20,
    cause,
  });
});
