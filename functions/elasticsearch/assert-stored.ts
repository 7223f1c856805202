import { IncompleteError } from "../../runner/errors.ts";
import type { SnapshotReader } from "../../runner/function.ts";
import type { RestorePlan } from "./restore-plan.ts";

/** All documents must be in the store before anything is deleted for them. @throws IncompleteError */
export async function assertStored(snapshot: SnapshotReader, { indices }: RestorePlan): Promise<void> {
  const wanted = indices.filter(({ action }) => action !== "skip");
  const missing = await snapshot.findMissing(wanted.flatMap(({ facts }) => facts.shards.flatMap(({ streams }) => streams)));
  if (missing === undefined) return;
  throw new IncompleteError(`Object "${missing}" of snapshot "${snapshot.id}" is gone, or not of the size that was written`, {
    reason: "SnapshotDamaged",
    hint: "Nothing was changed in the target. verify names all that is damaged; --match restores indices that are not",
  });
}
