import { HOLDFAST_SERIES } from "./holdfast-series.ts";
import type { Series } from "./series.ts";
import { STASH_SERIES } from "./stash-series.ts";

/** Every series that this project pushes. */
export const ALL_SERIES: readonly Series[] = [...Object.values(STASH_SERIES), ...Object.values(HOLDFAST_SERIES)];

/** One value to push. Everything pushed is a gauge. */
export interface Sample {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A row of a builder: what is not known is not pushed, so that the gateway keeps the value it has. */
export type Entry = readonly [Series, Readonly<Record<string, string>>, number | undefined];

/** Makes samples under all names of their series; after a failure only those rows that say so, and nothing that speaks of a success. */
export function collectSamples(isSuccess: boolean, entries: readonly Entry[]): Sample[] {
  return entries.flatMap(([series, labels, value]) => {
    if (value === undefined || (series.when === "success" && !isSuccess)) return [];
    const names = series.legacyName === undefined ? [series.name] : [series.name, series.legacyName];
    return names.map((name) => ({ name, help: series.help, labels, value }));
  });
}
