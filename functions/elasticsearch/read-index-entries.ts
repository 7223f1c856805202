import * as z from "zod";
import type { IndexEntry } from "./catalog.ts";
import type { ListedIndex } from "./list-indices.ts";
import { nameGroups } from "./name-groups.ts";
import { faultOf } from "./server-error.ts";
import { sourceKind } from "./source-kind.ts";
import { pathOf, type SearchTransport } from "./transport.ts";
import { unexpectedAnswer } from "./unexpected-answer.ts";

/** `uuid`: only the index of this one is meant; `isClosed`: as it was before it was opened to be read. */
export type WantedIndex = Pick<ListedIndex, "name"> & Partial<Pick<ListedIndex, "uuid" | "isClosed">>;

const object = z.record(z.string(), z.unknown());
const answer = z.record(
  z.string(),
  z.object({
    settings: object.and(z.object({ "index.uuid": z.string() })),
    mappings: object.default({}),
    aliases: z.record(z.string(), object).default({}),
    data_stream: z.string().optional(),
  }),
);

type Answer = z.infer<typeof answer>;

/**
 * Settings, mappings and aliases of the indices, in their order. One that is no longer there, or another of that name, is absent: what that means the
 * caller decides. @throws DatabaseRefusedError when the user may not see one of them
 */
export async function readIndexEntries(transport: SearchTransport, indices: readonly WantedIndex[]): Promise<IndexEntry[]> {
  const found = new Map<string, Answer[string]>();
  for (const group of nameGroups(indices.map(({ name }) => name)))
    for (const [name, index] of Object.entries(await readGroup(transport, group))) found.set(name, index);
  return indices.flatMap((wanted) => {
    const index = found.get(wanted.name);
    if (index === undefined || (wanted.uuid !== undefined && wanted.uuid !== index.settings["index.uuid"])) return [];
    return [describe(wanted, index)];
  });
}

/** Never with `ignore_unavailable`: it leaves out what the user may not see as if it were not there. */
async function readGroup(transport: SearchTransport, names: readonly string[]): Promise<Answer> {
  try {
    const query = { flat_settings: true, expand_wildcards: "all" };
    const { json } = await transport.json({ method: "GET", path: pathOf(names), query });
    const parsed = answer.safeParse(json);
    if (!parsed.success) throw unexpectedAnswer(transport, `GET ${pathOf(names)}`, parsed.error);
    return parsed.data;
  } catch (error) {
    const fault = faultOf(error);
    if (fault?.status !== 404 || fault.type !== "index_not_found_exception") throw error;
    if (names.length === 1) return {};
    const half = Math.ceil(names.length / 2);
    return { ...(await readGroup(transport, names.slice(0, half))), ...(await readGroup(transport, names.slice(half))) };
  }
}

function describe({ name, isClosed = false }: WantedIndex, index: Answer[string]): IndexEntry {
  const { settings, mappings, aliases, data_stream } = index;
  return {
    name,
    uuid: settings["index.uuid"],
    settings,
    mappings,
    aliases,
    source: sourceKind(settings, mappings),
    isClosed,
    isHidden: settings["index.hidden"] === "true",
    ...(data_stream === undefined ? {} : { dataStream: data_stream }),
  };
}
