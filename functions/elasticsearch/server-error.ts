// What a server's refusals and a connection's failures mean, in one place.
import * as z from "zod";
import { DatabaseRefusedError, DatabaseUnavailableError, HoldfastError } from "../../runner/errors.ts";

export interface ServerStatus {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** The answer's body. */
  readonly text: string;
  /** Of the endpoint. */
  readonly description: string;
}

/** An answer of the server that is an error, with what it says. */
export interface ServerFault {
  readonly status: number;
  /** "index_not_found_exception", of the innermost cause. */
  readonly type: string;
  /** What the server says of it; may quote names, never documents. */
  readonly message: string;
}

const cause = z.object({ type: z.string(), reason: z.string().nullish() });
const errorBody = z.object({ error: z.union([z.string(), cause.extend({ root_cause: z.array(cause).optional() })]) });

/** Reasons that time may heal before a run begins. */
export const UNREADY_REASONS: ReadonlySet<string> = new Set(["ConnectionFailed", "ServerBusy", "ClusterNotReady", "UnexpectedAnswer"]);

/** The error that a status other than success becomes; its `facts.server` is a `ServerFault`. */
export function translateStatus(answer: ServerStatus): HoldfastError {
  const fault = readFault(answer);
  const { description, method, path, status } = answer;
  const message = `${description} answers ${status} to ${method} ${path}: ${fault.message}`;
  const facts = { server: fault };
  if (status === 401)
    return new DatabaseRefusedError(`${description} does not accept the credentials`, {
      reason: "AuthenticationFailed",
      facts,
      hint: "Check the Secret: username and password (or ADMIN_USERNAME and ADMIN_PASSWORD), or apiKey",
    });
  if (status === 403 && fault.type !== "cluster_block_exception")
    return new DatabaseRefusedError(message, { reason: "PermissionDenied", facts });
  if (status === 429 || status === 502 || status === 503 || status === 504)
    return new DatabaseUnavailableError(message, { reason: "ServerBusy", facts });
  return new DatabaseRefusedError(message, { facts });
}

/** What the server said, if this is its refusal. */
export function faultOf(error: unknown): ServerFault | undefined {
  return error instanceof HoldfastError ? (error.facts.server as ServerFault | undefined) : undefined;
}

/** The error that a failed connection becomes; named errors pass through. */
export function translateConnectionError(error: unknown, description: string): unknown {
  if (error instanceof HoldfastError) return error;
  const code = error instanceof Error ? String(Reflect.get(error, "code") ?? "") : "";
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code))
    return new DatabaseRefusedError(`The certificate of ${description} is not trusted`, {
      cause: error,
      reason: "CertificateNotTrusted",
      hint: "Give its authority as the AppBinding's spec.clientConfig.caBundle, or with --ca-file",
    });
  return new DatabaseUnavailableError(`Cannot reach ${description}`, { cause: error, reason: "ConnectionFailed" });
}

function readFault({ status, text }: ServerStatus): ServerFault {
  try {
    const { error } = errorBody.parse(JSON.parse(text));
    if (typeof error === "string") return { status, type: "", message: error };
    const inner = error.root_cause?.[0] ?? error;
    return { status, type: inner.type, message: inner.reason ?? inner.type };
  } catch {
    // Proxies answer in HTML or not at all; their text may hold anything.
    return { status, type: "", message: "an answer without a reason" };
  }
}
