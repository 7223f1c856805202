import { jest } from "@jest/globals";
import { retryWhileUnready } from "../../../functions/redis/retry-while-unready.ts";
import { DatabaseRefusedError, DatabaseUnavailableError } from "../../../runner/errors.ts";

const loading = new DatabaseUnavailableError("loading", { reason: "DatabaseLoading" });

afterEach(() => jest.useRealTimers());

test("an unready database is tried again until it is ready, and the waiting is logged", async () => {
  const { options, logged } = wait({ waitTimeoutMs: 10_000 });
  let attempts = 0;

  const result = await retryWhileUnready(async () => {
    attempts += 1;
    if (attempts < 4) throw loading;
    return "ready";
  }, options);

  expect(result).toBe("ready");
  expect(attempts).toBe(4);
  expect(logged).toEqual(["Waiting for the database"]);
});

test.each([
  ["a refusal", new DatabaseRefusedError("no", { reason: "WrongCredentials" })],
  ["a snapshot that was not sent", new DatabaseUnavailableError("no", { reason: "SnapshotNotSent" })],
  ["a defect", new TypeError("no")],
])("%s is not tried again", async (_, failure) => {
  const { options } = wait({ waitTimeoutMs: 10_000 });
  let attempts = 0;

  const error = await retryWhileUnready(async () => {
    attempts += 1;
    throw failure;
  }, options).catch((e) => e);

  expect(error).toBe(failure);
  expect(attempts).toBe(1);
});

test("the last failure is thrown when the time is over", async () => {
  jest.useFakeTimers();
  const { options } = wait({ waitTimeoutMs: 30 });
  let attempts = 0;

  const waiting = retryWhileUnready(async () => {
    attempts += 1;
    throw loading;
  }, options).catch((e) => e);
  await jest.advanceTimersByTimeAsync(30);

  expect(await waiting).toBe(loading);
  expect(attempts).toBe(7);
});

test("an abort ends the waiting with its reason", async () => {
  const { options, abort } = wait({ waitTimeoutMs: 600_000 });
  const reason = new Error("stopped");

  const error = await retryWhileUnready(
    async () => {
      setImmediate(() => abort.abort(reason));
      throw loading;
    },
    { ...options, pauseMs: 600_000 },
  ).catch((e) => e);

  expect(error).toBe(reason);
});

function wait({ waitTimeoutMs }: { waitTimeoutMs: number }) {
  const abort = new AbortController();
  const logged: string[] = [];
  const keep = (message: string) => void logged.push(message);
  const log = { debug: keep, info: keep, warn: keep, error: keep };
  return { options: { waitTimeoutMs, pauseMs: 5, signal: abort.signal, log }, logged, abort };
}
