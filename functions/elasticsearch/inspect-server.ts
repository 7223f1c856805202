import * as z from "zod";
import { DatabaseRefusedError, DatabaseUnavailableError } from "../../runner/errors.ts";
import { readAnswer } from "./read-answer.ts";
import type { SearchAnswer, SearchRequest, SearchTransport } from "./transport.ts";

export interface SearchServer {
  readonly flavour: "elasticsearch" | "opensearch";
  /** "8.19.4"; of several nodes' versions the lowest, as far as they can be told. */
  readonly version: string;
  readonly id: string;
  readonly clusterName: string;
  readonly dataNodes: number;
}

export interface InspectOptions {
  /** The transport's own when absent. */
  readonly idleTimeoutMs?: number;
}

const rootSchema = z.object({
  cluster_name: z.string().optional(),
  cluster_uuid: z.string().optional(),
  tagline: z.string().optional(),
  version: z.object({ number: z.string(), distribution: z.string().optional(), build_flavor: z.string().optional() }),
});
const nodesSchema = z.object({ nodes: z.record(z.string(), z.object({ version: z.string() })) });
const stateSchema = z.object({ cluster_uuid: z.string() });
const healthSchema = z.object({ cluster_name: z.string(), number_of_data_nodes: z.number() });

/** What OpenSearch calls itself so that older clients of Elasticsearch work. */
const COMPATIBLE_VERSION = "7.10.2";
const OLDEST_ELASTICSEARCH = "7.0";
/** How servers and managed services say that they have no such API, or not for this user. */
const ABSENT = [400, 403, 404, 405, 410, 500];
/** In place of an identifier, until the cluster has one. */
const NO_ID = "_na_";

/**
 * Asks the server what it is; needs the cluster's privilege "monitor". @throws DatabaseRefusedError when it is neither of the two, or one that
 * cannot be backed up; DatabaseUnavailableError "ClusterNotReady" when it has not formed a cluster yet
 */
export async function inspectServer(transport: SearchTransport, { idleTimeoutMs }: InspectOptions = {}): Promise<SearchServer> {
  const get = (path: string, parts: Pick<SearchRequest, "query" | "statuses"> = {}) =>
    transport.json({ method: "GET", path, ...parts, ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }) });
  const answer = await get("/", { statuses: [404, 405] });
  const root = answer.status === 200 ? rootSchema.safeParse(answer.json).data : undefined;
  if (root?.version.build_flavor === "serverless")
    throw new DatabaseRefusedError(`${transport.description} is a serverless Elasticsearch, which does not tell its shards`, {
      reason: "NotSupported",
      hint: "Backups prove that every shard was read in full; without shards there is no such proof",
    });
  // Also for the versions of all nodes: during a rolling upgrade, the node that answers may be newer than others.
  const statuses = root === undefined ? ABSENT.filter((status) => status !== 403) : ABSENT;
  const nodes = await get("/_nodes", { query: { filter_path: "nodes.*.version" }, statuses });
  const versions =
    nodes.status === 200 ? Object.values(nodesSchema.safeParse(nodes.json).data?.nodes ?? {}).map((node) => node.version) : [];
  const [version] = [...versions].sort(compareVersions);
  const flavour = root === undefined ? "elasticsearch" : flavourOf(root);
  const judged = {
    flavour,
    version: judgeVersion(transport.description, { flavour, told: root?.version.number, lowest: version }),
  } as const;
  const health = readAnswer(healthSchema, await get("/_cluster/health"), { transport, request: "GET /_cluster/health" });
  // Some distributions do not answer GET /.
  const id = root?.cluster_uuid ?? (await readId(transport, get));
  if (id === NO_ID)
    throw new DatabaseUnavailableError(`${transport.description} has not formed a cluster yet`, { reason: "ClusterNotReady" });
  return { ...judged, id, clusterName: health.cluster_name, dataNodes: health.number_of_data_nodes };
}

/** Whether the server is of this flavour and at least of this version: `isAtLeast(server, "elasticsearch", "8.19")`. */
export function isAtLeast(server: Pick<SearchServer, "flavour" | "version">, flavour: SearchServer["flavour"], version: string): boolean {
  return server.flavour === flavour && compareVersions(server.version, version) >= 0;
}

function flavourOf({ version, tagline }: z.infer<typeof rootSchema>): SearchServer["flavour"] {
  return version.distribution === "opensearch" || tagline?.includes("OpenSearch") ? "opensearch" : "elasticsearch";
}

interface ToldVersions {
  readonly flavour: SearchServer["flavour"];
  /** By the server's front page. */
  readonly told: string | undefined;
  /** Of the nodes. */
  readonly lowest: string | undefined;
}

function judgeVersion(description: string, { flavour, told, lowest }: ToldVersions): string {
  const version = lowest ?? told;
  if (version === undefined)
    throw new DatabaseRefusedError(`${description} is neither Elasticsearch nor OpenSearch, or tells this user no version`, {
      reason: "NotASearchServer",
      hint: 'Check the address, and that the user has the cluster privilege "monitor"',
    });
  if (flavour === "opensearch" && version === COMPATIBLE_VERSION)
    throw new DatabaseRefusedError(`${description} is an OpenSearch that calls itself ${version} for compatibility`, {
      reason: "VersionHidden",
      hint: "Let the user read GET /_nodes, or switch compatibility.override_main_response_version off",
    });
  if (flavour === "elasticsearch" && compareVersions(version, OLDEST_ELASTICSEARCH) < 0)
    throw new DatabaseRefusedError(
      `${description} is Elasticsearch ${version}: ${OLDEST_ELASTICSEARCH} is the oldest that can be backed up`,
      {
        reason: "NotSupported",
      },
    );
  return version;
}

async function readId(
  transport: SearchTransport,
  get: (path: string, parts: Pick<SearchRequest, "query">) => Promise<SearchAnswer>,
): Promise<string> {
  const path = "/_cluster/state/version";
  const answer = await get(path, { query: { filter_path: "cluster_uuid" } });
  return readAnswer(stateSchema, answer, { transport, request: `GET ${path}` }).cluster_uuid;
}

function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => text.split(/[.-]/).map(Number)) as [number[], number[]];
  for (let at = 0; at < 3; at += 1) {
    const [mine, other] = [a[at] || 0, b[at] || 0];
    if (mine !== other) return mine - other;
  }
  return 0;
}
