import type { IncomingMessage } from "node:http";
import { ClusterUnavailableError } from "../../runner/errors.ts";

export interface LineOptions {
  /** So long without a single byte ends it. */
  readonly silenceMs: number;
}

// Objects have at most 1.5 MB in etcd, and JSON makes them longer; what is beyond this is no watch.
const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

/**
 * The lines of a body, as they come: the next is read when it is asked for. Ends with the body, and after a silence; leaving it closes the connection.
 * @throws ClusterUnavailableError for a body that ends in the midst of a line, and what the stream throws
 */
export async function* readLines(received: IncomingMessage, { silenceMs }: LineOptions): AsyncGenerator<string, void, undefined> {
  let isSilent = false;
  const endSilence = () => {
    isSilent = true;
    received.destroy();
  };
  const timer = setTimeout(endSilence, silenceMs);
  const begun: Buffer[] = [];
  try {
    for await (const chunk of received as AsyncIterable<Buffer>) {
      timer.refresh();
      yield* completeLines(begun, chunk);
    }
  } catch (error) {
    if (!isSilent) throw error;
  } finally {
    clearTimeout(timer);
    received.destroy();
  }
  if (!isSilent && begun.length > 0) throw new ClusterUnavailableError("A watch of the Kubernetes API ended in the midst of an event");
}

/** The lines that end within the chunk; its rest is kept. Cut at bytes, so a character may lie in two chunks. */
function* completeLines(begun: Buffer[], chunk: Buffer): Generator<string, void, undefined> {
  let from = 0;
  for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
    begun.push(chunk.subarray(from, end));
    from = end + 1;
    const line = Buffer.concat(begun.splice(0)).toString("utf8");
    if (line.trim() !== "") yield line;
  }
  if (from < chunk.length) begun.push(chunk.subarray(from));
  if (begun.reduce((bytes, part) => bytes + part.length, 0) > LONGEST_LINE_BYTES) {
    throw new ClusterUnavailableError("A watch of the Kubernetes API sends an event without an end");
  }
}
