import { askAgain } from "../../../functions/elasticsearch/ask-again.ts";
import { DatabaseRefusedError, DatabaseUnavailableError } from "../../../runner/errors.ts";

const silent = () => {};
const OPTIONS = {
  log: { debug: silent, info: silent, warn: silent, error: silent },
  signal: new AbortController().signal,
  subject: "a test",
  firstPauseMs: 1,
};

function failing(times: number, error: Error) {
  let asked = 0;
  const ask = async () => {
    asked += 1;
    if (asked <= times) throw error;
    return asked;
  };
  return { ask, asked: () => asked };
}

test("a server that is overloaded for a moment is asked again", async () => {
  const { ask } = failing(3, new DatabaseUnavailableError("busy"));

  expect(await askAgain(ask, OPTIONS)).toBe(4);
});

test("a refusal is an answer", async () => {
  const { ask, asked } = failing(1, new DatabaseRefusedError("no"));

  await expect(askAgain(ask, OPTIONS)).rejects.toThrow("no");
  expect(asked()).toBe(1);
});

test("patience ends, with the last failure", async () => {
  const { ask } = failing(Number.POSITIVE_INFINITY, new DatabaseUnavailableError("busy"));

  await expect(askAgain(ask, { ...OPTIONS, patienceMs: 20 })).rejects.toThrow("busy");
});

test("a run that is stopped stops asking, for its own reason", async () => {
  const stopping = new AbortController();
  const { ask } = failing(Number.POSITIVE_INFINITY, new DatabaseUnavailableError("busy"));

  const asking = askAgain(ask, { ...OPTIONS, signal: stopping.signal, firstPauseMs: 60_000 });
  stopping.abort(new Error("stopped"));

  await expect(asking).rejects.toThrow("stopped");
});
