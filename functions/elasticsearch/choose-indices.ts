import { featureOf } from "./feature-names.ts";
import type { IndexNature, ListedIndex } from "./list-indices.ts";
import { compilePattern, matchesNames } from "./name-pattern.ts";

/** Something that is there and not in the snapshot. */
export interface NotCarried {
  /** "index:old-logs", "transform:daily". */
  readonly name: string;
  readonly reason: string;
}

export interface IndexSelection {
  readonly match?: string | undefined;
  readonly matchRegex?: string | undefined;
  /** Aliases do not count for the two. */
  readonly matchNamesOnly?: boolean | undefined;
  readonly skipHidden: boolean;
  readonly openClosed: boolean;
}

const CLOSED = "It is closed; --open-closed opens it for as long as it is read";

const NATURES: Readonly<Record<IndexNature, string>> = {
  mounted: "Its documents are carried as those of an ordinary index, its tie to the snapshot that it is mounted from is not",
  follower: "Its documents are carried as those of an ordinary index, its tie to the index that it follows is not",
  downsampled: "Its documents are carried as those of an ordinary index, its tie to the index that it was made from is not",
  rollup: "Its documents are carried as those of an ordinary index, its tie to the index that it was made from is not",
};

/**
 * Which indices are backed up, and what is left out and why. What the user took out by name, and hidden indices by --skip-hidden, are one entry each
 * with their number; all else is named. `closed` are those that were left out for that alone.
 */
export function chooseIndices(
  listed: readonly ListedIndex[],
  selection: IndexSelection,
): { readonly chosen: ListedIndex[]; readonly notCarried: NotCarried[]; readonly closed: string[] } {
  const isSelected = selector(selection);
  const chosen: ListedIndex[] = [];
  const notCarried: NotCarried[] = [];
  const closed: string[] = [];
  const [unselected, skipped] = [[] as ListedIndex[], [] as ListedIndex[]];
  for (const index of listed) {
    const name = `index:${index.name}`;
    const reason = isSelected(index) ? reasonAgainst(index, selection) : undefined;
    if (!isSelected(index)) unselected.push(index);
    else if (reason !== undefined) {
      notCarried.push({ name, reason });
      if (reason === CLOSED) closed.push(index.name);
    } else if (selection.skipHidden && index.isHidden) skipped.push(index);
    else {
      chosen.push(index);
      if (index.nature !== undefined) notCarried.push({ name, reason: NATURES[index.nature] });
    }
  }
  if (skipped.length > 0) notCarried.push({ name: "indices:hidden", reason: `${counted(skipped, "hidden ")} left out by --skip-hidden` });
  if (unselected.length > 0)
    notCarried.push({ name: "indices:not-selected", reason: `${counted(unselected)} not chosen by --match or --match-regex` });
  return { chosen, notCarried, closed };
}

function selector({ match, matchRegex, matchNamesOnly = false }: IndexSelection): (index: ListedIndex) => boolean {
  const patterns = match?.split(",").map((pattern) => pattern.trim()) ?? [];
  const expression = matchRegex === undefined ? undefined : compilePattern(matchRegex);
  return ({ name, aliases, dataStream, failureStoreOf }) => {
    const names = [name, ...(matchNamesOnly ? [] : aliases), ...[dataStream, failureStoreOf].filter((stream) => stream !== undefined)];
    return matchesNames(names, patterns) && (expression === undefined || names.some((each) => expression.test(each)));
  };
}

function reasonAgainst(
  { name, isSystem, isHidden, isClosed, dataStream, failureStoreOf }: ListedIndex,
  selection: IndexSelection,
): string | undefined {
  const feature = featureOf(failureStoreOf ?? dataStream ?? name, isHidden);
  if (feature !== undefined) return `It belongs to ${feature}`;
  if (isSystem) return "It belongs to a feature of the server, which says so";
  if (failureStoreOf !== undefined) return `It keeps documents that the data stream "${failureStoreOf}" refused; these are not carried`;
  // Their user asked for no hidden index at all: whether it is closed does not matter.
  if (isClosed && !selection.openClosed && !(selection.skipHidden && isHidden)) return CLOSED;
  return undefined;
}

function counted(indices: readonly unknown[], kind = ""): string {
  return indices.length === 1 ? `1 ${kind}index is` : `${indices.length} ${kind}indices are`;
}
