import * as z from "zod";
import { describeError } from "../../runner/errors.ts";
import type { Log } from "../../runner/function.ts";
import type { ShardSize } from "./plan-ranges.ts";
import { pathOf, type SearchTransport } from "./transport.ts";

const copy = z.object({
  docs: z.object({ count: z.number(), deleted: z.number() }),
  store: z.object({ size_in_bytes: z.number() }),
});
const answer = z.object({ indices: z.record(z.string(), z.object({ shards: z.record(z.string(), z.array(copy)) })) });

/** Estimates how large each shard is; those that the server does not tell of, or not to this user, are absent: they are only read less cleverly. */
export async function estimateShards(transport: SearchTransport, name: string, log: Log): Promise<ReadonlyMap<number, ShardSize>> {
  try {
    const query = { level: "shards", filter_path: "indices.*.shards.*.docs,indices.*.shards.*.store" };
    const { json } = await transport.json({ method: "GET", path: pathOf(name, "_stats", ["docs", "store"]), query });
    const shards = answer.parse(json).indices[name]?.shards ?? {};
    return new Map(Object.entries(shards).map(([shard, copies]) => [Number(shard), largest(copies)]));
  } catch (error) {
    log.debug("The size of an index cannot be estimated", { index: name, because: describeError(error) });
    return new Map();
  }
}

function largest(copies: readonly z.infer<typeof copy>[]): ShardSize {
  return {
    numbers: Math.max(0, ...copies.map(({ docs }) => docs.count + docs.deleted)),
    storedBytes: Math.max(0, ...copies.map(({ store }) => store.size_in_bytes)),
  };
}
