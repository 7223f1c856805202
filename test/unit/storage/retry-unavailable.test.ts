import { StoreRefusedError, StoreUnavailableError } from "../../../runner/errors.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, retryUnavailable } from "../../../runner/storage/retry-unavailable.ts";

const AT_ONCE: RetryPolicy = { retries: 3, minDelayMs: 0, maxDelayMs: 0, maxElapsedMs: 60_000 };

test("an operation is repeated while it is unavailable, and its result is returned", async () => {
  const attempts: number[] = [];

  const result = await retryUnavailable(
    async (attempt) => {
      attempts.push(attempt);
      if (attempt < 3) throw new StoreUnavailableError("not now");
      return "done";
    },
    { policy: AT_ONCE },
  );

  expect(result).toBe("done");
  expect(attempts).toEqual([1, 2, 3]);
});

test("after the last attempt its own error comes through", async () => {
  let attempts = 0;
  const errors: Error[] = [];

  const repeating = retryUnavailable(
    async () => {
      attempts++;
      errors.push(new StoreUnavailableError(`attempt ${attempts}`));
      throw errors.at(-1);
    },
    { policy: AT_ONCE },
  );

  await expect(repeating).rejects.toThrow("attempt 4");
  expect(attempts).toBe(4);
});

test.each([
  ["a refusal", new StoreRefusedError("no")],
  ["an error without a name", new Error("defect")],
  ["a defect", new TypeError("defect")],
])("%s is not repeated", async (_, error) => {
  let attempts = 0;

  const repeating = retryUnavailable(
    async () => {
      attempts++;
      throw error;
    },
    { policy: AT_ONCE },
  );

  await expect(repeating).rejects.toBe(error);
  expect(attempts).toBe(1);
});

test("no attempt starts after the time is over", async () => {
  let attempts = 0;

  const repeating = retryUnavailable(
    async () => {
      attempts++;
      throw new StoreUnavailableError("not now");
    },
    { policy: { ...AT_ONCE, maxElapsedMs: 0 } },
  );

  await expect(repeating).rejects.toThrow("not now");
  expect(attempts).toBe(1);
});

test("an abort ends a pause at once, with its reason", async () => {
  const controller = new AbortController();
  const reason = new Error("stopped");
  const pausing = Promise.withResolvers<void>();
  const policy = {
    ...DEFAULT_RETRY_POLICY,
    minDelayMs: 3_600_000,
    maxDelayMs: 3_600_000,
    maxElapsedMs: 7_200_000,
    onRetry: () => pausing.resolve(),
  };
  const repeating = retryUnavailable(() => Promise.reject(new StoreUnavailableError("not now")), { policy, signal: controller.signal });
  repeating.catch(() => undefined);
  await pausing.promise;

  controller.abort(reason);

  await expect(repeating).rejects.toBe(reason);
});

test("what an attempt achieved counts although the abort came while it ran", async () => {
  const controller = new AbortController();

  const result = await retryUnavailable(
    async () => {
      controller.abort(new Error("stopped"));
      return "stored";
    },
    { policy: AT_ONCE, signal: controller.signal },
  );

  expect(result).toBe("stored");
});

test("a failure while the abort came is told as the abort, and not repeated", async () => {
  const controller = new AbortController();
  const reason = new Error("stopped");
  let attempts = 0;

  const repeating = retryUnavailable(
    async () => {
      attempts++;
      controller.abort(reason);
      throw new StoreUnavailableError("cut");
    },
    { policy: AT_ONCE, signal: controller.signal },
  );

  await expect(repeating).rejects.toBe(reason);
  expect(attempts).toBe(1);
});

test("pauses are told, and grow up to their bound", async () => {
  const delays: number[] = [];
  const policy = {
    ...AT_ONCE,
    retries: 4,
    minDelayMs: 1,
    maxDelayMs: 3,
    onRetry: ({ delayMs }: { delayMs: number }) => delays.push(delayMs),
  };

  await expect(retryUnavailable(() => Promise.reject(new StoreUnavailableError("not now")), { policy })).rejects.toThrow("not now");

  expect(delays).toHaveLength(4);
  for (const delay of delays) expect(delay).toBeLessThanOrEqual(3);
  expect(delays[3]).toBe(3);
});
