import { randomUUID } from "node:crypto";
import { ClusterUnavailableError, describeError } from "../runner/errors.ts";
import { type ControllerParts, runController } from "./controller.ts";
import type { WatchedKind } from "./kinds.ts";
import type { ObjectsApi } from "./objects-api.ts";
import type { OperatorParameters } from "./parameters.ts";
import { RECONCILERS } from "./reconcilers.ts";
import type { OperatorSettings } from "./settings.ts";
import { sleep, systemClock } from "./watch/clock.ts";
import { type HeldLease, holdLease } from "./watch/lease.ts";
import type { WorkQueue } from "./watch/queue.ts";

export interface WorkParts {
  readonly api: ObjectsApi;
  readonly parameters: OperatorParameters;
  readonly settings: OperatorSettings;
  readonly queues: ReadonlyMap<WatchedKind, WorkQueue>;
  readonly controllers: ControllerParts;
  /** Aborted when the end is called for: nothing new is begun. */
  readonly signal: AbortSignal;
  /** Aborted by this function, when what is in work may no longer be written. */
  readonly writing: AbortController;
  atWork(isAtWork: boolean): void;
}

/** How long what is in work may take once the end is called for. */
const LAST_WORK_MS = 10_000;
/** Objects that are looked at although nothing changed are spread over this part of a period. */
const RESYNC_SPREAD = 0.1;

/** From the Lease to the end of the last piece of work. @throws what the lease says when it was lost: two operators at work are worse than none */
export async function work(parts: WorkParts): Promise<void> {
  const { queues, controllers, signal, writing } = parts;
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined);
  await using lease = await takeLease(parts, (reason) => {
    // Nothing that was decided under a Lease that is another's now may still be written.
    const error = new ClusterUnavailableError(`The Lease is lost: ${reason}`, { reason: "LeaseLost" });
    writing.abort(error);
    lost.reject(error);
  });
  if (signal.aborted) return;
  parts.atWork(true);
  controllers.log.info(lease === undefined ? "At work, without a Lease" : "At work: the Lease is ours");
  const taking = AbortSignal.any([signal, writing.signal]);
  const timers = RECONCILERS.map(({ kind }) => resync(kind, { ...parts, taking }));
  const running = RECONCILERS.map((reconciler) =>
    runController(reconciler, queues.get(reconciler.kind) as WorkQueue, { ...controllers, signal: taking, writing: writing.signal }),
  );
  await Promise.race([ended(signal), lost.promise]);
  using _timer = systemClock.setTimer(LAST_WORK_MS, () => writing.abort(signal.reason));
  await Promise.race([Promise.all([...running, ...timers]), lost.promise]);
  parts.atWork(false);
}

/** `undefined` without one, and for whoever is told to stop while it waits. */
async function takeLease(parts: WorkParts, onLost: (reason: string) => void): Promise<HeldLease | undefined> {
  const { api, parameters, settings, signal, controllers } = parts;
  if (parameters.noLease) return undefined;
  const { log } = controllers;
  const { namespace } = settings;
  const { lease: name } = parameters;
  // Of this very process: a pod's next one has the pod's name, too.
  const identity = [parameters.identity, randomUUID()].filter(Boolean).join("_");
  const problem = (error: unknown) => log.warn("Cannot get or renew the Lease", { error: describeError(error) });
  log.info("Waiting for the Lease", { namespace, name, identity });
  try {
    return await holdLease(api, { namespace, name, identity, clock: systemClock, signal, onLost, problem });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Puts every object of a kind into its queue now and then, whether it changed or not. */
async function resync(
  kind: WatchedKind,
  { queues, controllers, parameters, taking }: WorkParts & { readonly taking: AbortSignal },
): Promise<void> {
  const periodMs = parameters.resyncPeriod;
  while (!taking.aborted) {
    for (const { metadata } of controllers.world.cachedAll(kind)) {
      const name = { namespace: metadata.namespace ?? "", name: metadata.name };
      queues.get(kind)?.addAfter(name, Math.random() * RESYNC_SPREAD * periodMs, { priority: "resync" });
    }
    // It throws nothing but the signal's reason, which ends the loop, and leaves nothing behind: periods are many.
    await sleep(systemClock, periodMs, taking).catch(() => undefined);
  }
}

/** Resolves with the abort. */
export function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
