import { ClusterUnavailableError, HoldfastError } from "../../runner/errors.ts";
import type { ApiConnection } from "../../runner/kubernetes/api-connection.ts";
import type { AskedAction } from "../../runner/kubernetes/api-refusal.ts";
import { type OpenAnswer, openAnswer, translateFailure } from "../../runner/kubernetes/api-request.ts";
import { GoneError, type WatchEvent } from "../objects-api.ts";
import { askAgainIfUnknown, asUnavailable, failureOf } from "./ask-api.ts";
import { LinkedAbort } from "./linked-abort.ts";
import { parseWatchEvent } from "./watch-event.ts";
import { readLines } from "./watch-lines.ts";

export interface ServerWatch {
  readonly path: string;
  readonly action: AskedAction;
  readonly type: { readonly apiVersion: string; readonly kind: string };
  /** Until the server has accepted it. */
  readonly requestTimeoutMs: number;
  readonly silenceMs: number;
  readonly warn: (message: string) => void;
  readonly learn: (aheadMs: number | undefined) => void;
  readonly signal: AbortSignal | undefined;
  readonly opened: (() => void) | undefined;
  /** Told before it throws, but for the signal's reason. */
  readonly failed: () => void;
}

/** The watch of ObjectsApi, by one request. */
export async function* watchServer(connection: ApiConnection, watch: ServerWatch): AsyncGenerator<WatchEvent, void, undefined> {
  watch.signal?.throwIfAborted();
  // Ours, so that leaving the loop ends the request as well, in whatever state it is.
  using stop = new LinkedAbort(watch.signal);
  try {
    const answer = await open(connection, watch, stop);
    watch.opened?.();
    for await (const line of readLines(answer.received, watch)) yield parseWatchEvent(line, watch.type);
    watch.signal?.throwIfAborted();
  } catch (error) {
    watch.signal?.throwIfAborted();
    watch.failed();
    throw error instanceof HoldfastError || error instanceof GoneError ? error : translateFailure(error, connection.server);
  } finally {
    stop.abort();
  }
}

async function open(connection: ApiConnection, watch: ServerWatch, stop: LinkedAbort): Promise<OpenAnswer> {
  const answer = await withinTime(watch, stop, () =>
    askAgainIfUnknown(connection, async () => {
      const answer = await openAnswer(connection, { method: "GET", path: watch.path }, stop.signal);
      // Read to its end, so that its connection can carry the next attempt.
      if (answer.status === 401) answer.received.resume();
      return answer;
    }),
  );
  const { status, retryAfterMs, received, redact } = answer;
  watch.learn(answer.aheadMs);
  if (answer.warning !== undefined) watch.warn(`The Kubernetes API warns of watch ${watch.action.label}: ${answer.warning}`);
  if (status === 200) return answer;
  const text = status === 401 ? "" : await withinTime(watch, stop, async () => Buffer.concat(await received.toArray()).toString("utf8"));
  throw failureOf({ status, retryAfterMs, body: parse(redact(text)) }, watch.action, connection.server);
}

async function withinTime<T>({ requestTimeoutMs }: ServerWatch, stop: LinkedAbort, work: () => Promise<T>): Promise<T> {
  const tooLate = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new ClusterUnavailableError(`No answer to a watch within ${requestTimeoutMs / 1000} s`);
    tooLate.reject(error);
    stop.abort(error);
  }, requestTimeoutMs);
  const ended = () => tooLate.reject(stop.signal.reason);
  stop.signal.addEventListener("abort", ended, { once: true });
  try {
    // A credential plugin that hangs knows of no signal.
    return await Promise.race([work(), tooLate.promise]);
  } catch (error) {
    throw asUnavailable(error);
  } finally {
    clearTimeout(timer);
    stop.signal.removeEventListener("abort", ended);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not of the API's own: a proxy's page, or nothing.
    return undefined;
  }
}
