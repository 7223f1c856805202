import { Checkup } from "../../runner/checkup.ts";
import { ClusterUnavailableError, InterruptedError, ParameterError, StoreRefusedError } from "../../runner/errors.ts";

const fail = (error: unknown) => () => Promise.reject(error);

function checkup(signal = new AbortController().signal) {
  return new Checkup(signal);
}

test("a check that succeeds resolves with what it found, and its notes are kept", async () => {
  const all = checkup();

  const value = await all.look("One", async (note) => {
    note("by the way");
    return { detail: "is there", value: 7 };
  });

  expect(value).toBe(7);
  expect(all.findings).toEqual([{ check: "One", status: "ok", detail: "is there", notes: ["by the way"] }]);
  expect(() => all.conclude()).not.toThrow();
});

test("the first failure is what it ends with, whatever comes after", async () => {
  const all = checkup();
  const first = new StoreRefusedError("No bucket", { hint: "Make one" });

  await all.look("One", fail(first));
  await all.look("Two", fail(new ParameterError("No object")));
  await all.look("Three", async () => ({ detail: "is there", value: true }));

  expect(all.findings.map(({ status }) => status)).toEqual(["missing", "missing", "ok"]);
  expect(all.findings[0]).toMatchObject({ detail: "No bucket", remedy: "Make one" });
  expect(() => all.conclude()).toThrow(first);
});

test("an API that does not answer leaves unknown what it was asked for, and is a failure", async () => {
  const all = checkup();

  await all.look("One", fail(new ClusterUnavailableError("No answer")));

  expect(all.findings).toMatchObject([{ status: "unknown" }]);
  expect(() => all.conclude()).toThrow(ClusterUnavailableError);
});

test("what nobody looked at is never a success", () => {
  const all = checkup();

  all.skip("One", "nobody could look");

  expect(() => all.conclude()).toThrow(/Not everything could be looked at: One/);
});

test("a defect is told as one, and the other checks are made all the same", async () => {
  const all = checkup();
  const defect = new TypeError("undefined is not a function");

  await all.look("One", fail(defect));

  expect(all.findings).toMatchObject([{ status: "missing", remedy: expect.stringContaining("defect") }]);
  expect(() => all.conclude()).toThrow(defect);
});

test("an abort ends the checkup, with its own reason", async () => {
  const stop = new AbortController();
  const all = checkup(stop.signal);
  stop.abort(new InterruptedError("SIGTERM"));

  await expect(all.look("One", fail(new ParameterError("No object")))).rejects.toThrow(InterruptedError);
});
