import { ClusterRefusedError, ClusterUnavailableError, HoldfastError } from "../../runner/errors.ts";
import type { ApiConnection } from "../../runner/kubernetes/api-connection.ts";
import { type AskedAction, refusalOf } from "../../runner/kubernetes/api-refusal.ts";
import type { ApiAnswer } from "../../runner/kubernetes/api-request.ts";
import { GoneError } from "../objects-api.ts";

/** What the server says of a failure; all of it may be missing. */
export interface ApiStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly causes?: readonly { readonly reason?: string }[];
    readonly retryAfterSeconds?: number;
  };
}

export type Asked = Pick<ApiAnswer, "status" | "body" | "retryAfterMs">;

/** A body of the API's own way to say no; `undefined` for anything else, such as the plain text for an unknown path. */
export function apiStatusOf(body: unknown): ApiStatus | undefined {
  const isStatus = typeof body === "object" && body !== null && "kind" in body && body.kind === "Status";
  return isStatus ? (body as ApiStatus) : undefined;
}

/** Sends once more with new credentials when the server does not know who this is. */
export async function askAgainIfUnknown<T extends { readonly status: number }>(
  connection: ApiConnection,
  send: () => Promise<T>,
): Promise<T> {
  const answer = await send();
  if (answer.status !== 401) return answer;
  await connection.renew();
  return send();
}

/**
 * A server that has just started knows nobody's rights yet, and refuses everybody, even to say whether it is ready: its no counts once it says that, and is asked for once more.
 * @throws ClusterUnavailableError while it is not
 */
export async function askAgainIfRefused<T extends { readonly status: number }>(
  send: () => Promise<T>,
  readiness: () => Promise<{ readonly status: number }>,
): Promise<T> {
  const answer = await send();
  if (answer.status !== 403) return answer;
  const { status } = await readiness();
  if (status !== 200) throw new ClusterUnavailableError(`The Kubernetes API refuses what it may not know yet: it is not ready (${status})`);
  return send();
}

/** The error for an answer that is not what was asked for, and that its caller makes nothing else of. */
export function failureOf(answer: Asked, action: AskedAction, server: URL): Error {
  const { status, body } = answer;
  const told = apiStatusOf(body);
  if (status === 410) return new GoneError(told?.message ?? `The Kubernetes API answers 410 to ${action.verb} ${action.label}`);
  // A conflict that nobody waits for is one with another writer: worth another try.
  if (status === 408 || status === 409 || status === 429 || status >= 500 || status < 400) {
    const said = told?.message === undefined ? "" : `: ${told.message.slice(0, 1000)}`;
    const facts = answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs };
    return new ClusterUnavailableError(
      `The Kubernetes API at ${server.origin} answers ${status} to ${action.verb} ${action.label}${said}`,
      { facts },
    );
  }
  if (told?.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating")) {
    return new ClusterRefusedError(`Cannot ${action.verb} ${action.label}: its namespace is being deleted`, {
      reason: "NamespaceTerminating",
    });
  }
  const refusal = refusalOf(answer, action);
  // A missing object is for a runner a wrong parameter; here it is an answer of the API.
  if (refusal instanceof ClusterRefusedError) return refusal;
  const { message, hint, reason } = refusal;
  return new ClusterRefusedError(told?.message === undefined ? message : `${message}: ${told.message}`, {
    reason,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What credentials that cannot be had, or anything else that has no name, is to a caller: no answer. */
export function asUnavailable(error: unknown): Error {
  if (error instanceof ClusterUnavailableError || error instanceof ClusterRefusedError || error instanceof GoneError) return error;
  if (error instanceof HoldfastError)
    return new ClusterUnavailableError(error.message, { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) });
  return error instanceof Error ? error : new Error(String(error));
}
