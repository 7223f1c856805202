// The end of a jest run in one process: what a test left open would keep it from ending, for ever and without a word. It is named, and the run ends.
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";

const PATIENCE_MS = 15_000;

export default function endOfRun(): void {
  // Does not keep the process alive itself, and so comes only when something else does.
  setTimeout(nameAndEnd, PATIENCE_MS).unref();
}

function nameAndEnd(): void {
  const handles = (process as unknown as { _getActiveHandles(): readonly object[] })._getActiveHandles();
  process.stderr.write(`The tests left open, after ${PATIENCE_MS / 1000} s: ${process.getActiveResourcesInfo().join(", ")}\n`);
  for (const handle of handles) process.stderr.write(`  ${handle.constructor.name} ${JSON.stringify(describe(handle))}\n`);
  // A call into the system that blocks would hold up an orderly exit too.
  process.kill(process.pid, "SIGKILL");
}

function describe(handle: Partial<ChildProcess & Socket>): Readonly<Record<string, unknown>> {
  const { pid, spawnargs, localPort, remoteAddress, remotePort, destroyed } = handle;
  return { pid, program: spawnargs?.slice(0, 6), localPort, remoteAddress, remotePort, destroyed };
}
