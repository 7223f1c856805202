import type { ClusterCatalog } from "./catalog.ts";
import type { NotCarried } from "./choose-indices.ts";
import type { SearchServer } from "./inspect-server.ts";
import type { ListedIndex } from "./list-indices.ts";
import type { SearchTransport } from "./transport.ts";

export interface ReadCatalog {
  readonly catalog: ClusterCatalog;
  /** What exists and is not carried in this release, by name. */
  readonly notCarried: NotCarried[];
  /** How many objects were passed over because the server brings them itself. */
  readonly managed: number;
}

/** All objects of the cluster that are no index: templates, pipelines, policies, scripts, and the data streams of the chosen indices. */
export async function readClusterCatalog(
  _transport: SearchTransport,
  _server: SearchServer,
  _options: { readonly chosen: readonly ListedIndex[] },
): Promise<ReadCatalog> {
  throw new TypeError("Not built yet");
}
