import { Pool } from "undici";
import { DatabaseUnavailableError } from "../../runner/errors.ts";
import type { SearchEndpoint } from "./endpoint.ts";
import { formatExactJson, parseExactJson } from "./exact-json.ts";
import { translateConnectionError, translateStatus } from "./server-error.ts";

export interface SearchRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Starts with a slash; names in it are percent-encoded (`pathOf`). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** JSON of the value; bytes go as they are, as newline-delimited JSON. */
  readonly body?: unknown;
  /** Statuses beside 2xx that are answers, not errors. */
  readonly statuses?: readonly number[];
  /** How long the server may be silent, before and within its answer; the transport's own when absent. */
  readonly idleTimeoutMs?: number;
}

export interface SearchAnswer {
  readonly status: number;
  /** As `parseExactJson` reads it; undefined when the body is empty. */
  readonly json: unknown;
}

export interface TransportOptions {
  readonly signal: AbortSignal;
  readonly connections: number;
  readonly idleTimeoutMs: number;
}

/**
 * Requests to one server or load balancer. Never retried here: whoever knows what a repetition means does it. Failures are translated: see
 * server-error.ts. The run's signal ends all requests.
 */
export class SearchTransport implements AsyncDisposable {
  readonly description: string;
  readonly #endpoint: SearchEndpoint;
  readonly #pool: Pool;
  readonly #signal: AbortSignal;
  readonly #options: TransportOptions;
  readonly #ownsPool: boolean;

  /** `pool`: of another transport to the same endpoint, which closes it. */
  constructor(endpoint: SearchEndpoint, options: TransportOptions, pool?: Pool) {
    this.description = endpoint.description;
    this.#endpoint = endpoint;
    this.#options = options;
    this.#signal = options.signal;
    this.#ownsPool = pool === undefined;
    this.#pool = pool ?? openPool(endpoint, options);
  }

  /**
   * The same connections for work that has to be done although the run was stopped, such as closing cursors: requests end after these
   * milliseconds, counted from now, and not with the run. To be used before this transport is disposed of; needs no disposal itself.
   */
  forCleanUp(milliseconds: number): SearchTransport {
    const ending = new AbortController();
    const late = () =>
      ending.abort(new DatabaseUnavailableError(`${this.description} did not answer while cleaning up`, { reason: "ServerSilent" }));
    setTimeout(late, milliseconds).unref();
    return new SearchTransport(this.#endpoint, { ...this.#options, signal: ending.signal }, this.#pool);
  }

  /** The answer as JSON. @throws HoldfastError by cause: unavailable, refused, and for statuses other than those allowed */
  async json(request: SearchRequest): Promise<SearchAnswer> {
    const chunks: Uint8Array[] = [];
    const status = await this.bytes(request, (chunk) => chunks.push(Buffer.from(chunk)));
    const text = Buffer.concat(chunks).toString("utf8");
    return { status, json: text === "" ? undefined : this.#parse(text, request) };
  }

  /** Hands the answer's body on in pieces, which are the callee's only during the call; errors' bodies never. Resolves with the status at the body's end. */
  async bytes(request: SearchRequest, onChunk: (chunk: Uint8Array) => void): Promise<number> {
    this.#signal.throwIfAborted();
    const { method, path, query = {}, body, statuses = [], idleTimeoutMs } = request;
    const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
    const isRaw = body instanceof Uint8Array;
    const { authorization, pathPrefix } = this.#endpoint;
    try {
      const answer = await this.#pool.request({
        method,
        path: `${pathPrefix}${path}${search === "" ? "" : `?${search}`}`,
        headers: {
          accept: "application/json",
          ...(authorization === undefined ? {} : { authorization: authorization.reveal() }),
          ...(body === undefined ? {} : { "content-type": isRaw ? "application/x-ndjson" : "application/json" }),
        },
        body: body === undefined ? null : isRaw ? body : formatExactJson(body),
        signal: this.#signal,
        ...(idleTimeoutMs === undefined ? {} : { headersTimeout: idleTimeoutMs, bodyTimeout: idleTimeoutMs }),
      });
      if (answer.statusCode < 300 || statuses.includes(answer.statusCode)) {
        for await (const chunk of answer.body) onChunk(chunk as Uint8Array);
        return answer.statusCode;
      }
      const text = await answer.body.text();
      throw translateStatus({ method, path, status: answer.statusCode, text, description: this.description });
    } catch (error) {
      this.#signal.throwIfAborted();
      throw translateConnectionError(error, this.description);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ownsPool) await this.#pool.destroy();
  }

  #parse(text: string, { method, path }: SearchRequest): unknown {
    try {
      return parseExactJson(text);
    } catch (cause) {
      throw new DatabaseUnavailableError(`The answer of ${this.description} to ${method} ${path} is no JSON`, {
        cause,
        reason: "UnexpectedAnswer",
        hint: "Is this the address of an Elasticsearch or OpenSearch, and not of a proxy before it?",
      });
    }
  }
}

function openPool(endpoint: SearchEndpoint, { connections, idleTimeoutMs }: TransportOptions): Pool {
  return new Pool(endpoint.origin, {
    connections,
    pipelining: 1,
    headersTimeout: idleTimeoutMs,
    bodyTimeout: idleTimeoutMs,
    ...(endpoint.tls === undefined ? {} : { connect: endpoint.tls }),
  });
}

/** A path of names, each percent-encoded: `pathOf("my index", "_settings")`. Several names go as one, joined by commas. */
export function pathOf(...parts: readonly (string | readonly string[])[]): string {
  return parts.map((part) => `/${(typeof part === "string" ? [part] : part).map(encodeURIComponent).join(",")}`).join("");
}
