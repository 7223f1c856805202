import { DeadlineExceededError } from "./errors.ts";
import { parseDuration } from "./kubernetes/go-format.ts";
import { MOST_TIMER_MS } from "./parameter-kinds.ts";

/**
 * The run's signal, aborted as well once the session has lasted longer than its `timeOut`, counted from the session's creation. The timer does not keep
 * the process alive. @throws ParameterError for a `timeOut` that is no duration
 */
export function withSessionDeadline(signal: AbortSignal, session: { created: Date; timeOut: string | undefined; now?: Date }): AbortSignal {
  const { created, timeOut, now = new Date() } = session;
  if (timeOut === undefined || timeOut === "") return signal;
  const controller = new AbortController();
  const expire = () => controller.abort(new DeadlineExceededError(`The session did not end within its timeOut of ${timeOut}`));
  const leftMs = created.getTime() + parseDuration(timeOut) - now.getTime();
  if (leftMs <= 0) expire();
  else setTimeout(expire, Math.min(leftMs, MOST_TIMER_MS)).unref();
  return AbortSignal.any([signal, controller.signal]);
}
