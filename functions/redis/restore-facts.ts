import * as z from "zod";

/** What the manifest tells about the data; everything may be missing, and counts are those of just before the snapshot. */
export interface SnapshotFacts {
  readonly keyspace: ReadonlyMap<number, { readonly keys: number; readonly expires: number }> | undefined;
  readonly modules: readonly string[];
  readonly usedMemoryBytes: number | undefined;
}

const schema = z.object({
  keyspaceAtStart: z.record(z.string().regex(/^(db)?\d+$/), z.object({ keys: z.number(), expires: z.number() })).optional(),
  modules: z.array(z.object({ name: z.string() })).optional(),
  rdb: z.object({ usedMemoryBytes: z.number().optional() }).optional(),
});

/** Reads the facts that a backup recorded. What does not look as expected counts as not recorded: checks then ask for more, never for less. */
export function readSnapshotFacts(facts: Readonly<Record<string, unknown>>): SnapshotFacts {
  const known = schema.safeParse(facts).data;
  const keyspace = known?.keyspaceAtStart;
  return {
    keyspace: keyspace && new Map(Object.entries(keyspace).map(([name, counts]) => [Number(name.replace("db", "")), counts])),
    modules: known?.modules?.map(({ name }) => name) ?? [],
    usedMemoryBytes: known?.rdb?.usedMemoryBytes,
  };
}
