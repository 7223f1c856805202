import type { IndexEntry } from "./catalog.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { ListedIndex } from "./list-indices.ts";
import type { SearchTransport } from "./transport.ts";

/**
 * Settings, mappings and aliases of the indices, in their order. One that is no longer there, or is another one of that name, is absent: what that
 * means the caller decides. @throws DatabaseRefusedError when the user may not see one of them
 */
export async function readIndexEntries(
  _transport: SearchTransport,
  _server: SearchServer,
  _indices: readonly Pick<ListedIndex, "name" | "uuid" | "isClosed" | "dataStream">[],
): Promise<IndexEntry[]> {
  throw new TypeError("Not built yet");
}
