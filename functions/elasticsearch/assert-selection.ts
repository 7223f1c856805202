import { ParameterError } from "../../runner/errors.ts";
import type { IndexSelection, NotCarried } from "./choose-indices.ts";
import type { ListedIndex } from "./list-indices.ts";
import { listed } from "./plan-objects.ts";

/**
 * A selection that chooses nothing is a mistake, not an empty cluster; a name without "*" is of something that must be there.
 * @throws ParameterError before anything is read
 */
export function assertSelection(
  indices: readonly ListedIndex[],
  selection: IndexSelection,
  { chosen, notCarried }: { readonly chosen: readonly ListedIndex[]; readonly notCarried: readonly NotCarried[] },
): void {
  const { match, matchRegex } = selection;
  if (match === undefined && matchRegex === undefined) return;
  const missing = exactNames(match).filter((name) => !isThere(name, indices, selection));
  if (missing.length > 0)
    throw new ParameterError(`--match names what is not there: ${listed(missing)}`, {
      hint: "A name with * may stand for nothing; one without must be an index, alias or data stream of the server",
    });
  if (chosen.length > 0) return;
  const left = notCarried.filter(({ name }) => name.startsWith("index:"));
  const names = indices.map(({ name }) => name);
  throw new ParameterError("No index of the server is chosen by --match and --match-regex", {
    hint:
      left.length > 0
        ? `Left out: ${listed(left.map(({ name, reason }) => `${name.slice("index:".length)} (${reason})`))}`
        : `It holds ${names.length === 0 ? "none" : listed(names.sort(), 10)}`,
  });
}

function exactNames(match: string | undefined): string[] {
  const patterns = (match ?? "").split(",").map((pattern) => pattern.trim());
  return patterns.filter((pattern) => pattern !== "" && !pattern.startsWith("-") && !pattern.includes("*"));
}

function isThere(name: string, indices: readonly ListedIndex[], { matchNamesOnly }: IndexSelection): boolean {
  return indices.some(
    (index) =>
      [index.name, index.dataStream, index.failureStoreOf].includes(name) || (matchNamesOnly !== true && index.aliases.includes(name)),
  );
}
