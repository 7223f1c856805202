import { Writable } from "node:stream";
import { createPrinter } from "../../runner/printer.ts";

test("printing ends when all of the text was taken, not before", async () => {
  const taking: (() => void)[] = [];
  const output = new Writable({ write: (_chunk, _encoding, done) => void taking.push(done) });
  let isPrinted = false;

  const printed = createPrinter(output)("result\n").then(() => {
    isPrinted = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  const wasPrintedEarly = isPrinted;
  taking[0]?.();
  await printed;

  expect(wasPrintedEarly).toBe(false);
  expect(isPrinted).toBe(true);
});

test("a reader that went away had what it wanted", async () => {
  const output = failing("EPIPE");

  await expect(createPrinter(output)("result\n")).resolves.toBeUndefined();
});

test("a result that cannot be printed is a failure", async () => {
  const output = failing("ENOSPC");

  await expect(createPrinter(output)("result\n")).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining("ENOSPC") });
});

test("an abort ends the wait for a reader", async () => {
  const abort = new AbortController();
  const output = new Writable({ write: () => undefined });

  const printed = createPrinter(output, abort.signal)("result\n");
  abort.abort(new Error("stopped"));

  await expect(printed).rejects.toThrow("stopped");
});

function failing(code: string): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(`${code}: no`), { code })) });
}
