import type { Writable } from "node:stream";
import { describeError, ParameterError } from "./errors.ts";

/**
 * Prints results, however slowly they are read: the promise settles when all of the text was taken, or with the signal's reason. A reader that goes
 * away (`| head`) had what it wanted; anything else that stops the output is a failure, since part of the result is lost.
 */
export function createPrinter(output: Writable, signal?: AbortSignal): (text: string) => Promise<void> {
  // Each write's own callback has the error; without a listener it would end the process as well.
  output.on("error", () => undefined);
  return (text) =>
    new Promise((resolve, reject) => {
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      output.write(text, (error) => {
        signal?.removeEventListener("abort", onAbort);
        if (!error || (error as NodeJS.ErrnoException).code === "EPIPE") resolve();
        else reject(new ParameterError(`Cannot print the result: ${describeError(error)}`, { cause: error }));
      });
      if (signal?.aborted) onAbort();
    });
}
