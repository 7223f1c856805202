import { ClusterUnavailableError, type HoldfastError } from "../errors.ts";
import type { ApiConnection } from "./api-connection.ts";
import type { Patience } from "./api-patience.ts";
import { type AskedAction, refusalOf } from "./api-refusal.ts";
import { type ApiAnswer, type ApiRequest, sendRequest } from "./api-request.ts";

export interface ApiClientOptions {
  readonly requestTimeoutMs?: number | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

const REQUEST_TIMEOUT_MS = 15_000;
const SHORTEST_TIMEOUT_MS = 1_000;

/** The outcome of one attempt. */
export type Attempt =
  | { readonly kind: "done"; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: "conflict" }
  /** 401, 403: true for good, or only while the server starts. */
  | { readonly kind: "refused"; readonly error: HoldfastError }
  /** Whether a write was carried out is not known. */
  | { readonly kind: "unavailable"; readonly cause: unknown; readonly retryAfterMs: number | undefined };

/** Requests to one API. */
export class ApiClient {
  readonly #connection: ApiConnection;
  readonly #options: ApiClientOptions;

  constructor(connection: ApiConnection, options: ApiClientOptions = {}) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Repeats until there is an answer or patience ends; `undefined` for a conflict (409). @throws as `refusalOf` and `Patience` do */
  async ask(request: ApiRequest, action: AskedAction, patience: Patience): Promise<Readonly<Record<string, unknown>> | undefined> {
    for (;;) {
      const attempt = await this.attempt(request, action, patience);
      if (attempt.kind === "done") return attempt.body;
      if (attempt.kind === "conflict") return undefined;
      await this.beforeNext(attempt, patience);
    }
  }

  /** Waits until the next attempt makes sense. @throws when there shall be none */
  async beforeNext(attempt: Exclude<Attempt, { kind: "done" | "conflict" }>, patience: Patience): Promise<void> {
    if (attempt.kind === "unavailable") return patience.pause(attempt.cause, attempt.retryAfterMs);
    await patience.doubt(attempt.error);
    // A token may have run out since it was read.
    if (attempt.error.reason === "Unauthorized") await this.#connection.renew();
  }

  /** Asks once. @throws as `refusalOf`, and the signal's reason */
  async attempt(request: ApiRequest, action: AskedAction, patience: Patience): Promise<Attempt> {
    try {
      const answer = await this.#send(request, patience);
      return this.#judge(answer, action);
    } catch (cause) {
      if (cause instanceof ClusterUnavailableError) return { kind: "unavailable", cause, retryAfterMs: undefined };
      throw cause;
    }
  }

  #send(request: ApiRequest, { signal, remainingMs }: Patience): Promise<ApiAnswer> {
    const longest = this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    const timeoutMs = Math.ceil(Math.max(SHORTEST_TIMEOUT_MS, Math.min(longest, remainingMs)));
    return sendRequest(this.#connection, request, { timeoutMs, signal });
  }

  #judge(answer: ApiAnswer, action: AskedAction): Attempt {
    const { status, body, retryAfterMs } = answer;
    if (answer.warning !== undefined) this.#options.warn?.(`The Kubernetes API warns of ${action.verb} ${action.label}: ${answer.warning}`);
    if (status >= 200 && status < 300) {
      if (isObject(body)) return { kind: "done", body };
      const cause = new ClusterUnavailableError(`What ${this.#connection.server.origin} answers is no object of the Kubernetes API`);
      return { kind: "unavailable", cause, retryAfterMs };
    }
    if (status === 409) return { kind: "conflict" };
    if (status === 408 || status === 429 || status >= 500) {
      const cause = new ClusterUnavailableError(`The Kubernetes API at ${this.#connection.server.origin} answers ${status}`);
      return { kind: "unavailable", cause, retryAfterMs };
    }
    const error = refusalOf(answer, action);
    if (status === 401 || status === 403) return { kind: "refused", error };
    throw error;
  }
}

function isObject(body: unknown): body is Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null && !Array.isArray(body);
}
