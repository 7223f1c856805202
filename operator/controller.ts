// controller: a reconciler at work: a queue of names, some workers, and what is done after each look.
import { ClusterUnavailableError, describeError, HoldfastError } from "../runner/errors.ts";
import type { Log } from "../runner/function.ts";
import type { ObjectName } from "../runner/kubernetes/cluster.ts";
import type { ChangeStatus } from "./action.ts";
import { type ApplyParts, applyActions } from "./apply/apply-actions.ts";
import { WATCHED_KINDS, type WatchedKind } from "./kinds.ts";
import type { LiveObject } from "./objects.ts";
import { Restless } from "./restless.ts";
import type { OperatorMetrics } from "./serve/operator-metrics.ts";
import type { ObjectCache } from "./watch/cache.ts";
import { type Clock, systemClock } from "./watch/clock.ts";
import { LinkedAbort } from "./watch/linked-abort.ts";
import type { WorkQueue } from "./watch/queue.ts";
import { retryAfterMsOf } from "./watch/retry-after.ts";
import type { Reconciler, World } from "./world.ts";

export interface ControllerParts {
  readonly world: World;
  readonly caches: ReadonlyMap<WatchedKind, Pick<ObjectCache, "waitFor">>;
  readonly apply: Omit<ApplyParts, "wrote" | "signal" | "subject">;
  readonly metrics: Pick<OperatorMetrics, "passed" | "wrote">;
  readonly log: Log;
  readonly workers: number;
  /** The system's when absent. */
  readonly clock?: Clock | undefined;
}

export interface ControllerEnds {
  /** Aborted: nothing new is taken up. */
  readonly signal: AbortSignal;
  /** Aborted: what is in work is laid down at once. */
  readonly writing: AbortSignal;
}

/** A cache that lags behind longer than this has lost its watch: writes are safe with an old one, too. */
const LONGEST_LAG_MS = 5_000;
/** Clocks differ a little: what is not yet due is not asked for in a circle. */
const SHORTEST_WAIT_MS = 250;
/** A pass that hangs must not keep its object from being looked at for ever. */
const LONGEST_PASS_MS = 120_000;

/** Takes up objects until `signal` is aborted; settles once every worker has laid down its work, which `writing` cuts short. It never fails. */
export async function runController(reconciler: Reconciler, queue: WorkQueue, parts: ControllerParts & ControllerEnds): Promise<void> {
  const clock = parts.clock ?? systemClock;
  const work: Work = { ...parts, reconciler, queue, clock, restless: new Restless(clock) };
  const worker = async () => {
    for (let key = await queue.next(parts.signal); key !== undefined; key = await queue.next(parts.signal)) {
      // It fails only where its failure could not even be logged: that must not cost a worker.
      await workOn(key, work).catch(() => queue.retry(key));
      queue.done(key);
    }
  };
  await Promise.all(Array.from({ length: parts.workers }, worker));
}

interface Work extends ControllerParts, ControllerEnds {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly restless: Restless;
}

async function workOn(key: ObjectName, work: Work): Promise<void> {
  const { reconciler, queue, metrics, clock, restless, writing } = work;
  const id = `${key.namespace}/${key.name}`;
  const holdMs = restless.holdMs(id);
  if (holdMs > 0) return queue.addAfter(key, holdMs);
  const started = clock.monotonicMs();
  const written: LiveObject[] = [];
  try {
    const wakeInMs = await bounded((signal) => pass(key, { ...work, written, signal }), work);
    metrics.passed(reconciler.name, wakeInMs === undefined ? "done" : "waiting", clock.monotonicMs() - started);
    queue.forget(key);
    if (wakeInMs !== undefined) queue.addAfter(key, Math.max(SHORTEST_WAIT_MS, wakeInMs));
    // What was written may ask for something more.
    if (written.length > 0) queue.add(key);
    noteEnd(key, { ...work, isOver: written.length === 0 && !(wakeInMs !== undefined && wakeInMs <= 0) });
  } catch (error) {
    if (writing.aborted) return;
    metrics.passed(reconciler.name, "failed", clock.monotonicMs() - started);
    const retryInMs = queue.retry(key, { atLeastMs: retryAfterMsOf(error) });
    tellFailure(error, { ...work, fields: { ...fieldsOf(key, work), retryInMs: Math.round(retryInMs) } });
    noteEnd(key, { ...work, isOver: written.length === 0 });
  }
}

/** One look, and what follows from it. Resolves with how long to wait for the next one, which may be over already; `undefined` when nothing is to be waited for. */
async function pass(
  key: ObjectName,
  work: Work & { readonly written: LiveObject[]; readonly signal: AbortSignal },
): Promise<number | undefined> {
  const { reconciler, world, apply, metrics, written, signal } = work;
  const wrote = (object: LiveObject) => {
    written.push(object);
    metrics.wrote(object.kind);
  };
  const { actions, wakeAt } = await reconciler.reconcile(key, world);
  const subject = { kind: reconciler.kind, name: key };
  try {
    await applyActions(actions, { ...apply, subject, signal, wrote, latest: (action) => latestOf(action, work) });
  } finally {
    await seeWrites(work);
  }
  if (wakeAt === undefined) return undefined;
  const wakeInMs = wakeAt.getTime() - world.now().getTime();
  if (Number.isNaN(wakeInMs)) throw new Error(`The reconciler "${reconciler.name}" wants to be woken at no time at all`);
  return wakeInMs;
}

function latestOf({ kind, object }: ChangeStatus, { written, world }: Pick<Work, "world"> & { readonly written: readonly LiveObject[] }) {
  const own = written.findLast(({ metadata }) => metadata.uid === object.uid);
  const watched: readonly string[] = WATCHED_KINDS;
  return own ?? (watched.includes(kind) ? world.cached(kind as WatchedKind, object) : undefined);
}

/** The next pass over the object has to see what this one wrote. It does not throw: a pass that is cut short is told of by what cut it. */
async function seeWrites({
  written,
  caches,
  signal,
}: Pick<Work, "caches"> & { readonly written: readonly LiveObject[]; readonly signal: AbortSignal }): Promise<void> {
  const watched: readonly string[] = WATCHED_KINDS;
  const seen = written
    .filter(({ kind }) => watched.includes(kind))
    .map(({ kind, metadata }) => caches.get(kind as WatchedKind)?.waitFor(metadata.resourceVersion, { signal, timeoutMs: LONGEST_LAG_MS }));
  await Promise.allSettled(seen);
}

/** Ends with the time that a pass may take, or with `writing`, whether or not the work heeds its signal: everything it does may be done twice. */
async function bounded<T>(work: (signal: AbortSignal) => Promise<T>, { clock, writing }: Pick<Work, "clock" | "writing">): Promise<T> {
  using end = new LinkedAbort(writing);
  const { signal } = end;
  using _timer = clock.setTimer(LONGEST_PASS_MS, () =>
    end.abort(new ClusterUnavailableError(`The pass was not over after ${LONGEST_PASS_MS / 1000} s`)),
  );
  signal.throwIfAborted();
  const { promise: cut, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return await Promise.race([work(signal), cut]);
}

function noteEnd(key: ObjectName, work: Work & { readonly isOver: boolean }): void {
  const id = `${key.namespace}/${key.name}`;
  if (work.isOver) work.restless.forget(id);
  else if (work.restless.note(id)) {
    work.log.warn(
      "An object finds no end: somebody else changes what the operator makes; it is looked at less often now",
      fieldsOf(key, work),
    );
  }
}

function tellFailure(error: unknown, { log, fields }: Pick<Work, "log"> & { readonly fields: Readonly<Record<string, unknown>> }): void {
  const facts = { ...fields, error: describeError(error) };
  if (error instanceof ClusterUnavailableError) log.warn("The cluster did not answer: this is tried again", facts);
  else if (error instanceof HoldfastError) log.error("Cannot do what is to be done: this is tried again", { ...facts, hint: error.hint });
  else log.error("Defect: this is tried again", { ...facts, stack: error instanceof Error ? error.stack : undefined });
}

function fieldsOf({ namespace, name }: ObjectName, { reconciler }: Pick<Work, "reconciler">): Readonly<Record<string, unknown>> {
  return { reconciler: reconciler.name, namespace, name };
}
