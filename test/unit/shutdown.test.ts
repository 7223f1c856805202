import { jest } from "@jest/globals";
import { HoldfastError } from "../../runner/errors.ts";
import { listenForShutdown } from "../../runner/shutdown.ts";

afterEach(() => jest.restoreAllMocks());

function watchExit() {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  jest.spyOn(process, "exit").mockImplementation((code) => {
    resolve(code);
    return undefined as never;
  });
  return promise;
}

test("SIGTERM aborts with its own failure, and nothing listens any more afterwards", () => {
  const before = process.listenerCount("SIGTERM");
  {
    using shutdown = listenForShutdown();
    process.emit("SIGTERM", "SIGTERM");

    expect(shutdown.signal.reason).toMatchObject({ exitCode: 143, reason: "Interrupted" });
  }
  expect(process.listenerCount("SIGTERM")).toBe(before);
});

test("the deadline aborts with a failure that says so", async () => {
  using shutdown = listenForShutdown({ timeoutMs: 10 });

  await new Promise((resolve) => shutdown.signal.addEventListener("abort", resolve));

  expect(shutdown.signal.reason).toMatchObject({ exitCode: 3, reason: "DeadlineExceeded" });
});

test("a run that does not end after its abort is ended, and has the last word before", async () => {
  const exit = watchExit();
  const said: string[] = [];
  using _shutdown = listenForShutdown({ cleanUpMs: 10, onLate: (error) => void said.push(reasonOf(error)) });

  process.emit("SIGTERM", "SIGTERM");
  // The timer alone does not keep a process alive.
  const alive = setInterval(() => undefined, 1000);
  const code = await exit;
  clearInterval(alive);

  expect(said).toEqual(["Interrupted"]);
  expect(code).toBe(143);
});

test("a second SIGINT ends the process at once", async () => {
  const exit = watchExit();
  using _shutdown = listenForShutdown();

  process.emit("SIGINT", "SIGINT");
  process.emit("SIGINT", "SIGINT");

  expect(await exit).toBe(130);
});

test("a defect noticed from outside aborts the run with itself", () => {
  using shutdown = listenForShutdown();
  const defect = new Error("Nobody handled this");

  shutdown.stop(defect);

  expect(shutdown.signal.reason).toBe(defect);
});

function reasonOf(error: unknown): string {
  return error instanceof HoldfastError ? error.reason : "not named";
}
