import { DatabaseUnavailableError } from "../../runner/errors.ts";
import type { SearchTransport } from "./transport.ts";

/** The error for an answer that is no error but is not as the server's documentation has it: nothing of it may be taken as "there is none". */
export function unexpectedAnswer(
  transport: Pick<SearchTransport, "description">,
  request: string,
  cause?: unknown,
): DatabaseUnavailableError {
  return new DatabaseUnavailableError(`The answer of ${transport.description} to ${request} is not understood`, {
    cause,
    reason: "UnexpectedAnswer",
    hint: "Is there a proxy that changes or cuts answers? Otherwise this version of the server is not known yet",
  });
}
