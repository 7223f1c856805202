import type { SearchTransport } from "./transport.ts";

/** Where each shard of an index stands: equal marks at two times mean that nothing was written in between. */
export interface IndexMarks {
  readonly uuid: string;
  readonly shards: readonly ShardMarks[];
}

export interface ShardMarks {
  readonly shard: number;
  readonly primaryTerm: number;
  readonly maxSeqNo: number;
  readonly globalCheckpoint: number;
}

/** The marks of open indices, by name; an index is absent when its marks cannot be told for every shard. @throws HoldfastError when the server fails */
export async function readShardMarks(_transport: SearchTransport, _names: readonly string[]): Promise<Map<string, IndexMarks>> {
  throw new TypeError("Not built yet");
}
