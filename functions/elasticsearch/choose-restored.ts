import { ParameterError } from "../../runner/errors.ts";
import type { ClusterCatalog, IndexEntry } from "./catalog.ts";
import { compilePattern, matchesNames } from "./name-pattern.ts";

export interface NumberedEntry {
  readonly entry: IndexEntry;
  /** Its line in meta/indices.ndjson, from 1. */
  readonly number: number;
}

export interface Selection {
  readonly match: string | undefined;
  readonly matchRegex: string | undefined;
  /** Aliases do not count for the two. */
  readonly matchNamesOnly?: boolean | undefined;
}

/** The chosen indices of the snapshot, in its order; a data stream comes whole or not at all. @throws ParameterError when there is none */
export function chooseRestored(
  { catalog, entries }: { readonly catalog: ClusterCatalog; readonly entries: readonly IndexEntry[] },
  selection: Selection,
): NumberedEntry[] {
  const numbered = entries.map((entry, at) => ({ entry, number: at + 1 }));
  if (!isSelection(selection)) return numbered;
  const { matchNamesOnly = false } = selection;
  const namesOfStreams = new Map<string, string[]>();
  for (const { name, dataStream, aliases } of entries) {
    if (dataStream === undefined) continue;
    const names = namesOfStreams.get(dataStream) ?? [dataStream, ...(matchNamesOnly ? [] : aliasesOfStream(catalog, dataStream))];
    names.push(name, ...(matchNamesOnly ? [] : Object.keys(aliases)));
    namesOfStreams.set(dataStream, names);
  }
  const isChosen = chooser(selection);
  const chosen = numbered.filter(({ entry: { name, dataStream, aliases } }) =>
    isChosen(
      (dataStream === undefined ? undefined : namesOfStreams.get(dataStream)) ?? [name, ...(matchNamesOnly ? [] : Object.keys(aliases))],
    ),
  );
  if (chosen.length > 0) return chosen;
  const names = entries.map(({ name }) => name);
  throw new ParameterError("No index of the snapshot is chosen by --match and --match-regex", {
    hint: `It holds ${names.slice(0, 10).join(", ")}${names.length > 10 ? ` and ${names.length - 10} others` : ""}`,
  });
}

export function isSelection({ match, matchRegex }: Selection): boolean {
  return match !== undefined || matchRegex !== undefined;
}

function chooser({ match, matchRegex }: Selection): (names: readonly string[]) => boolean {
  const patterns = (match ?? "").split(",").map((pattern) => pattern.trim());
  const wanted = patterns.filter((pattern) => pattern !== "");
  const expression = matchRegex === undefined ? undefined : compilePattern(matchRegex);
  return (names) => matchesNames(names, wanted) && (expression === undefined || names.some((name) => expression.test(name)));
}

function aliasesOfStream(catalog: ClusterCatalog, stream: string): string[] {
  return Object.entries(catalog.dataStreamAliases)
    .filter(([, streams]) => Object.hasOwn(streams, stream))
    .map(([alias]) => alias);
}
