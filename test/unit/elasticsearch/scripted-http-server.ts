// An HTTP server of a few lines, for answers that no real one would give.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { SearchEndpoint } from "../../../functions/elasticsearch/endpoint.ts";
import { SearchTransport, type TransportOptions } from "../../../functions/elasticsearch/transport.ts";
import { Secret } from "../../../runner/function.ts";

export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** Of the connection that it came by, from 1. */
  readonly connection: number;
  /** From 1. */
  readonly nth: number;
}

export interface ScriptedHttpServer extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** Ends all connections that no request is using. */
  closeIdleConnections(): void;
}

/** Answers each request, once its body is there, as the script does. */
export async function startScriptedHttp(script: (request: ReceivedRequest, response: ServerResponse) => void): Promise<ScriptedHttpServer> {
  const requests: ReceivedRequest[] = [];
  const connections = new Map<unknown, number>();
  const server = createServer({ keepAliveTimeout: 0 }, (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("error", () => response.destroy());
    incoming.on("end", () => {
      const { method = "", url = "", headers } = incoming;
      if (!connections.has(incoming.socket)) connections.set(incoming.socket, connections.size + 1);
      const place = { connection: connections.get(incoming.socket) as number, nth: requests.length + 1 };
      const request = { method, url, headers, body: Buffer.concat(chunks).toString(), ...place };
      requests.push(request);
      script(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    closeIdleConnections: () => server.closeIdleConnections(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json; charset=UTF-8", "content-length": Buffer.byteLength(text) }).end(text);
}

export function openTransport(
  port: number,
  options: Partial<TransportOptions> & { readonly endpoint?: Partial<SearchEndpoint> } = {},
): SearchTransport {
  const endpoint: SearchEndpoint = {
    description: `http://127.0.0.1:${port}`,
    origin: `http://127.0.0.1:${port}`,
    pathPrefix: "",
    tls: undefined,
    authorization: new Secret("Basic canary-1"),
    notices: [],
    ...options.endpoint,
  };
  return new SearchTransport(endpoint, { signal: new AbortController().signal, connections: 1, idleTimeoutMs: 5_000, ...options });
}
