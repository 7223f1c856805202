import type { IndexEntry } from "./catalog.ts";
import { listed } from "./plan-objects.ts";

export interface Gaps {
  /** Names of indices that would be chosen if they were open. */
  readonly closed: readonly string[];
  /** Those that are backed up. */
  readonly entries: readonly Pick<IndexEntry, "name" | "source">[];
}

/** Warns of what a person may take for backed up; the whole list of what is left out is in the manifest and the report, which fewer people read. */
export function warnOfGaps({ closed, entries }: Gaps, warn: (reason: string, message: string) => void): void {
  const filtered = entries.filter(({ source }) => source === "filtered").map(({ name }) => name);
  if (entries.length === 0) warn("NoIndices", "The server holds no index that could be backed up: the snapshot holds no document");
  if (closed.length > 0)
    warn("ClosedIndicesLeftOut", `Closed indices are not in the snapshot: ${listed(closed)}; --open-closed takes them in`);
  if (filtered.length > 0)
    warn("SourceFiltered", `The mapping keeps fields out of the source, which are not in the snapshot: ${listed(filtered)}`);
}
