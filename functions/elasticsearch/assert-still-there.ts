import { DatabaseRefusedError } from "../../runner/errors.ts";
import { readIndexIdentities } from "./index-identity.ts";
import { listed } from "./plan-objects.ts";
import type { PreparedTarget } from "./prepare-target.ts";
import type { SearchTransport } from "./transport.ts";

/**
 * Servers make an index that a bulk request misses, of whatever its documents look like: one that was deleted before they came would be there again,
 * with all of them, and with other settings and mappings. @throws DatabaseRefusedError when an index is not the one that was created
 */
export async function assertStillThere(
  transport: SearchTransport,
  { created, uuids }: Pick<PreparedTarget, "created" | "uuids">,
): Promise<void> {
  const now = await readIndexIdentities(transport, created);
  const gone = created.filter((name) => !uuids.has(name) || now.get(name)?.uuid !== uuids.get(name));
  if (gone.length === 0) return;
  throw new DatabaseRefusedError(`Somebody deleted indices of ${transport.description} during the restore: ${listed(gone)}`, {
    reason: "TargetIndexGone",
    facts: { deletedMeanwhile: gone },
    hint: "Those that are there again were made by the server, with other settings and mappings. Is there something that deletes old indices? Stop it, and restore again with --policy replace",
  });
}
