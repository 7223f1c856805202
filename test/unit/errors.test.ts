import * as errors from "../../runner/errors.ts";

test.each([
  [new errors.ParameterError("x"), 2],
  [new errors.IncompleteError("x"), 3],
  [new errors.DeadlineExceededError("x"), 3],
  [new errors.NoSuchSnapshotError("x"), 10],
  [new errors.LockedError("x"), 11],
  [new errors.WrongPassphraseError("x"), 12],
  [new errors.DatabaseUnavailableError("x"), 20],
  [new errors.DatabaseRefusedError("x"), 21],
  [new errors.StoreUnavailableError("x"), 30],
  [new errors.StoreRefusedError("x"), 31],
  [new errors.InterruptedError("SIGTERM"), 143],
  [new errors.InterruptedError("SIGINT"), 130],
  [new TypeError("x"), 1],
  ["a string", 1],
])("%s ends with exit code %d", (error, code) => {
  expect(errors.exitCodeOf(error)).toBe(code);
});

test("a reason is CamelCase and may be more precise than the class", () => {
  expect(new errors.IncompleteError("x").reason).toBe("Incomplete");
  expect(new errors.IncompleteError("x", { reason: "ChecksumWrong" }).reason).toBe("ChecksumWrong");
});

test("a description joins the causes and says nothing twice", () => {
  const inner = new Error("connection reset");
  const outer = new errors.StoreUnavailableError("Cannot read", { cause: new Error("socket: connection reset", { cause: inner }) });

  expect(errors.describeError(outer)).toBe("Cannot read: socket: connection reset");
});
