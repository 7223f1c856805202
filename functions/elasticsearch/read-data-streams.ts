import * as z from "zod";
import { DatabaseUnavailableError } from "../../runner/errors.ts";
import type { ClusterCatalog } from "./catalog.ts";
import { isAtLeast, type SearchServer } from "./inspect-server.ts";
import type { ListedIndex } from "./list-indices.ts";
import { nameGroups } from "./name-groups.ts";
import { readIfThere } from "./read-if-there.ts";
import { pathOf, type SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

type Streams = Pick<ClusterCatalog, "dataStreams" | "dataStreamAliases">;
type Chosen = readonly Pick<ListedIndex, "name" | "dataStream">[];

const body = z.record(z.string(), z.unknown());
const stream = z.looseObject({
  name: z.string(),
  timestamp_field: z.object({ name: z.string() }),
  indices: z.array(z.object({ index_name: z.string() })),
  generation: z.int(),
  template: z.string().optional(),
  hidden: z.boolean().default(false),
  failure_store: body.optional(),
});
const streamsAnswer = z.object({ data_streams: z.array(stream) });
const aliasesAnswer = z.record(z.string(), z.object({ aliases: z.record(z.string(), body) }));

const RIGHT =
  "the index privilege view_index_metadata on all data streams (OpenSearch: indices:admin/data_stream/get and indices:admin/aliases/get)";
// What the server derives from elsewhere, or counts.
const DERIVED = [
  "status",
  "system",
  "ilm_policy",
  "next_generation_managed_by",
  "prefer_ilm",
  "time_series",
  "replicated",
  "rollover_on_write",
];

/** The data streams that the chosen indices belong to, each with those of its backing indices that are chosen, oldest first, and their aliases. */
export async function readDataStreams(transport: SearchTransport, server: SearchServer, chosen: Chosen): Promise<Streams> {
  const names = [...new Set(chosen.flatMap(({ dataStream }) => dataStream ?? []))].sort();
  const dataStreams: Streams["dataStreams"] = {};
  const dataStreamAliases: Streams["dataStreamAliases"] = {};
  for (const group of nameGroups(names)) {
    for (const found of await readStreams(transport, group)) dataStreams[found.name] = describe(found, chosen);
    // OpenSearch has none.
    if (isAtLeast(server, "elasticsearch", "7.14"))
      for (const { alias, name, attributes } of await readAliases(transport, group))
        dataStreamAliases[alias] = { ...dataStreamAliases[alias], [name]: attributes };
  }
  for (const { name, dataStream } of chosen)
    if (dataStream !== undefined && !dataStreams[dataStream]?.indices.includes(name))
      throw new DatabaseUnavailableError(`The index "${name}" left the data stream "${dataStream}" while the catalog was read`, {
        reason: "ClusterChanged",
        hint: "Back up again",
      });
  return { dataStreams, dataStreamAliases };
}

async function readStreams(transport: SearchTransport, names: readonly string[]): Promise<z.infer<typeof stream>[]> {
  const path = pathOf("_data_stream", names);
  const answer = await readIfThere(transport, { method: "GET", path, query: { expand_wildcards: "all" } }, RIGHT);
  // One of them is gone: the indices that are left without their stream tell.
  if (answer === undefined) return [];
  const parsed = streamsAnswer.safeParse(answer);
  if (!parsed.success) throw unexpectedAnswer(transport, `GET ${path}`, parsed.error);
  return parsed.data.data_streams;
}

async function readAliases(
  transport: SearchTransport,
  names: readonly string[],
): Promise<{ alias: string; name: string; attributes: Record<string, unknown> }[]> {
  const path = pathOf(names, "_alias");
  const parsed = aliasesAnswer.safeParse(await readIfThere(transport, { method: "GET", path, query: { expand_wildcards: "all" } }, RIGHT));
  if (!parsed.success) throw unexpectedAnswer(transport, `GET ${path}`, parsed.error);
  return Object.entries(parsed.data).flatMap(([name, { aliases }]) =>
    names.includes(name) ? Object.entries(aliases).map(([alias, attributes]) => ({ alias, name, attributes })) : [],
  );
}

function describe(found: z.infer<typeof stream>, chosen: Chosen): Streams["dataStreams"][string] {
  const { name, timestamp_field, indices, generation, template, hidden, failure_store, ...rest } = found;
  const own = new Set(chosen.map((index) => index.name));
  const other = Object.fromEntries(Object.entries(rest).filter(([key]) => !DERIVED.includes(key)));
  const { indices: _, ...failureStore } = failure_store ?? {};
  return {
    ...(template === undefined ? {} : { template }),
    generation,
    indices: indices.map(({ index_name }) => index_name).filter((index) => own.has(index)),
    timestampField: timestamp_field.name,
    isHidden: hidden,
    other: failure_store === undefined ? other : { ...other, failure_store: failureStore },
  };
}
