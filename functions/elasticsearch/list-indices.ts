import type { SearchServer } from "./inspect-server.ts";
import type { SearchTransport } from "./transport.ts";

/** An index as the cluster's own state tells it, whatever the user may read. */
export interface ListedIndex {
  readonly name: string;
  readonly uuid: string;
  readonly isClosed: boolean;
  /** By its setting; a backing index as its data stream. */
  readonly isHidden: boolean;
  /** The server says that it belongs to one of its features. */
  readonly isSystem: boolean;
  /** Throttled for searches: left out of them unless they say `ignore_throttled=false` (Elasticsearch 7). */
  readonly isFrozen: boolean;
  readonly aliases: readonly string[];
  readonly dataStream?: string;
  /** The data stream whose failed documents it keeps. */
  readonly failureStoreOf?: string;
  /** What it is more than an ordinary index, as which it is carried. */
  readonly nature?: IndexNature;
}

export type IndexNature = "mounted" | "follower" | "downsampled";

/** Every index of the cluster, also hidden, closed and system ones, in order of their names. */
export async function listIndices(_transport: SearchTransport, _server: SearchServer): Promise<ListedIndex[]> {
  throw new TypeError("Not built yet");
}
