import { ClusterUnavailableError } from "../../runner/errors.ts";
import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { jobName } from "../../runner/kubernetes/resolve-names.ts";
import { findCondition } from "../../runner/kubernetes/status-condition.ts";
import { RIGHTS_OF, rightsOwner } from "../build/job-rbac.ts";
import type { ObservedRestore, StartedRestore } from "../decide/observed-restore.ts";
import { isMarked } from "../decide/restore-mark.ts";
import { bindingKey, typeOfBinding } from "../decide/session-metrics.ts";
import { foreignRoleName, podsOf } from "../names.ts";
import { controllerOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import type { World } from "../world.ts";
import { prepareRestore } from "./prepare-restore.ts";

const FINAL: readonly unknown[] = ["Succeeded", "Failed", "Unknown"];

/** What there is of one restore. `undefined` when the session is gone. @throws ClusterUnavailableError, ClusterRefusedError as World does */
export async function observeRestoreSession(name: ObjectName, world: World): Promise<ObservedRestore | undefined> {
  const cached = world.cached("RestoreSession", name);
  if (cached === undefined) return undefined;
  if (isBeingDeleted(cached)) return { stage: "deleted", session: cached, foreignRights: await findForeignRights(cached, world) };
  if (FINAL.includes(cached.status?.phase))
    return { stage: "over", session: cached, job: ownJob(world.cached("Job", jobOf(cached)), cached) };
  const work = await findWork(cached, world);
  // A restore is made once and its outcome written once: neither is decided from a memory that may lag.
  const session = await world.live("RestoreSession", name);
  if (session === undefined || session.metadata.uid !== cached.metadata.uid) return undefined;
  if (isBeingDeleted(session)) return { stage: "deleted", session, foreignRights: await findForeignRights(session, world) };
  if (FINAL.includes(session.status?.phase)) return { stage: "over", session, job: work.job };
  if (hasStarted(session)) return { stage: "started", session, ...work, appBindingTypes: bindingTypes(session, world) };
  if (work.leftover !== undefined) {
    throw new ClusterUnavailableError(
      `Job "${work.leftover}" is of a RestoreSession of the same name that is gone: this one begins once it is collected`,
    );
  }
  return { stage: "new", session, preparation: await prepareRestore(session, world) };
}

/** From here on the Job is never made again. */
function hasStarted(session: LiveObject): boolean {
  return isMarked(session) || findCondition(session.status ?? {}, "RestoreExecutorEnsured") !== undefined;
}

/** The caches, as long as they show a Job that works: all else is asked of the server. */
async function findWork(session: LiveObject, world: World): Promise<FoundWork> {
  const name = jobOf(session);
  const cached = ownJob(world.cached("Job", name), session);
  const isWorking = cached !== undefined && !hasEnded(cached);
  const found = isWorking ? cached : await world.live("Job", name);
  const job = ownJob(found, session);
  if (job === undefined)
    return { job, pods: [], leftover: found !== undefined && isLeftBy(found, session) ? found.metadata.name : undefined };
  const pods = isWorking ? world.cachedIn("Pod", name.namespace) : await world.liveIn("Pod", name.namespace, podsOf(name.name));
  return { job, pods: pods.filter((pod) => controllerOf(pod)?.uid === job.metadata.uid) };
}

interface FoundWork extends Pick<StartedRestore, "job" | "pods"> {
  /** A Job that is about to go, and whose name is ours then. */
  readonly leftover?: string | undefined;
}

function jobOf({ metadata: { namespace = "", name } }: LiveObject): ObjectName {
  return { namespace, name: jobName({ kind: "RestoreSession", name }, 0) };
}

function ownJob(job: LiveObject | undefined, session: LiveObject): LiveObject | undefined {
  return job !== undefined && controllerOf(job)?.uid === session.metadata.uid ? job : undefined;
}

/** Somebody made the session anew under its old name, faster than its former Job was collected. */
function isLeftBy(job: LiveObject, { kind, metadata }: LiveObject): boolean {
  const owner = controllerOf(job);
  return isBeingDeleted(job) || (owner?.kind === kind && owner.name === metadata.name);
}

function hasEnded(job: LiveObject | undefined): boolean {
  return ["Complete", "Failed"].some((type) => findCondition(job?.status ?? {}, type)?.status === "True");
}

function bindingTypes({ metadata, spec }: LiveObject, world: World): ReadonlyMap<string, string> {
  const ref = (spec?.target as { readonly ref?: { readonly namespace?: string; readonly name?: string } } | undefined)?.ref;
  const name = { namespace: ref?.namespace || (metadata.namespace ?? ""), name: ref?.name ?? "" };
  const binding = world.cached("AppBinding", name);
  return new Map(binding === undefined ? [] : [[bindingKey(name), typeOfBinding(binding)]]);
}

/** Rights in the Repository's namespace, which no owner takes along. */
/** By the mark that says whose they are, wherever they lie; and asked for by name, since after this nobody looks again. */
async function findForeignRights(session: LiveObject, world: World): Promise<readonly LiveObject[]> {
  const { namespace } = (session.spec?.repository ?? {}) as { readonly namespace?: string };
  const isElsewhere = namespace !== undefined && namespace !== "" && namespace !== session.metadata.namespace;
  const name = { namespace: namespace ?? "", name: foreignRoleName(session, 0) };
  const owner = rightsOwner(session);
  const of = async (kind: "RoleBinding" | "Role") => {
    const live = isElsewhere ? await world.live(kind, name) : undefined;
    const found = [...world.cachedAll(kind), ...(live === undefined ? [] : [live])];
    const own = found.filter(
      ({ metadata }) => metadata.namespace !== session.metadata.namespace && metadata.annotations?.[RIGHTS_OF] === owner,
    );
    return [...new Map(own.map((each) => [each.metadata.uid, each])).values()];
  };
  return [...(await of("RoleBinding")), ...(await of("Role"))];
}
