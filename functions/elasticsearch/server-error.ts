// What a server's refusals and a connection's failures mean, in one place.
import * as z from "zod";
import { DatabaseRefusedError, DatabaseUnavailableError, type ErrorOptions, HoldfastError } from "../../runner/errors.ts";
import { explainRights } from "./explain-rights.ts";
import { translateTlsError } from "./tls-error.ts";

export interface ServerStatus {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** The answer's body. */
  readonly text: string;
  /** Of the endpoint. */
  readonly description: string;
  /** Whether the request carried none: a 401 then means something else. */
  readonly isAnonymous?: boolean;
}

/** An answer of the server that is an error, with what it says. */
export interface ServerFault {
  readonly status: number;
  /** "index_not_found_exception", of the innermost cause; "" when the server names none. */
  readonly type: string;
  /** What the server says of it, at most 300 characters: it may quote names, and of a document that it refuses a value. */
  readonly message: string;
}

const MOST_MESSAGE_CHARACTERS = 300;

const cause = z.object({ type: z.string(), reason: z.string().nullish() });
const errorBody = z.object({ error: z.union([z.string(), cause.extend({ root_cause: z.array(cause).optional() })]) });
/** As proxies and managed services write it. */
const messageBody = z.union([
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ Message: z.string() }).transform(({ Message }) => Message),
]);

/** Reasons that time may heal before a run begins. */
export const UNREADY_REASONS: ReadonlySet<string> = new Set([
  "DatabaseUnreachable",
  "DatabaseBusy",
  "ServerSilent",
  "ClusterNotReady",
  "UnexpectedAnswer",
]);

const NOT_READY =
  /^(master_not_discovered|cluster_manager_not_discovered|no_shard_available_action|unavailable_shards|not_master)_exception$/;

/** The error that a status other than success becomes; its `facts.server` is a `ServerFault`. */
export function translateStatus(answer: ServerStatus): HoldfastError {
  const { description, method, path, status } = answer;
  const { type, reason } = readReason(answer.text);
  const fault: ServerFault = { status, type, message: shorten(reason) };
  const message = `${description} answers ${status} to ${method} ${shorten(path)}: ${fault.message}`;
  const facts = { server: fault };
  if (status === 401) return translateUnauthenticated(answer, facts);
  if (type === "cluster_block_exception") return translateBlock(message, { status, facts });
  if (status === 403) {
    const hint = explainRights(reason) ?? "Give the user more rights: which ones are needed, the README of functions/elasticsearch says";
    return new DatabaseRefusedError(message, { reason: "PermissionDenied", facts, hint });
  }
  if (status >= 300 && status < 400)
    return new DatabaseRefusedError(`${description} sends ${method} ${shorten(path)} elsewhere (${status}), which is not followed`, {
      reason: "Redirected",
      facts,
      hint: "Give the address that it redirects to, if that is the database: credentials are sent nowhere else",
    });
  if (status === 503 && NOT_READY.test(type)) return new DatabaseUnavailableError(message, { reason: "ClusterNotReady", facts });
  if (status === 429 || status === 502 || status === 503 || status === 504)
    return new DatabaseUnavailableError(message, { reason: "DatabaseBusy", facts });
  // 408, and 5xx without a fault of the server's own, come from whatever stands before it.
  if (status === 408 || (status >= 500 && type === "")) return new DatabaseUnavailableError(message, { reason: "UnexpectedAnswer", facts });
  if (status === 413 || status === 414 || type === "too_long_http_line_exception" || type === "too_long_frame_exception")
    return new DatabaseRefusedError(message, { reason: "RequestTooLarge", facts });
  return new DatabaseRefusedError(message, { facts });
}

/** What the server said, if this is its refusal. */
export function faultOf(error: unknown): ServerFault | undefined {
  return error instanceof HoldfastError ? (error.facts.server as ServerFault | undefined) : undefined;
}

const CONNECTION_FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the server",
  EPIPE: "connection closed by the server",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "the network is unreachable",
  ETIMEDOUT: "no answer in time",
  EAI_AGAIN: "the name cannot be resolved at the moment",
  ENOTFOUND: "the name does not exist",
  UND_ERR_CONNECT_TIMEOUT: "no connection in time",
  UND_ERR_SOCKET: "the server closed the connection before its answer was complete",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the answer is shorter or longer than the server said",
};

/** The error that a failed connection becomes; named errors and defects of ours pass through. `hintIfClosed` is for connections that were closed. */
export function translateConnectionError(error: unknown, description: string, hintIfClosed?: string): unknown {
  if (error instanceof HoldfastError) return error;
  const code = codeOf(error);
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT")
    return new DatabaseUnavailableError(`${description} fell silent in the middle of a request`, {
      cause: error,
      reason: "ServerSilent",
      hint: "--es-idle-timeout says how long that may take",
    });
  if (isUnreadable(error) || code === "UND_ERR_HEADERS_OVERFLOW")
    return new DatabaseUnavailableError(`${description} does not answer in HTTP`, {
      cause: error,
      reason: "UnexpectedAnswer",
      hint: "Does this port speak TLS? Then the scheme is https",
    });
  const failure = CONNECTION_FAILURES[code];
  if (failure !== undefined) {
    const hint = hintIfClosed !== undefined && wasConnectionClosed(error) ? { hint: hintIfClosed } : {};
    return new DatabaseUnavailableError(`Cannot reach ${description}: ${failure}`, {
      cause: error,
      reason: "DatabaseUnreachable",
      ...hint,
    });
  }
  const ofTls = translateTlsError(error, { code, description });
  if (ofTls !== undefined) return ofTls;
  // Another code of the operating system's is the network's; what has no such code is a defect of ours and must not look like a bad network.
  if (/^E[A-Z0-9]+$/.test(code))
    return new DatabaseUnavailableError(`Cannot reach ${description}`, { cause: error, reason: "DatabaseUnreachable" });
  return error;
}

/** Whether the connection ended without saying why; the server may have got the request or not. */
export function wasConnectionClosed(error: unknown): boolean {
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(codeOf(error));
}

function translateUnauthenticated({ description, isAnonymous }: ServerStatus, facts: ErrorOptions["facts"] & object): HoldfastError {
  if (isAnonymous === true)
    return new DatabaseRefusedError(`${description} demands credentials and none are given`, {
      reason: "AuthenticationRequired",
      facts,
      hint: 'Name a Secret in the AppBinding\'s spec.secret, with "username" and "password" or with "apiKey"',
    });
  return new DatabaseRefusedError(`${description} does not accept the credentials`, {
    reason: "WrongCredentials",
    facts,
    hint: 'Check the Secret: "username" and "password" ("ADMIN_USERNAME" and "ADMIN_PASSWORD"), or "apiKey"',
  });
}

/** A cluster without its state is on its way up; any other block was set by somebody, or by a full disk. */
function translateBlock(
  message: string,
  { status, facts }: { readonly status: number; readonly facts: ErrorOptions["facts"] & object },
): HoldfastError {
  if (status === 503) return new DatabaseUnavailableError(message, { reason: "ClusterNotReady", facts });
  return new DatabaseRefusedError(message, {
    reason: "IndexBlocked",
    facts,
    hint: "Free disk space, or take the block away: index.blocks.* of the index, cluster.blocks.* of the cluster",
  });
}

function readReason(text: string): { readonly type: string; readonly reason: string } {
  const json = parseJson(text);
  const body = errorBody.safeParse(json);
  if (body.success) {
    const { error } = body.data;
    if (typeof error === "string") return { type: "", reason: error };
    const inner = error.root_cause?.[0] ?? error;
    return { type: inner.type, reason: inner.reason ?? inner.type };
  }
  const message = messageBody.safeParse(json);
  // Proxies answer in HTML or not at all; their text may hold anything.
  return { type: "", reason: message.success ? message.data : "an answer without a reason" };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > MOST_MESSAGE_CHARACTERS ? `${line.slice(0, MOST_MESSAGE_CHARACTERS)}…` : line;
}

/** The HTTP parser's errors do not all have codes. */
function isUnreadable(error: unknown): boolean {
  return Error.isError(error) && (error.name === "HTTPParserError" || codeOf(error).startsWith("HPE_"));
}

/** Attempts on several addresses arrive as one error, which may carry the code of the first. */
function codeOf(error: unknown): string {
  if (!Error.isError(error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return "errors" in error && Array.isArray(error.errors) ? codeOf(error.errors[0]) : "";
}
