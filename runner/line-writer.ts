import { writeSync } from "node:fs";

const PATIENCE_MS = 1000;
const PAUSE_MS = 5;

/**
 * Writes text to a descriptor at once, before the process can end. A log that nobody reads must not end a backup: what a closed pipe, a full disk,
 * or a reader that stands still for a second does not take is dropped, and the next text begins on a new line.
 */
export function lineWriter(descriptor: number): (text: string) => void {
  let isTorn = false;
  return (text) => {
    const bytes = Buffer.from(isTorn ? `\n${text}` : text);
    const written = writePatiently(descriptor, bytes);
    if (written > 0) isTorn = written < bytes.length;
  };
}

/** How many bytes were taken. */
function writePatiently(descriptor: number, bytes: Buffer): number {
  let written = 0;
  for (let waitedMs = 0; written < bytes.length && waitedMs < PATIENCE_MS; ) {
    try {
      written += writeSync(descriptor, bytes, written);
      waitedMs = 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return written;
      // A pipe that Node made non-blocking, and that is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      waitedMs += PAUSE_MS;
    }
  }
  return written;
}
