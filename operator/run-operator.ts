// Composition of the operator: its API, caches, queues, workers and health, and their end.
import { describeError, ParameterError } from "../runner/errors.ts";
import type { Log } from "../runner/function.ts";
import { openApiCluster } from "../runner/kubernetes/api-cluster.ts";
import { findApi } from "../runner/kubernetes/api-place.ts";
import { readGatewayUrl } from "../runner/metrics/gateway-url.ts";
import type { Success } from "../runner/report.ts";
import { EventTeller } from "./apply/event-teller.ts";
import { makeWorld } from "./make-world.ts";
import { controllerOf } from "./objects.ts";
import { openWatches, type Watches } from "./open-watches.ts";
import type { OperatorParameters } from "./parameters.ts";
import { RECONCILERS } from "./reconcilers.ts";
import { judgeHealth } from "./serve/judge-health.ts";
import { OperatorMetrics } from "./serve/operator-metrics.ts";
import { serveHealth } from "./serve/serve-health.ts";
import type { OperatorSettings } from "./settings.ts";
import { systemClock } from "./watch/clock.ts";
import { WorkQueue } from "./watch/queue.ts";
import { openObjectsApi } from "./watch/server-objects-api.ts";
import { ended, work } from "./work.ts";
import type { World } from "./world.ts";

export interface OperatorParts {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** How long an object that cannot be read now is waited for within a pass; the pass is tried again later. */
const PATIENCE_MS = 5_000;

/**
 * Works until the signal is aborted, then lays down its work and the Lease.
 * @throws ParameterError for what it was told; ClusterUnavailableError when the Lease was lost, at once: the process has to end
 */
export async function runOperator(parameters: OperatorParameters, parts: OperatorParts): Promise<Success> {
  const { log, environment, signal } = parts;
  const { kubeconfig, master } = parameters;
  const settings = settingsOf(parameters);
  const place = { kubeconfig, master, environment, warn: once((message) => log.warn(message, { reason: "ClusterWarning" })) };
  const writing = new AbortController();
  using api = openObjectsApi(await findApi(place), place);
  const cluster = await openApiCluster({ ...place, defaults: { signal: writing.signal, patienceMs: PATIENCE_MS } });
  const clock = systemClock;
  const queues = new Map(RECONCILERS.map(({ kind }) => [kind, new WorkQueue({ clock })]));
  const watches = openWatches(api, { queues, clock, log });
  const world = makeWorld({ api, caches: watches.caches, cluster, settings, signal: writing.signal });
  const state = { isAtWork: false };
  const metrics = operatorMetrics(watches, { world, queues, state });
  const health = { ...judgeHealth({ ...watches, api, settings, clock }), metrics: () => metrics.text() };
  await using server = await serveHealth(parameters.listen, health);
  log.info("The operator has started", { port: server.port, namespace: settings.namespace, image: settings.image });
  const watching = new AbortController();
  const watched = watches.run(watching.signal);
  try {
    await Promise.race([watches.synced, ended(signal)]);
    if (!signal.aborted)
      log.info("Every kind is in memory", Object.fromEntries([...watches.caches].map(([kind, { size }]) => [kind, size])));
    const apply = { api, cached: world.cached, events: new EventTeller(api, log), pushgatewayUrl: settings.pushgatewayUrl };
    const controllers = { world, caches: watches.caches, apply, metrics, log, workers: parameters.workers };
    const atWork = (isAtWork: boolean) => {
      state.isAtWork = isAtWork;
    };
    if (!signal.aborted) await work({ api, parameters, settings, queues, controllers, signal, writing, atWork });
  } finally {
    watching.abort();
    for (const queue of queues.values()) queue[Symbol.dispose]();
    await watched;
  }
  return { message: "The operator has stopped" };
}

function operatorMetrics(
  { reflectors, caches }: Watches,
  {
    world,
    queues,
    state,
  }: { readonly world: World; readonly queues: ReadonlyMap<string, WorkQueue>; readonly state: { isAtWork: boolean } },
): OperatorMetrics {
  return new OperatorMetrics({
    queueDepths: () => new Map(RECONCILERS.map(({ name, kind }) => [name, queues.get(kind)?.depth ?? 0])),
    watches: () => new Map([...reflectors].map(([kind, { counts }]) => [kind, counts])),
    cachedObjects: () => new Map([...caches].map(([kind, { size }]) => [kind, size])),
    isLeader: () => state.isAtWork,
    backupConfigurations: () => world.cachedAll("BackupConfiguration"),
    cronJobOf: ({ metadata }) =>
      world.cachedIn("CronJob", metadata.namespace ?? "").find((each) => controllerOf(each)?.uid === metadata.uid),
  });
}

/** What the API server says of a field comes with every write of it. */
function once(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    const key = message.replaceAll(/"[^"]*"/g, "").slice(0, 200);
    if (!told.has(key)) tell(message);
    told.add(key);
  };
}

function settingsOf(parameters: OperatorParameters): OperatorSettings {
  const { image, namespace, pushgatewayUrl, jobClusterRole, pendingTimeout, waitingTimeout } = parameters;
  assertGateway(pushgatewayUrl);
  return { image, namespace, pushgatewayUrl, jobClusterRole, pendingTimeoutMs: pendingTimeout, waitingTimeoutMs: waitingTimeout };
}

/** What is wrong with it is said now, and not by every backup. */
function assertGateway(url: string | undefined): void {
  try {
    if (url !== undefined) readGatewayUrl(url);
  } catch (error) {
    throw new ParameterError(`Cannot use --pushgateway-url: ${describeError(error)}`);
  }
}
