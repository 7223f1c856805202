import { type Dispatcher, Pool } from "undici";
import { DatabaseUnavailableError, type ErrorOptions } from "../../runner/errors.ts";
import type { SearchEndpoint } from "./endpoint.ts";
import { formatExactJson, parseExactJson } from "./exact-json.ts";
import { translateConnectionError, translateStatus, wasConnectionClosed } from "./server-error.ts";

export interface SearchRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Starts with a slash; names in it are percent-encoded (`pathOf`). */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** JSON of the value; bytes go as they are, as newline-delimited JSON, and must not change until the answer is there. */
  readonly body?: unknown;
  /** Statuses beside 2xx that are answers, not errors. */
  readonly statuses?: readonly number[];
  /** How long the server may be silent, before and within its answer; the transport's own when absent. */
  readonly idleTimeoutMs?: number;
  /**
   * Whether it may reach the server twice: it is then sent once more when the connection ends before an answer begins, as happens to idle ones.
   * By default GET and HEAD.
   */
  readonly isRepeatable?: boolean;
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
  /** Longer answers in JSON are refused; 256 MiB when absent. */
  readonly mostJsonBytes?: number;
}

/**
 * Requests to one server or load balancer. Not retried here (see `isRepeatable` for the one exception): whoever knows what a repetition means
 * does it. Failures are translated: see server-error.ts. Redirects are not followed. The run's signal ends all requests.
 */
export class SearchTransport implements AsyncDisposable {
  readonly description: string;
  readonly idleTimeoutMs: number;
  readonly #endpoint: SearchEndpoint;
  readonly #pool: Pool;
  readonly #signal: AbortSignal;
  readonly #options: TransportOptions;
  readonly #ownsPool: boolean;
  #hasAnswered = false;

  /** `pool`: of another transport to the same endpoint, which closes it. */
  constructor(endpoint: SearchEndpoint, options: TransportOptions, pool?: Pool) {
    this.description = endpoint.description;
    this.idleTimeoutMs = options.idleTimeoutMs;
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
    const most = this.#options.mostJsonBytes ?? MOST_JSON_BYTES;
    let size = 0;
    const status = await this.bytes(request, (chunk) => {
      size += chunk.length;
      if (size > most) throw this.#unexpected(request, `is larger than ${most} bytes`, { reason: "AnswerTooLarge" });
      chunks.push(Buffer.from(chunk));
    });
    const text = Buffer.concat(chunks).toString("utf8");
    return { status, json: text === "" ? undefined : this.#parse(text, request) };
  }

  /**
   * Hands the answer's body on in pieces, which are the callee's only during the call; errors' bodies never. Resolves with the status at the
   * body's end, and rejects when the body is cut. What `onChunk` throws ends the request and is thrown as it is.
   */
  async bytes(request: SearchRequest, onChunk: (chunk: Uint8Array) => void): Promise<number> {
    const answer = await this.#send(request);
    const { statusCode: status, headers } = answer;
    if ((status >= 200 && status < 300) || request.statuses?.includes(status)) {
      try {
        this.#assertJson(request, headers);
      } catch (error) {
        // Its own abort is no error any more.
        answer.body.on("error", () => {}).destroy();
        throw error;
      }
      for await (const chunk of this.#chunksOf(answer.body)) onChunk(chunk);
      return status;
    }
    const { method, path } = request;
    const text = await this.#readRefusal(answer.body);
    const isAnonymous = this.#endpoint.authorization === undefined;
    throw translateStatus({ method, path, status, text, description: this.description, isAnonymous });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ownsPool) await this.#pool.destroy();
  }

  /** Resolves when the answer's head is there. */
  async #send(request: SearchRequest): Promise<Dispatcher.ResponseData> {
    const { method, path, query = {}, body, idleTimeoutMs, isRepeatable = method === "GET" || method === "HEAD" } = request;
    const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
    const isRaw = body instanceof Uint8Array;
    const { authorization, pathPrefix } = this.#endpoint;
    for (let attempt = 1; ; attempt += 1) {
      this.#signal.throwIfAborted();
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
        this.#hasAnswered = true;
        return answer;
      } catch (error) {
        this.#signal.throwIfAborted();
        // The server may have closed an idle connection just when the request was on its way.
        if (attempt > 1 || !isRepeatable || !wasConnectionClosed(error))
          throw translateConnectionError(error, this.description, this.#hasAnswered ? undefined : this.#hint());
      }
    }
  }

  /** What may be wrong with a server that has closed every connection so far. */
  #hint(): string {
    return this.#endpoint.tls === undefined
      ? "Does this port speak TLS? Then the scheme is https"
      : "Does the server demand a client certificate? It is given by the Secret of the AppBinding's spec.tlsSecret, or by --tls-cert and --tls-key";
  }

  async *#chunksOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw translateConnectionError(error, this.description);
    }
  }

  /** A refusal's text, as much of it as is sensible. */
  async #readRefusal(body: AsyncIterable<Uint8Array>): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.#chunksOf(body)) {
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (size > MOST_REFUSAL_BYTES) break;
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  /** A proxy's page in HTML, or bytes that are compressed although nobody asked for it, must never be taken for an answer. */
  #assertJson(request: SearchRequest, headers: Dispatcher.ResponseData["headers"]): void {
    const encoding = headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") throw this.#unexpected(request, `is encoded as ${encoding}`);
    const type = headers["content-type"];
    const hasBody = headers["content-length"] !== "0" && request.method !== "HEAD";
    if (hasBody && type !== undefined && !String(type).includes("json")) throw this.#unexpected(request, `is ${type}, no JSON`);
  }

  #parse(text: string, request: SearchRequest): unknown {
    try {
      return parseExactJson(text);
    } catch (cause) {
      throw this.#unexpected(request, "is no JSON", { cause });
    }
  }

  #unexpected({ method, path }: SearchRequest, fault: string, options: ErrorOptions = {}): DatabaseUnavailableError {
    return new DatabaseUnavailableError(`The answer of ${this.description} to ${method} ${path} ${fault}`, {
      reason: "UnexpectedAnswer",
      hint: "Is this the address of an Elasticsearch or OpenSearch, and not of a proxy before it?",
      ...options,
    });
  }
}

/** Below what strings can hold; catalogs of thousands of indices take tens. */
const MOST_JSON_BYTES = 256 * 2 ** 20;
const MOST_REFUSAL_BYTES = 4 * 2 ** 20;
/** Servers warn in headers, once for each deprecated thing. */
const MOST_HEADER_BYTES = 2 ** 20;
/** Load balancers and proxies close idle connections; the shortest of their usual times is five seconds. */
const IDLE_CONNECTION_MS = 4_000;
const CONNECT_TIMEOUT_MS = 10_000;

function openPool(endpoint: SearchEndpoint, { connections, idleTimeoutMs }: TransportOptions): Pool {
  return new Pool(endpoint.origin, {
    connections,
    pipelining: 1,
    // Never tried here, and some load balancers would choose it.
    allowH2: false,
    headersTimeout: idleTimeoutMs,
    bodyTimeout: idleTimeoutMs,
    connectTimeout: Math.min(CONNECT_TIMEOUT_MS, idleTimeoutMs),
    keepAliveTimeout: IDLE_CONNECTION_MS,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    maxHeaderSize: MOST_HEADER_BYTES,
    ...(endpoint.tls === undefined ? {} : { connect: endpoint.tls }),
  });
}

/** A path of names, each percent-encoded: `pathOf("my index", "_settings")`. Several names go as one, joined by commas. */
export function pathOf(...parts: readonly (string | readonly string[])[]): string {
  return parts.map((part) => `/${(typeof part === "string" ? [part] : part).map(encodeURIComponent).join(",")}`).join("");
}
