import { setTimeout as pause } from "node:timers/promises";
import { DatabaseUnavailableError, type HoldfastError, IncompleteError } from "../../runner/errors.ts";
import { readIndexIdentities } from "./index-identity.ts";
import type { SearchTransport } from "./transport.ts";

const DELETION_MS = 500;

/** The error that the loss of an index's cursor becomes: whether the index is gone, or was closed, or only the cursor. */
export async function explainLoss(
  transport: SearchTransport,
  index: { readonly name: string; readonly uuid: string },
  cause: unknown,
): Promise<HoldfastError> {
  const gone = await explainAbsence(transport, index, cause);
  if (gone !== undefined) return gone;
  // An index that is being deleted loses its cursors a moment before it is not listed any more.
  await pause(DELETION_MS);
  return (
    (await explainAbsence(transport, index, cause)) ??
    new DatabaseUnavailableError(`The server has lost the cursor on index "${index.name}"`, {
      reason: "CursorLost",
      cause,
      hint: "A node that restarts loses its cursors, and so does one that nobody asked for longer than --es-keep-alive; another run reads anew",
    })
  );
}

/** The error for an index that is not there any more, or not open; undefined when it is, or when the server does not say. */
export async function explainAbsence(
  transport: SearchTransport,
  { name, uuid }: { readonly name: string; readonly uuid: string },
  cause: unknown,
): Promise<HoldfastError | undefined> {
  // What cannot be told now is told by the failure at hand.
  const now = await readIndexIdentities(transport, [name]).catch(() => undefined);
  if (now === undefined) return undefined;
  const found = now.get(name);
  const hint = "The backup holds what was there when it began, or nothing: run it again, without this index if it comes and goes";
  if (found?.uuid !== uuid)
    return new IncompleteError(`Index "${name}" was deleted while it was being read`, { reason: "IndexDeleted", cause, hint });
  if (found.isClosed)
    return new IncompleteError(`Index "${name}" was closed while it was being read`, { reason: "IndexClosed", cause, hint });
  return undefined;
}
