import { DatabaseRefusedError, InterruptedError, StoreUnavailableError } from "../../runner/errors.ts";
import { reportFailure, reportSuccess, terminationMessage } from "../../runner/report.ts";

const head = {
  holdfast: "1.0.0",
  function: "redis-backup",
  started: new Date("2026-01-01T00:00:00Z"),
  finished: new Date("2026-01-01T00:00:02.5Z"),
  warnings: [],
};
const alive = new AbortController().signal;

test("a success has code 0 and its counts", () => {
  const report = reportSuccess(head, { message: "done", counts: { keys: 3 } });

  expect(report).toMatchObject({ outcome: "Succeeded", code: 0, reason: "Succeeded", durationSeconds: 2.5, counts: { keys: 3 } });
});

test("a failure has the code, reason, hint and facts of its error", () => {
  const error = new DatabaseRefusedError("Key in the way", { reason: "KeyExists", hint: "use --policy skip", facts: { restored: 5 } });

  const report = reportFailure(head, error, alive);

  expect(report).toMatchObject({ outcome: "Failed", code: 21, reason: "KeyExists", hint: "use --policy skip", facts: { restored: 5 } });
  expect(report.counts).toEqual({ restored: 5 });
});

test("an error without a name is a defect: code 1", () => {
  expect(reportFailure(head, new TypeError("x is undefined"), alive)).toMatchObject({ code: 1, reason: "InternalError" });
});

test("an aborted run reports the abort, whatever broke on the way out", () => {
  const controller = new AbortController();
  controller.abort(new InterruptedError("SIGTERM"));

  const report = reportFailure(head, new StoreUnavailableError("Upload cut", { facts: { bytes: 7 } }), controller.signal);

  expect(report).toMatchObject({ code: 143, reason: "Interrupted", message: "Stopped by SIGTERM: Upload cut", facts: { bytes: 7 } });
});

test("a termination message has at most 4096 bytes, and is JSON", () => {
  const report = reportFailure(head, new DatabaseRefusedError("é".repeat(9000)), alive);

  const text = terminationMessage(report);

  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
  expect(JSON.parse(text)).toMatchObject({ code: 21, reason: "DatabaseRefused" });
});
