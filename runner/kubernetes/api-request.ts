import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { ClusterRefusedError, ClusterUnavailableError, HoldfastError, ParameterError } from "../errors.ts";
import { Redaction } from "../redaction.ts";
import { Secret } from "../secret.ts";
import { version } from "../version.ts";
import type { ApiConnection, ApiCredentials } from "./api-connection.ts";

export interface ApiRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** With the query, if any. */
  readonly path: string;
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON; undefined when it is none. */
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;
  /** What the server wants known although it obeyed. */
  readonly warning: string | undefined;
  /** How much later it is by the server's clock than by ours, to the second; undefined when it does not tell. */
  readonly aheadMs: number | undefined;
}

/** An answer whose body is yet to be read. */
export interface OpenAnswer extends Pick<ApiAnswer, "status" | "retryAfterMs" | "warning" | "aheadMs"> {
  readonly received: IncomingMessage;
  /** Removes from a text what a server or proxy saw of our credentials. */
  readonly redact: (text: string) => string;
}

export interface SendOptions {
  /** For the whole of it, credentials and body included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const agents = { "http:": new Agent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };

/**
 * One request, one answer, whatever its status. Errors name neither headers nor bodies.
 * @throws the signal's reason; ClusterUnavailableError for a network that failed or took too long; ClusterRefusedError for a certificate that does not hold
 */
export async function sendRequest(connection: ApiConnection, request: ApiRequest, options: SendOptions): Promise<ApiAnswer> {
  options.signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  try {
    return await Promise.race([exchange(connection, request, signal), rejectOn(signal)]);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof HoldfastError) throw error;
    if (timeout.aborted)
      throw new ClusterUnavailableError(`No answer from ${connection.server.origin} within ${options.timeoutMs / 1000} s`);
    throw translateFailure(error, connection.server);
  }
}

async function exchange(connection: ApiConnection, request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
  const { received, redact, ...answer } = await openAnswer(connection, request, signal);
  const answered = await text(received);
  // What is quoted in errors must not hold what a server or proxy saw of ours; an object itself stays as it is.
  return { ...answer, body: parseJson(answer.status < 400 ? answered : redact(answered)) };
}

/** Resolves with the head of the answer; the signal ends the body as well. Its errors are Node's own: `translateFailure` names them. */
export async function openAnswer(connection: ApiConnection, { method, path, body }: ApiRequest, signal: AbortSignal): Promise<OpenAnswer> {
  const { server } = connection;
  const { headers, ...credentials } = await connection.credentials();
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const redaction = redactionOf({ headers, ...credentials });
  const redact = (text: string) => redaction.redact(text);
  const answer = Promise.withResolvers<OpenAnswer>();
  const send = server.protocol === "https:" ? httpsRequest : httpRequest;
  const options = {
    agent: agents[server.protocol as keyof typeof agents],
    ...credentials,
    method,
    signal,
    headers: {
      ...headers,
      accept: "application/json",
      "user-agent": `holdfast/${version}`,
      ...(payload === undefined ? {} : { "content-type": "application/json", "content-length": payload.length }),
    },
  };
  const sent = send(`${server.href.replace(/\/$/, "")}${path}`, options, (received) => {
    answer.resolve({ ...readHead(received, redact), received, redact });
  });
  sent.on("error", answer.reject).end(payload);
  return answer.promise;
}

function readHead({ statusCode, headers }: IncomingMessage, redact: (text: string) => string): Omit<ApiAnswer, "body"> {
  const { "retry-after": retryAfter, warning, date } = headers;
  const ahead = Date.parse(date ?? "") - Date.now();
  return {
    status: statusCode ?? 0,
    retryAfterMs: /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : undefined,
    warning: warning === undefined ? undefined : redact(warning),
    aheadMs: Number.isNaN(ahead) ? undefined : ahead,
  };
}

/** Of what proves who we are. */
function redactionOf({ headers = {}, auth, passphrase }: ApiCredentials): Redaction {
  const redaction = new Redaction();
  const tokens = Object.entries(headers).flatMap(([name, value]) => (/^authorization$/i.test(name) ? String(value).split(" ") : []));
  for (const secret of [...tokens.slice(1), auth, passphrase]) if (typeof secret === "string") redaction.add(new Secret(secret));
  return redaction;
}

/** A credential plugin that hangs knows of no signal. */
function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

function parseJson(answered: string): unknown {
  try {
    return JSON.parse(answered);
  } catch {
    // Whether an answer may be without JSON is for its reader to say: a 404 of an unknown path is plain text.
    return undefined;
  }
}

/** The error for a request, or for the body of its answer, that failed on the way. */
export function translateFailure(error: unknown, server: URL): HoldfastError {
  const code = String((error as NodeJS.ErrnoException).code ?? "");
  if (code === "ERR_INVALID_CHAR")
    return new ParameterError("The credentials for the Kubernetes API hold characters that no header may hold");
  if (/CERT|^ERR_TLS|^ERR_OSSL|LEAF_SIGNATURE|INVALID_CA/.test(code)) {
    return new ClusterRefusedError(`The certificate of ${server.origin} does not hold (${code})`, {
      cause: error,
      hint: "Name the authority that signed it in the kubeconfig, or correct the server's address",
    });
  }
  return new ClusterUnavailableError(`Cannot reach the Kubernetes API at ${server.origin}`, { cause: error });
}
