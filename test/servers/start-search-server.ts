import { isAlive, type JavaProcess, type JavaProcessOptions, killJava, outputOf, spawnJava, stopJava } from "./java-server.ts";
import { askServer, type SearchEndpoint, type SearchServer } from "./search-server.ts";

export interface StartOptions extends JavaProcessOptions, Omit<SearchEndpoint, "url"> {
  readonly ports: readonly number[];
  /** Unlike any other on this machine: what answers under another name is not ours. */
  readonly clusterName: string;
  /** Asked once it is ready; default the process that was started. */
  readonly pid?: () => Promise<number>;
}

/** All that another process needs in order to use the server, as JSON. */
export interface RecordedServer extends SearchEndpoint {
  readonly group: number;
  readonly pid: number;
  readonly ports: readonly number[];
  readonly directory: string;
  readonly clusterName: string;
}

// A cold start beside other work, on a small machine.
const START_TIMEOUT_MS = 180_000;

/** Starts the program and resolves when all its nodes answer and the cluster is at least yellow; rejects with its output otherwise. */
export async function startSearchServer(program: string, options: StartOptions): Promise<SearchServer & RecordedServer> {
  const { distribution, version, ports, ca, credentials, clusterName, directory } = options;
  const java = await spawnJava(program, options);
  const url = urlOf(ports[0] as number, ca);
  const endpoint = { url, distribution, version, ca, credentials };
  try {
    await waitUntilReady(endpoint, { ...options, ...java });
    const pid = options.pid === undefined ? java.group : await options.pid();
    return serverOf({ ...endpoint, group: java.group, pid, ports, directory, clusterName });
  } catch (error) {
    await killJava(java);
    throw new Error(`${distribution} ${version} did not start: ${outputOf(java)}`, { cause: error });
  }
}

async function waitUntilReady(endpoint: SearchEndpoint, server: ServerFacts & JavaProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isReady(endpoint, server))) {
    if (!isAlive(server)) throw new Error("It ended");
    if (Date.now() > deadline) throw new Error(`It was not ready after ${START_TIMEOUT_MS / 1000} seconds`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The server as a value with its methods; `ending` is what disposing of it does, stopping it when absent. */
export function serverOf(record: RecordedServer, ending?: () => Promise<void>): SearchServer & RecordedServer {
  return {
    ...record,
    port: record.ports[0] as number,
    output: () => outputOf(record),
    kill: () => killJava(record),
    [Symbol.asyncDispose]: ending ?? (() => stopJava(record)),
  };
}

/** Whether the recorded server is alive and answers under its own name. */
export async function isUsable(record: RecordedServer): Promise<boolean> {
  return isAlive(record) && (await isReady(record, record).catch(() => false));
}

function urlOf(port: number, ca: string | undefined): string {
  return `${ca === undefined ? "http" : "https"}://127.0.0.1:${port}`;
}

type ServerFacts = Pick<StartOptions, "clusterName" | "ports">;

async function isReady(endpoint: SearchEndpoint, facts: ServerFacts): Promise<boolean> {
  const wanted = `wait_for_status=yellow&wait_for_nodes=${facts.ports.length}`;
  for (const port of facts.ports) {
    const node = { ...endpoint, url: urlOf(port, endpoint.ca) };
    const answer = await askServer(node, `GET /_cluster/health?timeout=1s&${wanted}`).catch(() => undefined);
    if (answer?.status !== 200) return false;
    const health = JSON.parse(answer.body.toString()) as { cluster_name: string; timed_out: boolean };
    if (health.cluster_name !== facts.clusterName) throw new Error(`Port ${port} belongs to the cluster "${health.cluster_name}"`);
    if (health.timed_out) return false;
  }
  return true;
}
