import * as z from "zod";
import { DatabaseUnavailableError } from "../../runner/errors.ts";
import { nameGroups } from "./name-groups.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

/** What never changes of an index; another index under the same name has another uuid. */
export interface IndexIdentity {
  readonly name: string;
  readonly uuid: string;
  readonly shards: number;
  readonly isClosed: boolean;
}

const answer = z.record(
  z.string(),
  z.object({
    settings: z.object({
      "index.uuid": z.string(),
      "index.number_of_shards": z.coerce.number().int().min(1),
      "index.verified_before_close": z.string().optional(),
    }),
  }),
);

/** Asks for indices by their names; those that are not there are absent. */
export async function readIndexIdentities(transport: SearchTransport, names: readonly string[]): Promise<Map<string, IndexIdentity>> {
  const identities = new Map<string, IndexIdentity>();
  for (const group of nameGroups(names)) {
    const path = pathOf(group, "_settings", ["index.uuid", "index.number_of_shards", "index.verified_before_close"]);
    // Without this parameter one missing name hides all others, with it closed indices are hidden, unless wildcards may be expanded to them.
    const query = { flat_settings: true, ignore_unavailable: true, expand_wildcards: "all" };
    const { json } = await transport.json({ method: "GET", path, query });
    const parsed = answer.safeParse(json);
    if (!parsed.success)
      throw new DatabaseUnavailableError(`${transport.description} does not say which indices it has`, { reason: "UnexpectedAnswer" });
    for (const [name, { settings }] of Object.entries(parsed.data)) {
      const isClosed = settings["index.verified_before_close"] === "true";
      identities.set(name, { name, uuid: settings["index.uuid"], shards: settings["index.number_of_shards"], isClosed });
    }
  }
  return identities;
}
