import { jest } from "@jest/globals";
import { InterruptedError } from "../../../runner/errors.ts";
import { commitManifest, UnknownCommitError } from "../../../runner/snapshot/commit-manifest.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import { type Fault, FaultyStore, type Operation } from "./faulty-store.ts";
import { makeBucket, onStore } from "./snapshot-parts.ts";

const id = "20300102T030405Z-0a1b2c3d";
const key = `holdfast/snapshots/${id}.manifest`;
const manifest = Buffer.from("a manifest\n");
const interrupted = new InterruptedError("SIGTERM");
const { repository } = await makeBucket();

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Begins a commit, aborts the run while the put is under way, and lets the time pass. */
async function commit(decide: (operation: Operation) => Fault, options: { lies?: Buffer } = {}) {
  const objects = new Map<string, Uint8Array>();
  if (options.lies !== undefined) objects.set(key, options.lies);
  const controller = new AbortController();
  const warnings: string[] = [];
  const store = new FaultyStore(new MemoryStore({ bucket: objects }), decide);
  const warn = (reason: string) => warnings.push(reason);
  const outcome = commitManifest(onStore(repository, store), id, { manifest, signal: controller.signal, warn }).catch(
    (error: unknown) => error,
  );
  controller.abort(interrupted);
  await jest.advanceTimersByTimeAsync(4999);
  const early = await Promise.race([outcome, Promise.resolve("still going")]);
  await jest.advanceTimersByTimeAsync(20_000);
  return { early, outcome: await outcome, isListed: objects.has(key), warnings };
}

const onPut = (fault: Fault) => (operation: Operation) => (operation.verb === "put" ? fault : undefined);

test("a put that ends within its grace is a commit, although the run was stopped", async () => {
  const { early, isListed, warnings } = await commit(onPut(undefined));

  expect([early, isListed, warnings]).toEqual([undefined, true, []]);
});

test.each<Fault>(["hang", "deaf"])(
  "a put that does not end is waited for five seconds, and then it is looked up that nothing is listed: %s",
  async (fault) => {
    const { early, outcome, isListed } = await commit(onPut(fault));

    expect([early, outcome, isListed]).toEqual(["still going", interrupted, false]);
  },
);

test("a put whose answer is lost is a commit when the manifest lies there", async () => {
  const { outcome, isListed, warnings } = await commit(onPut("fail after"));

  expect([outcome, isListed, warnings]).toEqual([undefined, true, ["CommitAmbiguous"]]);
});

test("a repeated put that finds its own manifest is a commit", async () => {
  const { outcome } = await commit(() => undefined, { lies: manifest });

  expect(outcome).toBeUndefined();
});

test("another manifest under the name is a failure, and is left alone", async () => {
  const { outcome, isListed } = await commit(() => undefined, { lies: Buffer.from("another\n") });

  expect([outcome, isListed]).toEqual([expect.objectContaining({ exitCode: 3 }), true]);
});

test.each<Fault>(["fail", "hang", "deaf"])(
  "when the store then does not say what lies there, the error says that nobody knows: %s",
  async (fault) => {
    jest.useRealTimers();
    jest.useFakeTimers({ doNotFake: [] });
    const timeout = jest.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("timeout")), ms);
      return controller.signal;
    });

    const { outcome } = await commit(({ verb }) => (verb === "put" ? "fail after" : fault));

    timeout.mockRestore();
    expect(outcome).toBeInstanceOf(UnknownCommitError);
    expect(outcome).toMatchObject({ facts: { snapshot: id, commit: "unknown" } });
  },
);
