// Composition of the operator: its API, caches, lease, queues, workers and health, and their end.
import { randomUUID } from "node:crypto";
import { describeError } from "../runner/errors.ts";
import type { Log } from "../runner/function.ts";
import { openApiCluster } from "../runner/kubernetes/api-cluster.ts";
import { findApi } from "../runner/kubernetes/api-place.ts";
import { readGatewayUrl } from "../runner/metrics/gateway-url.ts";
import type { Success } from "../runner/report.ts";
import { EventTeller } from "./apply/event-teller.ts";
import { type ControllerParts, runController } from "./controller.ts";
import { KINDS, WATCHED_KINDS, type WatchedKind } from "./kinds.ts";
import { makeWorld } from "./make-world.ts";
import { controllerOf } from "./objects.ts";
import type { ObjectsApi } from "./objects-api.ts";
import type { OperatorParameters } from "./parameters.ts";
import { RECONCILERS } from "./reconcilers.ts";
import { judgeHealth } from "./serve/judge-health.ts";
import { OperatorMetrics } from "./serve/operator-metrics.ts";
import { serveHealth } from "./serve/serve-health.ts";
import type { OperatorSettings } from "./settings.ts";
import { wakings } from "./wake.ts";
import type { ObjectChange } from "./watch/cache.ts";
import { systemClock } from "./watch/clock.ts";
import { holdLease } from "./watch/lease.ts";
import { WorkQueue } from "./watch/queue.ts";
import { Reflector, type ReflectorProblem } from "./watch/reflector.ts";
import { openObjectsApi } from "./watch/server-objects-api.ts";

export interface OperatorParts {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  warn(reason: string, message: string): void;
}

/** How long what is in work at the end may take. */
const LAST_WORK_MS = 10_000;
/** Resynced objects are spread over so much of a period. */
const RESYNC_SPREAD = 0.1;

/** Works until the signal is aborted, then lays down its work and the Lease. @throws ClusterUnavailableError when the Lease was lost: two at work are worse than none */
export async function runOperator(parameters: OperatorParameters, parts: OperatorParts): Promise<Success> {
  const { log, environment, warn } = parts;
  const { kubeconfig, master } = parameters;
  const settings = settingsOf(parameters);
  const clusterWarning = (message: string) => warn("ClusterWarning", message);
  // What is in work when the end is called for may still be written; everything else ends at once.
  const writing = new AbortController();
  using api = openObjectsApi(await findApi({ kubeconfig, master, environment, warn: clusterWarning }), { warn: clusterWarning });
  const defaults = { signal: writing.signal, patienceMs: 5_000 };
  const cluster = await openApiCluster({ kubeconfig, master, environment, defaults, warn: clusterWarning });
  const clock = systemClock;
  const queues = new Map(RECONCILERS.map((reconciler) => [reconciler.kind, new WorkQueue({ clock })]));
  const problem = ({ kind, error, retryInMs }: ReflectorProblem) =>
    log.warn(`Cannot watch ${kind} objects`, { error: describeError(error), retryInMs });
  const reflectors = new Map(
    WATCHED_KINDS.map((kind) => {
      const changed = (change: ObjectChange) => {
        for (const waking of wakings({ kind, ...change }, world)) queues.get(waking.kind)?.add(waking.name);
      };
      return [kind, new Reflector(api, { kind, labelSelector: selectorOf(kind), clock, changed, problem })];
    }),
  );
  const caches = new Map([...reflectors].map(([kind, { cache }]) => [kind, cache]));
  const world = makeWorld({ api, caches, cluster, settings, signal: writing.signal });
  const state = { isLeader: false };
  const metrics = new OperatorMetrics({
    queueDepths: () => new Map(RECONCILERS.map(({ name, kind }) => [name, queues.get(kind)?.depth ?? 0])),
    watches: () => new Map([...reflectors].map(([kind, { counts }]) => [kind, counts])),
    cachedObjects: () => new Map([...caches].map(([kind, { size }]) => [kind, size])),
    isLeader: () => state.isLeader,
    backupConfigurations: () => world.cachedAll("BackupConfiguration"),
    cronJobOf: (invoker) =>
      world.cachedIn("CronJob", invoker.metadata.namespace ?? "").find((job) => controllerOf(job)?.uid === invoker.metadata.uid),
  });
  await using health = await serveHealth(parameters.listen, {
    ...judgeHealth({ reflectors, api, settings, clock }),
    metrics: () => metrics.text(),
  });
  log.info("The operator has started", { port: health.port, namespace: settings.namespace, image: settings.image });
  const ending = new AbortController();
  const end = () => ending.abort(parts.signal.reason);
  parts.signal.addEventListener("abort", end, { once: true });
  const watching = [...reflectors.values()].map((reflector) => reflector.run(ending.signal));
  try {
    await Promise.race([Promise.all([...reflectors.values()].map(({ synced }) => synced)), aborted(parts.signal)]);
    if (!parts.signal.aborted) {
      log.info("Every kind is in memory", Object.fromEntries([...caches].map(([kind, { size }]) => [kind, size])));
      await work({ parameters, parts, api, settings, ending, writing, state, log }, queues, {
        ...{ world, caches, metrics, log, workers: parameters.workers },
        apply: { api, cached: world.cached, events: new EventTeller(api, log), pushgatewayUrl: settings.pushgatewayUrl },
      });
    }
  } finally {
    ending.abort();
    for (const queue of queues.values()) queue[Symbol.dispose]();
    await Promise.allSettled(watching);
    parts.signal.removeEventListener("abort", end);
  }
  return { message: "The operator has stopped" };
}

interface Working {
  readonly parameters: OperatorParameters;
  readonly parts: OperatorParts;
  readonly api: ObjectsApi;
  readonly settings: OperatorSettings;
  readonly ending: AbortController;
  readonly writing: AbortController;
  readonly state: { isLeader: boolean };
  readonly log: Log;
}

/** From the Lease to the end of the last piece of work. */
async function work(working: Working, queues: ReadonlyMap<WatchedKind, WorkQueue>, controllers: ControllerParts): Promise<void> {
  const { parameters, parts, api, settings, ending, writing, state, log } = working;
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined);
  const identity = parameters.identity ?? randomUUID();
  const onLost = (error: Error) => {
    // Nothing that was decided under a Lease that is another's now may still be written.
    writing.abort(error);
    ending.abort(error);
    lost.reject(error);
  };
  const problem = (error: unknown) => log.warn("Cannot get or renew the Lease", { error: describeError(error) });
  const { namespace } = settings;
  const { lease: name, noLease } = parameters;
  const asked = noLease
    ? undefined
    : holdLease(api, { namespace, name, identity, clock: systemClock, signal: parts.signal, onLost, problem });
  if (!noLease) log.info("Waiting for the Lease", { namespace, name, identity });
  await using lease = await asked?.catch(undefinedIf(parts.signal));
  if (parts.signal.aborted) return;
  state.isLeader = true;
  log.info(lease === undefined ? "At work, without a Lease" : "At work: the Lease is ours", { identity });
  const { signal } = ending;
  const timers = RECONCILERS.map(({ kind }) => resync(kind, queues, { ...controllers, periodMs: parameters.resyncPeriod, signal }));
  const running = RECONCILERS.map((reconciler) =>
    runController(reconciler, queues.get(reconciler.kind) as WorkQueue, { ...controllers, signal, writing: writing.signal }),
  );
  await Promise.race([aborted(parts.signal), lost.promise]);
  const timer = setTimeout(() => writing.abort(parts.signal.reason), LAST_WORK_MS);
  await Promise.race([Promise.allSettled(running), lost.promise]);
  clearTimeout(timer);
  state.isLeader = false;
  await Promise.allSettled(timers);
}

/** Puts every object of a kind into its queue now and then, whether it changed or not. */
async function resync(
  kind: WatchedKind,
  queues: ReadonlyMap<WatchedKind, WorkQueue>,
  { world, periodMs, signal }: Pick<ControllerParts, "world"> & { readonly periodMs: number; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    for (const { metadata } of world.cachedAll(kind)) {
      const name = { namespace: metadata.namespace ?? "", name: metadata.name };
      queues.get(kind)?.addAfter(name, Math.random() * RESYNC_SPREAD * periodMs, { priority: "resync" });
    }
    await pause(periodMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = systemClock.setTimer(ms, resolve);
    const stop = () => {
      timer[Symbol.dispose]();
      resolve();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Whoever is told to stop while it waits has nothing to give back. */
function undefinedIf(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

function settingsOf(parameters: OperatorParameters): OperatorSettings {
  const { image, namespace, pushgatewayUrl, jobClusterRole, pendingTimeout, waitingTimeout } = parameters;
  if (pushgatewayUrl !== undefined) readGatewayUrl(pushgatewayUrl);
  return { image, namespace, pushgatewayUrl, jobClusterRole, pendingTimeoutMs: pendingTimeout, waitingTimeoutMs: waitingTimeout };
}

function selectorOf(kind: WatchedKind): string | undefined {
  return (KINDS[kind].watch as { readonly labelSelector?: string }).labelSelector;
}
