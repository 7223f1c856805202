import { isAtLeast, type SearchServer } from "./inspect-server.ts";
import { pathOf, type SearchRequest } from "./transport.ts";

/** How a server is asked to open, read and close points in time. Each is opened on one shard alone, so that a page can only hold what is the shard's. */
export interface CursorDialect {
  /** Whether its version has them, in a form whose pages can be continued. */
  readonly hasPointsInTime: boolean;
  /** What brings a shard's documents in the order of their numbers, as the one first sort value. */
  readonly sort: "_shard_doc" | "_doc";
  /** What a search has to say in order to get the whole source. */
  readonly source: true | { readonly exclude_vectors: false };
  /** What every search says besides. */
  readonly query: Readonly<Record<string, string | boolean>>;
  /** Where the id of a new one is in the answer. */
  readonly idKey: "id" | "pit_id";
  /** Asks one shard alone. */
  preference(shard: number): string;
  open(index: string, shard: number, keepAlive: string): SearchRequest;
  close(id: string): SearchRequest;
}

export function cursorDialect(server: Pick<SearchServer, "flavour" | "version">): CursorDialect {
  return server.flavour === "opensearch" ? openSearch(server) : elasticsearch(server);
}

function elasticsearch(server: Pick<SearchServer, "flavour" | "version">): CursorDialect {
  const since = (version: string) => isAtLeast(server, "elasticsearch", version);
  // Vectors are left out of the source, from 9.2 on by default; 9.0 is older than 8.19.
  const knowsVectors = since("9.1") || (since("8.19") && !since("9.0"));
  return {
    hasPointsInTime: since("7.12"),
    sort: "_shard_doc",
    source: knowsVectors ? { exclude_vectors: false } : true,
    query: WHOLE,
    idKey: "id",
    preference: ofShard,
    open: (index, shard, keepAlive) => ({
      method: "POST",
      path: pathOf(index, "_pit"),
      query: { keep_alive: keepAlive, preference: ofShard(shard) },
    }),
    close: (id) => ({ method: "DELETE", path: "/_pit", body: { id } }),
  };
}

function openSearch(server: Pick<SearchServer, "flavour" | "version">): CursorDialect {
  return {
    hasPointsInTime: isAtLeast(server, "opensearch", "2.4"),
    // 3.3 knows _shard_doc too; within one shard _doc is the same order, and all versions have it.
    sort: "_doc",
    source: true,
    // An index may send its searches through a pipeline that filters them, those of points in time and their counts too.
    query: isAtLeast(server, "opensearch", "2.8") ? { ...WHOLE, search_pipeline: "_none" } : WHOLE,
    idKey: "pit_id",
    preference: ofPrimary,
    open: (index, shard, keepAlive) => ({
      method: "POST",
      path: pathOf(index, "_search", "point_in_time"),
      query: { keep_alive: keepAlive, preference: ofPrimary(shard), allow_partial_pit_creation: false },
    }),
    close: (id) => ({ method: "DELETE", path: "/_search/point_in_time", body: { pit_id: [id] } }),
  };
}

const WHOLE = { allow_partial_search_results: false };

function ofShard(shard: number): string {
  return `_shards:${shard}`;
}

/** Where segments are replicated instead of documents, a replica lags behind, whatever was refreshed. */
function ofPrimary(shard: number): string {
  return `${ofShard(shard)}|_primary`;
}
