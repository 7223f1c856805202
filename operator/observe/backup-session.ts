import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { jobName } from "../../runner/kubernetes/resolve-names.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import { findTarget, type TargetRef } from "../../runner/kubernetes/status-target.ts";
import { admission } from "../decide/admission.ts";
import { judgeExecutor } from "../decide/judge-executor.ts";
import type { ObservedBackupSession, SessionJob } from "../decide/observed-backup-session.ts";
import { hasBegun, invokerOf, isFinal, isRetryOpen, isSameInvoker, isStarted } from "../decide/session-facts.ts";
import { bindingKey, typeOfBinding } from "../decide/session-metrics.ts";
import { isOver } from "../decide/stop-executor.ts";
import { isEnded, isEnsured } from "../decide/target-conditions.ts";
import { JOB_NAME_LABEL, podsOf } from "../names.ts";
import { controllerOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import type { World } from "../world.ts";
import { observeRivals } from "./rival-sessions.ts";
import { observeStart } from "./session-start.ts";
import { targetOfConfiguration, targetRefOf } from "./session-target.ts";

/**
 * A session with all that decides about it; `undefined` when it is gone, being deleted, or of no concern any more. The caches say what there is; what is done because something is
 * missing or has not happened is asked of the server. @throws HoldfastError when the server does not say
 */
export async function observeBackupSession(name: ObjectName, world: World): Promise<ObservedBackupSession | undefined> {
  const known = world.cached("BackupSession", name);
  if (known === undefined || isBeingDeleted(known)) return undefined;
  if (isFinal(known)) return isRetryOpen(known) ? observeFinal(known, world) : undefined;
  const index = openTarget(known);
  // One that was not begun has no Job. Of others the Job first: what its run wrote before its end is then in the session that is read after it.
  const isNew = !hasBegun(known.status ?? {}) && world.cached("Job", jobNameOf(known)) === undefined;
  const executor = await (isNew ? cachedExecutor(known, world) : observeExecutor(known, { world, index }));
  const session = await world.live("BackupSession", name);
  if (session?.metadata.uid !== known.metadata.uid || isBeingDeleted(session)) return undefined;
  if (isFinal(session)) return undefined;
  if (isNew && hasBegun(session.status ?? {}))
    throw new ClusterUnavailableError(`Somebody else has begun BackupSession "${name.name}" meanwhile`);
  return observeRunning(session, { world, executor, index });
}

/** Of several targets, the first that has not ended; once all have, the last, whose run concludes for all of them. */
function openTarget({ status }: LiveObject): number {
  const entries = listIn(status ?? {}, "targets");
  const open = entries.findIndex((entry) => !isEnded(entry));
  return open >= 0 ? open : Math.max(0, entries.length - 1);
}

async function observeFinal(session: LiveObject, world: World): Promise<ObservedBackupSession> {
  const { nextRetry } = session.status ?? {};
  const isDue = typeof nextRetry === "string" && world.now() >= new Date(nextRetry);
  const invoker = await observeInvoker(session, { world, isLive: isDue });
  const siblings = siblingsOf(session, isDue ? await world.liveIn("BackupSession", namespaceOf(session)) : cachedSessions(session, world));
  const target = targetRefOf(session, invoker);
  const executor = await cachedExecutor(session, world);
  return { session, invoker, target, siblings, rivals: [], ...executor, appBindingTypes: new Map() };
}

type Executor = Pick<ObservedBackupSession, "job" | "executor" | "pods">;

async function observeRunning(
  session: LiveObject,
  { world, executor, index }: { readonly world: World; readonly executor: Executor; readonly index: number },
): Promise<ObservedBackupSession> {
  const entries = listIn(session.status ?? {}, "targets");
  const isBegun = hasBegun(session.status ?? {});
  const [invoker, found] = await Promise.all([
    observeInvoker(session, { world, isLive: !isBegun }),
    isBegun ? cachedSessions(session, world) : world.liveIn("BackupSession", namespaceOf(session)),
  ]);
  const target = targetRefOf(session, invoker, index);
  const siblings = siblingsOf(session, found);
  const rivals = isBegun ? [] : await observeRivals(session, { world, target: targetOfConfiguration(invoker) ?? target, found });
  const facts = { session, invoker, target, siblings, rivals, ...executor, appBindingTypes: bindingTypes(entries, world) };
  if (!mayStart(facts, world.now())) return facts;
  return { ...facts, start: await observeStart(session, facts.invoker as LiveObject, world) };
}

/** Now, or it was about to and got no further. */
function mayStart(facts: ObservedBackupSession, now: Date): boolean {
  const entry = findTarget(facts.session.status ?? {}, facts.target);
  if (facts.invoker === undefined) return false;
  if (isStarted(entry)) return facts.job.kind === "absent" && !isEnsured(entry);
  return admission(facts, now).kind === "start";
}

async function observeInvoker(
  session: LiveObject,
  { world, isLive }: { readonly world: World; readonly isLive: boolean },
): Promise<LiveObject | undefined> {
  const { kind, namespace, name } = invokerOf(session);
  if (kind !== "BackupConfiguration" || name === "") return undefined;
  const cached = isLive ? undefined : world.cached("BackupConfiguration", { namespace, name });
  const invoker = cached ?? (await world.live("BackupConfiguration", { namespace, name }));
  return invoker === undefined || isBeingDeleted(invoker) ? undefined : invoker;
}

function cachedSessions(session: LiveObject, world: World): readonly LiveObject[] {
  return world.cachedIn("BackupSession", namespaceOf(session));
}

function siblingsOf(session: LiveObject, sessions: readonly LiveObject[]): readonly LiveObject[] {
  return sessions.filter((other) => other.metadata.uid !== session.metadata.uid && isSameInvoker(other, session) && !isBeingDeleted(other));
}

function cachedExecutor(session: LiveObject, world: World): Promise<Executor> {
  const name = jobNameOf(session);
  return executorOf(session, { job: world.cached("Job", name), world, name });
}

/** A Job that the cache does not know may be there all the same. */
async function observeExecutor(
  session: LiveObject,
  { world, index }: { readonly world: World; readonly index: number },
): Promise<Executor> {
  const name = jobNameOf(session, index);
  const job = world.cached("Job", name) ?? (await world.live("Job", name));
  return executorOf(session, { job, world, name });
}

async function executorOf(
  session: LiveObject,
  { job: found, world, name }: { readonly job: LiveObject | undefined; readonly world: World; readonly name: ObjectName },
): Promise<Executor> {
  const job = whose(found, session);
  const own = job.kind === "ours" ? job.object : undefined;
  const pods = await podsOfJob(own, { name, world });
  return { job, pods, executor: judgeExecutor(own, pods, { now: world.now(), settings: world.settings }) };
}

/** A Job may be seen to end before its pod is, by another watch: why it did so is then asked of the server, or it would look like a pod that somebody deleted. */
async function podsOfJob(
  job: LiveObject | undefined,
  { name, world }: { readonly name: ObjectName; readonly world: World },
): Promise<readonly LiveObject[]> {
  const isOfJob = ({ metadata }: LiveObject) => metadata.labels?.[JOB_NAME_LABEL] === name.name;
  const cached = world.cachedIn("Pod", name.namespace).filter(isOfJob);
  const hasEnded = ({ status }: LiveObject) => status?.phase === "Failed" || status?.phase === "Succeeded";
  if (job === undefined || !isOver(job) || cached.some(hasEnded)) return cached;
  return world.liveIn("Pod", name.namespace, podsOf(name.name));
}

function whose(job: LiveObject | undefined, session: LiveObject): SessionJob {
  if (job === undefined) return { kind: "absent" };
  if (controllerOf(job)?.uid === session.metadata.uid) return { kind: "ours", object: job };
  return { kind: "foreign", name: job.metadata.name, isGoing: isBeingDeleted(job) };
}

function bindingTypes(entries: readonly Readonly<Record<string, unknown>>[], world: World): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const { ref } of entries) {
    const { namespace, name } = ref as TargetRef;
    const binding = world.cached("AppBinding", { namespace, name });
    if (binding !== undefined) types.set(bindingKey({ namespace, name }), typeOfBinding(binding));
  }
  return types;
}

function jobNameOf(session: LiveObject, index = 0): ObjectName {
  const namespace = namespaceOf(session);
  return { namespace, name: jobName({ kind: "BackupSession", name: session.metadata.name }, index) };
}

function namespaceOf({ metadata }: LiveObject): string {
  return metadata.namespace ?? "";
}
