import * as z from "zod";
import { DatabaseRefusedError } from "../../runner/errors.ts";
import type { SearchTransport } from "./transport.ts";

export interface SearchServer {
  readonly flavour: "elasticsearch" | "opensearch";
  /** "8.19.4". */
  readonly version: string;
  readonly id: string;
  readonly clusterName: string;
  readonly dataNodes: number;
}

/** Asks the server what it is. @throws DatabaseRefusedError when it is neither */
export async function inspectServer(transport: SearchTransport): Promise<SearchServer> {
  const root = await transport.json({ method: "GET", path: "/", statuses: [405] });
  const health = z
    .object({ cluster_name: z.string(), number_of_data_nodes: z.number() })
    .parse((await transport.json({ method: "GET", path: "/_cluster/health" })).json);
  const state = z
    .object({ cluster_uuid: z.string() })
    .parse((await transport.json({ method: "GET", path: "/_cluster/state/version", query: { filter_path: "cluster_uuid" } })).json);
  const common = { id: state.cluster_uuid, clusterName: health.cluster_name, dataNodes: health.number_of_data_nodes };
  if (root.status === 200) {
    const answer = z.object({ version: z.object({ number: z.string(), distribution: z.string().optional() }) }).safeParse(root.json);
    if (answer.success) {
      const { number, distribution } = answer.data.version;
      return { ...common, flavour: distribution === "opensearch" ? "opensearch" : "elasticsearch", version: number };
    }
  }
  // Some distributions do not answer GET /.
  const nodes = z
    .object({ nodes: z.record(z.string(), z.object({ version: z.string() })) })
    .safeParse((await transport.json({ method: "GET", path: "/_nodes", query: { filter_path: "nodes.*.version" } })).json);
  const [node] = nodes.success ? Object.values(nodes.data.nodes) : [];
  if (node === undefined)
    throw new DatabaseRefusedError(`${transport.description} is neither Elasticsearch nor OpenSearch`, { reason: "NotASearchServer" });
  return { ...common, flavour: "elasticsearch", version: node.version };
}

/** Whether the server is of this flavour and at least of this version: `isAtLeast(server, "elasticsearch", "8.19")`. */
export function isAtLeast(server: Pick<SearchServer, "flavour" | "version">, flavour: SearchServer["flavour"], version: string): boolean {
  if (server.flavour !== flavour) return false;
  const has = server.version.split(/[.-]/).map(Number);
  for (const [at, wanted] of version.split(".").map(Number).entries()) {
    const part = has[at] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
