import * as z from "zod";
import { nameGroups } from "./name-groups.ts";
import { faultOf } from "./server-error.ts";
import { pathOf, type SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

/** Where each shard of an index stands: equal marks at two times mean that nothing was written in between. */
export interface IndexMarks {
  readonly uuid: string;
  /** In order of their numbers. */
  readonly shards: readonly ShardMarks[];
}

export interface ShardMarks {
  readonly shard: number;
  readonly primaryTerm: number;
  readonly maxSeqNo: number;
  readonly globalCheckpoint: number;
}

const stateAnswer = z.object({
  metadata: z
    .object({
      indices: z.record(
        z.string(),
        z.object({ primary_terms: z.record(z.string(), z.int()), settings: z.object({ index: z.object({ uuid: z.string() }) }) }),
      ),
    })
    .optional(),
});

const statsAnswer = z.object({
  indices: z
    .record(
      z.string(),
      z.object({
        uuid: z.string(),
        shards: z.record(
          z.string(),
          z.array(
            z.object({
              routing: z.object({ primary: z.boolean(), state: z.string() }),
              // Absent while the shard is being recovered.
              seq_no: z.object({ max_seq_no: z.int(), global_checkpoint: z.int() }).optional(),
            }),
          ),
        ),
      }),
    )
    .optional(),
});

type Terms = ReadonlyMap<string, { readonly uuid: string; readonly terms: Readonly<Record<string, number>> }>;
type Stats = NonNullable<z.infer<typeof statsAnswer>["indices"]>;

/**
 * The marks of open indices, by name. An index is absent when they cannot be told for every one of its shards, or when the user may not ask: it is then
 * read as one that has changed. @throws HoldfastError when the server fails
 */
export async function readShardMarks(transport: SearchTransport, names: readonly string[]): Promise<Map<string, IndexMarks>> {
  const marks = new Map<string, IndexMarks>();
  for (const group of nameGroups(names)) {
    // Terms on both sides: numbers of one primary must not be taken with the term of its successor, which uses them again.
    const before = await readTerms(transport, group);
    const stats = await readStats(transport, group);
    const after = await readTerms(transport, group);
    for (const name of group) {
      const index = join(name, { before, stats, after });
      if (index !== undefined) marks.set(name, index);
    }
  }
  return marks;
}

function join(name: string, { before, stats, after }: { before: Terms; stats: Stats; after: Terms }): IndexMarks | undefined {
  const [first, last, counted] = [before.get(name), after.get(name), stats[name]];
  if (first === undefined || last === undefined || counted === undefined) return undefined;
  if (first.uuid !== last.uuid || first.uuid !== counted.uuid) return undefined;
  const shards: ShardMarks[] = [];
  for (const [shard, primaryTerm] of Object.entries(first.terms)) {
    const primary = counted.shards[shard]?.find(
      ({ routing }) => routing.primary && (routing.state === "STARTED" || routing.state === "RELOCATING"),
    );
    if (last.terms[shard] !== primaryTerm || primary?.seq_no === undefined) return undefined;
    const { max_seq_no: maxSeqNo, global_checkpoint: globalCheckpoint } = primary.seq_no;
    // Less than -1 stands for "unknown".
    if (maxSeqNo < -1 || globalCheckpoint < -1) return undefined;
    shards.push({ shard: Number(shard), primaryTerm, maxSeqNo, globalCheckpoint });
  }
  if (shards.length === 0 || shards.length !== Object.keys(last.terms).length) return undefined;
  return { uuid: first.uuid, shards: shards.sort((one, other) => one.shard - other.shard) };
}

async function readTerms(transport: SearchTransport, names: readonly string[]): Promise<Terms> {
  const path = `/_cluster/state/metadata${pathOf(names)}`;
  const query = { filter_path: "metadata.indices.*.primary_terms,metadata.indices.*.settings.index.uuid", ignore_unavailable: true };
  const parsed = stateAnswer.safeParse((await transport.json({ method: "GET", path, query })).json);
  if (!parsed.success) throw unexpectedAnswer(transport, `GET ${path}`, parsed.error);
  const indices = Object.entries(parsed.data.metadata?.indices ?? {});
  return new Map(indices.map(([name, { primary_terms: terms, settings }]) => [name, { uuid: settings.index.uuid, terms }]));
}

async function readStats(transport: SearchTransport, names: readonly string[]): Promise<Stats> {
  const path = `${pathOf(names)}/_stats/docs`;
  const query = {
    level: "shards",
    ignore_unavailable: true,
    filter_path: "indices.*.uuid,indices.*.shards.*.routing.primary,indices.*.shards.*.routing.state,indices.*.shards.*.seq_no",
  };
  try {
    const parsed = statsAnswer.safeParse((await transport.json({ method: "GET", path, query })).json);
    if (!parsed.success) throw unexpectedAnswer(transport, `GET ${path}`, parsed.error);
    return parsed.data.indices ?? {};
  } catch (error) {
    const status = faultOf(error)?.status;
    if (status === 403 || status === 404) return {};
    throw error;
  }
}
