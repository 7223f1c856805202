// A request's first line may be 4 kB long at most, by the servers' default; the address's own path and the query need some of it.
const MOST_BYTES = 3_000;

/** Names in groups, in order, each short enough to be a part of a request's path. */
export function nameGroups(names: readonly string[]): string[][] {
  const groups: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const length = encodeURIComponent(name).length + 1;
    if (bytes + length > MOST_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(name);
    bytes += length;
  }
  return groups;
}
