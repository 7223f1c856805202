import { jest } from "@jest/globals";
import { decodeBackupLease, isAlive, takeBackupLease } from "../../../runner/snapshot/lease.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { FaultyStore } from "./faulty-store.ts";

const id = "20300102T030405Z-0a1b2c3d";
const key = `holdfast/leases/backup-${id}.json`;
const MINUTE = 60_000;

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse("2030-01-02T03:04:05Z") });
});
afterEach(() => {
  jest.useRealTimers();
});

async function take(decide: ConstructorParameters<typeof FaultyStore>[1] = () => undefined) {
  const objects = new Map<string, Uint8Array>();
  const warnings: string[] = [];
  const store = new FaultyStore(new MemoryStore({ bucket: objects }), decide);
  const warn = (reason: string) => warnings.push(reason);
  const lease = await takeBackupLease(store, id, { holder: "host-0", signal: new AbortController().signal, now: () => new Date(), warn });
  return { lease, objects, warnings, store, content: () => decodeBackupLease(Buffer.from(objects.get(key) as Uint8Array)) };
}

test("a lease names its holder and ends in an hour, each minute anew", async () => {
  const { content, lease } = await take();

  expect(content()).toEqual({ holder: "host-0", expires: "2030-01-02T04:04:05.000Z", bases: [] });
  await jest.advanceTimersByTimeAsync(90 * MINUTE);

  expect(content().expires).toBe("2030-01-02T05:34:05.000Z");
  expect(lease.hasLapsed()).toBe(false);
  await lease.remove(new AbortController().signal);
});

test("a removed lease is not written again, also when a renewal was under way", async () => {
  const { objects, lease } = await take(({ verb, index }) => (verb === "put" && index > 0 ? "hang" : undefined));
  await jest.advanceTimersByTimeAsync(MINUTE + 1);

  await lease.remove(new AbortController().signal);
  await jest.advanceTimersByTimeAsync(10 * MINUTE);

  expect(objects.size).toBe(0);
});

test("a renewal that fails is warned of and tried again", async () => {
  const { content, warnings, lease } = await take(({ index }) => (index === 1 ? "fail" : undefined));

  await jest.advanceTimersByTimeAsync(MINUTE);
  expect(warnings).toEqual(["LeaseNotRenewed"]);
  await jest.advanceTimersByTimeAsync(MINUTE);

  expect(content().expires).toBe("2030-01-02T04:06:05.000Z");
  await lease.remove(new AbortController().signal);
});

test("a lease that could not be renewed for 45 minutes has lapsed", async () => {
  const { lease } = await take(({ index, verb }) => (verb === "put" && index > 0 ? "fail" : undefined));

  await jest.advanceTimersByTimeAsync(44 * MINUTE);
  expect(lease.hasLapsed()).toBe(false);
  await jest.advanceTimersByTimeAsync(MINUTE);

  expect(lease.hasLapsed()).toBe(true);
  await lease.remove(new AbortController().signal);
});

test("a lease that lapsed stays so, although a later renewal arrives", async () => {
  const { lease, content } = await take(({ index, verb }) => (verb === "put" && index > 0 && index <= 50 ? "fail" : undefined));

  await jest.advanceTimersByTimeAsync(60 * MINUTE);

  expect(content().expires).toBe("2030-01-02T05:04:05.000Z");
  expect(lease.hasLapsed()).toBe(true);
  await lease.remove(new AbortController().signal);
});

test("a lease that is left ends by itself, and is not renewed", async () => {
  const { lease, content } = await take();

  await lease.leave();
  await jest.advanceTimersByTimeAsync(10 * MINUTE);

  expect(content().expires).toBe("2030-01-02T04:04:05.000Z");
});

test("others believe in a lease for a quarter of an hour longer than its holder's clock says", () => {
  const lease = { expires: "2030-01-02T04:00:00.000Z" };

  expect(isAlive(lease, new Date("2030-01-02T04:14:59Z"))).toBe(true);
  expect(isAlive(lease, new Date("2030-01-02T04:15:00Z"))).toBe(false);
});

test("the timer does not keep the process alive", async () => {
  jest.useRealTimers();
  const timeout = jest.spyOn(globalThis, "setTimeout");

  const { lease } = await take();

  expect((timeout.mock.results.at(-1) as unknown as { value: NodeJS.Timeout }).value.hasRef()).toBe(false);
  timeout.mockRestore();
  await lease.remove(new AbortController().signal);
});
