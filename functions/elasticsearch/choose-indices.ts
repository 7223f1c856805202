import type { ListedIndex } from "./list-indices.ts";

/** Something that is there and not in the snapshot. */
export interface NotCarried {
  /** "index:old-logs", "transform:daily". */
  readonly name: string;
  readonly reason: string;
}

export interface IndexSelection {
  readonly match?: string | undefined;
  readonly matchRegex?: string | undefined;
  readonly skipHidden: boolean;
  readonly openClosed: boolean;
}

/** Which indices are backed up, and what is left out and why; indices that the user did not name are counted in one entry. */
export function chooseIndices(
  _listed: readonly ListedIndex[],
  _selection: IndexSelection,
): { readonly chosen: ListedIndex[]; readonly notCarried: NotCarried[] } {
  throw new TypeError("Not built yet");
}
