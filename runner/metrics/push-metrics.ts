import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../errors.ts";
import { formatSamples } from "./format-samples.ts";
import { type GatewayPlace, readGatewayUrl } from "./gateway-url.ts";
import type { Sample } from "./metrics.ts";
import { PushError, postOnce } from "./post-once.ts";
import type { PushGroup } from "./push-group.ts";

export interface PushOptions {
  /** Of the gateway: http or https, a path prefix, user and password if need be. */
  readonly url: string;
  readonly job: string;
  readonly group: PushGroup;
  /** For everything: finding the host, connecting, a gateway that hangs or drips, and the second try. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A push that did not happen is a warning, an Event and a condition of the session, and never the failure of a backup: so it is returned, not thrown. */
export type PushResult =
  | { readonly isPushed: true }
  | { readonly isPushed: false; readonly reason: "FailedToPushMetrics"; readonly message: string; readonly hint: string };

const HINT = "The backup or restore itself is not touched by this; its metrics in the gateway are older than it is";

/**
 * Adds the samples to a group of the gateway by POST: series of the same names are replaced, all others stay as they are, the last success among them.
 * Never rejects, and takes no longer than `timeoutMs` (10 s); tries once more within that time when the gateway could not be reached or failed itself.
 */
export async function pushMetrics(samples: readonly Sample[], options: PushOptions): Promise<PushResult> {
  const { timeoutMs = 10_000 } = options;
  const limit = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
  let gateway: GatewayPlace | undefined;
  try {
    gateway = readGatewayUrl(options.url);
    const body = await formatSamples(samples, options.group);
    await postTwice(gateway, { job: options.job, group: options.group, body, timeoutMs, signal });
    return { isPushed: true };
  } catch (error) {
    const why = limit.aborted ? `it took longer than ${timeoutMs / 1000} s (${describeError(error)})` : describeError(error);
    const message = `Cannot push metrics${gateway === undefined ? "" : ` to ${gateway.description}`}: ${why}`;
    return { isPushed: false, reason: "FailedToPushMetrics", message: gateway?.redact(message) ?? message, hint: HINT };
  }
}

interface Push {
  readonly job: string;
  readonly group: PushGroup;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Pushing the same twice is harmless. The first try gets half of the time, so that there is some left for the second. */
async function postTwice(gateway: GatewayPlace, push: Push): Promise<void> {
  try {
    await postOnce(gateway, { ...push, signal: AbortSignal.any([push.signal, AbortSignal.timeout(push.timeoutMs / 2)]) });
  } catch (error) {
    if (push.signal.aborted || (error instanceof PushError && error.isFinal)) throw error;
    await sleep(Math.min(1000, push.timeoutMs / 10), undefined, { signal: push.signal });
    await postOnce(gateway, push);
  }
}
