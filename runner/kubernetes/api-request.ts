import { Agent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { ClusterRefusedError, ClusterUnavailableError, HoldfastError, ParameterError } from "../errors.ts";
import { Redaction } from "../redaction.ts";
import { Secret } from "../secret.ts";
import { version } from "../version.ts";
import type { ApiConnection, ApiCredentials } from "./api-connection.ts";

export interface ApiRequest {
  readonly method: "GET" | "PUT" | "POST";
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
    throw translate(error, connection.server);
  }
}

async function exchange(connection: ApiConnection, { method, path, body }: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
  const { server } = connection;
  const { headers, ...credentials } = await connection.credentials();
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const redaction = redactionOf({ headers, ...credentials });
  const answer = Promise.withResolvers<ApiAnswer>();
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
    const { "retry-after": retryAfter, warning } = received.headers;
    const status = received.statusCode ?? 0;
    text(received).then((answered) => {
      const retryAfterMs = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : undefined;
      // What is quoted in errors must not hold what a server or proxy saw of ours; an object itself stays as it is.
      const body = parseJson(status < 400 ? answered : redaction.redact(answered));
      answer.resolve({ status, body, retryAfterMs, warning: warning === undefined ? undefined : redaction.redact(warning) });
    }, answer.reject);
  });
  sent.once("error", answer.reject).end(payload);
  return answer.promise;
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

function translate(error: unknown, server: URL): HoldfastError {
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
