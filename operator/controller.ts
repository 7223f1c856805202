// controller: a reconciler at work: a queue of names, some workers, and what is done after each look.
import { ClusterUnavailableError, describeError, HoldfastError } from "../runner/errors.ts";
import type { Log } from "../runner/function.ts";
import type { ObjectName } from "../runner/kubernetes/cluster.ts";
import { type ApplyParts, applyActions } from "./apply/apply-actions.ts";
import { KINDS, type KindName, WATCHED_KINDS, type WatchedKind } from "./kinds.ts";
import type { LiveObject } from "./objects.ts";
import type { OperatorMetrics } from "./serve/operator-metrics.ts";
import type { ObjectCache } from "./watch/cache.ts";
import type { WorkQueue } from "./watch/queue.ts";
import type { Reconciler, World } from "./world.ts";

export interface ControllerParts {
  readonly world: World;
  readonly caches: ReadonlyMap<WatchedKind, ObjectCache>;
  readonly apply: Omit<ApplyParts, "wrote" | "signal">;
  readonly metrics: OperatorMetrics;
  readonly log: Log;
  readonly workers: number;
}

/** A cache that lags behind longer than this has lost its watch: writes are safe with an old one, too. */
const LONGEST_LAG_MS = 5_000;
/** Clocks differ a little: what is not yet due is not asked for in a circle. */
const SHORTEST_WAIT_MS = 250;
/** Passes over one object without an end in sight are slowed down from here on. */
const MOST_PASSES = 20;
/** A pass that hangs must not keep its object from being looked at for ever. */
const LONGEST_PASS_MS = 120_000;

/** Takes up objects until `signal` is aborted; settles once every worker has laid down its work, which `writing` cuts short. */
export async function runController(
  reconciler: Reconciler,
  queue: WorkQueue,
  parts: ControllerParts & { readonly signal: AbortSignal; readonly writing: AbortSignal },
): Promise<void> {
  const passes = new Map<string, number>();
  const worker = async () => {
    for (let key = await queue.next(parts.signal); key !== undefined; key = await queue.next(parts.signal)) {
      await workOn(key, { ...parts, reconciler, queue, passes });
      queue.done(key);
    }
  };
  await Promise.all(Array.from({ length: parts.workers }, worker));
}

interface Work extends ControllerParts {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly writing: AbortSignal;
  /** How often in a row an object was written. */
  readonly passes: Map<string, number>;
}

async function workOn(key: ObjectName, work: Work): Promise<void> {
  const { reconciler, queue, metrics, log, writing, passes } = work;
  const started = performance.now();
  const fields = { reconciler: reconciler.name, namespace: key.namespace, name: key.name };
  const id = `${key.namespace}/${key.name}`;
  try {
    const { hasWritten, wakeInMs } = await pass(key, work);
    metrics.passed(reconciler.name, wakeInMs === undefined ? "done" : "waiting", performance.now() - started);
    const count = hasWritten ? (passes.get(id) ?? 0) + 1 : 0;
    if (count === 0) passes.delete(id);
    else passes.set(id, count);
    queue.forget(key);
    if (wakeInMs !== undefined) queue.addAfter(key, wakeInMs);
    // What was written may ask for something more.
    if (hasWritten && count <= MOST_PASSES) queue.add(key);
    else if (hasWritten) queue.addAfter(key, 30_000);
    if (count === MOST_PASSES) log.warn("An object is written again and again: somebody else changes what the operator makes", fields);
  } catch (error) {
    if (writing.aborted) return;
    metrics.passed(reconciler.name, "failed", performance.now() - started);
    const retryInMs = queue.retry(key);
    const facts = { ...fields, error: describeError(error), retryInMs: Math.round(retryInMs) };
    if (error instanceof ClusterUnavailableError) log.warn("The cluster did not answer: this is tried again", facts);
    else if (error instanceof HoldfastError) log.error("Cannot do what is to be done: this is tried again", { ...facts, hint: error.hint });
    else log.error("Defect: this is tried again", { ...facts, stack: error instanceof Error ? error.stack : undefined });
  }
}

async function pass(key: ObjectName, work: Work): Promise<{ readonly hasWritten: boolean; readonly wakeInMs: number | undefined }> {
  const { reconciler, world, apply, metrics } = work;
  const signal = AbortSignal.any([work.writing, AbortSignal.timeout(LONGEST_PASS_MS)]);
  const written: LiveObject[] = [];
  const wrote = (object: LiveObject) => {
    written.push(object);
    metrics.wrote(object.kind);
  };
  const { actions, wakeAt } = await reconciler.reconcile(key, world);
  try {
    await applyActions(actions, { ...apply, signal, wrote });
  } finally {
    await seeWrites(written, { caches: work.caches, signal });
  }
  const wakeInMs = wakeAt === undefined ? undefined : Math.max(SHORTEST_WAIT_MS, wakeAt.getTime() - world.now().getTime());
  return { hasWritten: written.length > 0, wakeInMs };
}

/** The next pass over the object has to see what this one wrote. */
async function seeWrites(
  written: readonly LiveObject[],
  { caches, signal }: Pick<Work, "caches"> & { readonly signal: AbortSignal },
): Promise<void> {
  const watched: readonly KindName[] = WATCHED_KINDS;
  await Promise.all(
    written
      .filter(({ kind }) => watched.includes(kind as KindName) && kind in KINDS)
      .map(({ kind, metadata }) =>
        caches.get(kind as WatchedKind)?.waitFor(metadata.resourceVersion, { signal, timeoutMs: LONGEST_LAG_MS }),
      ),
  );
}
