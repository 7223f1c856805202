// A search server is a real Elasticsearch or OpenSearch; an endpoint is all that one must know to speak with it.
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

export interface SearchCredentials {
  readonly username: string;
  readonly password: string;
}

export interface SearchEndpoint {
  /** Without a slash at its end. */
  readonly url: string;
  readonly version: string;
  readonly distribution: "elasticsearch" | "opensearch";
  /** The authority that signed its certificate, as PEM; undefined without TLS. */
  readonly ca: string | undefined;
  readonly credentials: SearchCredentials | undefined;
}

/** Disposing of it stops it, unless it is one of a pool. */
export interface SearchServer extends SearchEndpoint, AsyncDisposable {
  readonly port: number;
  /** One port a node, `port` first. */
  readonly ports: readonly number[];
  /** The Java process that holds all nodes; that which a benchmark measures. */
  readonly pid: number;
  /** Data, settings and logs. */
  readonly directory: string;
  /** The last 64 kB that it printed. */
  readonly output: () => string;
  /** SIGKILL, as a crash; resolves when it is gone. Never call it on a server of a pool. */
  kill(): Promise<void>;
}

export interface SearchAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** One request, its answer whole and unparsed. A body is JSON, or newline-delimited JSON when the path ends with `_bulk`. Rejects only when there is no answer. */
export function askServer(endpoint: SearchEndpoint, request: string, body?: string | Buffer): Promise<SearchAnswer> {
  const [method, path] = request.split(" ") as [string, string];
  const { ca, credentials } = endpoint;
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const headers: Record<string, string> = {};
  if (bytes !== undefined) {
    headers["content-type"] = /\/_bulk(\?|$)/.test(path) ? "application/x-ndjson" : "application/json";
    // Set by hand: node:http leaves it out of DELETE.
    headers["content-length"] = String(bytes.length);
  }
  const auth = credentials === undefined ? {} : { auth: `${credentials.username}:${credentials.password}` };
  const send = endpoint.url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = send(`${endpoint.url}${path}`, { method, headers, ...auth, ...(ca === undefined ? {} : { ca }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    sent.on("error", reject);
    sent.end(bytes);
  });
}

/** As askServer, for requests that must succeed: rejects with the answer's text on any status but 2xx. */
export async function askServerOk(endpoint: SearchEndpoint, request: string, body?: string | Buffer): Promise<Buffer> {
  const answer = await askServer(endpoint, request, body);
  if (answer.status < 200 || answer.status > 299)
    throw new Error(`${request} was answered with ${answer.status}: ${answer.body.toString().slice(0, 2_000)}`);
  return answer.body;
}
