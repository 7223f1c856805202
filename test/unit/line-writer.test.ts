import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lineWriter } from "../../runner/line-writer.ts";

/** A pipe with both ends, neither of which blocks. */
function openPipe() {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pipe-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const read = () => {
    const buffer = Buffer.alloc(1024 * 1024);
    return buffer.toString("utf8", 0, readSync(reader, buffer));
  };
  const dispose = () => {
    closeSync(writer);
    rmSync(folder, { recursive: true });
  };
  return { reader, writer, read, [Symbol.dispose]: dispose };
}

function fill(writer: number): void {
  try {
    for (;;) writeSync(writer, Buffer.alloc(4096, "x"));
  } catch (error) {
    expect(error).toMatchObject({ code: "EAGAIN" });
  }
}

test("what is written arrives", () => {
  using pipe = openPipe();

  lineWriter(pipe.writer)("a line\n");

  expect(pipe.read()).toBe("a line\n");
  closeSync(pipe.reader);
});

test("a log whose reader went away ends nothing", () => {
  using pipe = openPipe();
  closeSync(pipe.reader);

  expect(() => lineWriter(pipe.writer)("a line\n")).not.toThrow();
});

test("a log whose reader stands still is given up after a moment, and goes on when there is a reader again", () => {
  using pipe = openPipe();
  const write = lineWriter(pipe.writer);
  fill(pipe.writer);

  write("lost\n");
  pipe.read();
  write("found\n");

  expect(pipe.read()).toBe("found\n");
  closeSync(pipe.reader);
});

test("after a line that was torn, the next begins on a line of its own", () => {
  using pipe = openPipe();
  const write = lineWriter(pipe.writer);

  write("y".repeat(500_000));
  const torn = pipe.read();
  write("whole\n");

  expect(torn).toMatch(/^y+$/);
  expect(pipe.read()).toBe("\nwhole\n");
  closeSync(pipe.reader);
});
