import type { ObjectName } from "../../runner/kubernetes/cluster.ts";
import { jobName } from "../../runner/kubernetes/resolve-names.ts";
import { findCondition } from "../../runner/kubernetes/status-condition.ts";
import { RIGHTS_OF, rightsOwner } from "../build/job-rbac.ts";
import type { ObservedRestore, StartedRestore } from "../decide/observed-restore.ts";
import { bindingKey, typeOfBinding } from "../decide/session-metrics.ts";
import { foreignRoleName, JOB_CREATED } from "../names.ts";
import { controllerOf, isBeingDeleted, type LiveObject } from "../objects.ts";
import type { World } from "../world.ts";
import { prepareRestore } from "./prepare-restore.ts";

const FINAL: readonly unknown[] = ["Succeeded", "Failed", "Unknown"];

/** What there is of one restore. `undefined` when the session is gone. @throws ClusterUnavailableError, ClusterRefusedError as World does */
export async function observeRestoreSession(name: ObjectName, world: World): Promise<ObservedRestore | undefined> {
  const cached = world.cached("RestoreSession", name);
  if (cached === undefined) return undefined;
  if (isBeingDeleted(cached)) return { stage: "deleted", session: cached, foreignRights: await findForeignRights(cached, world) };
  if (FINAL.includes(cached.status?.phase)) return { stage: "over" };
  const work = await findWork(cached, world);
  // A restore is made once and its outcome written once: neither is decided from a memory that may lag.
  const session = await world.live("RestoreSession", name);
  if (session === undefined || session.metadata.uid !== cached.metadata.uid) return undefined;
  if (isBeingDeleted(session)) return { stage: "deleted", session, foreignRights: await findForeignRights(session, world) };
  if (FINAL.includes(session.status?.phase)) return { stage: "over" };
  if (hasStarted(session)) return { stage: "started", session, ...work, appBindingTypes: bindingTypes(session, world) };
  return { stage: "new", session, preparation: await prepareRestore(session, world) };
}

/** From here on the Job is never made again. */
function hasStarted({ metadata, status }: LiveObject): boolean {
  return metadata.annotations?.[JOB_CREATED] !== undefined || findCondition(status ?? {}, "RestoreExecutorEnsured") !== undefined;
}

/** The caches, as long as they show a Job that works: all else is asked of the server. */
async function findWork(session: LiveObject, world: World): Promise<Pick<StartedRestore, "job" | "pods">> {
  const { namespace = "", name: sessionName, uid } = session.metadata;
  const name = { namespace, name: jobName({ kind: "RestoreSession", name: sessionName }, 0) };
  const isOwn = (job: LiveObject | undefined) => job !== undefined && controllerOf(job)?.uid === uid;
  const cached = world.cached("Job", name);
  const isWorking = isOwn(cached) && !hasEnded(cached);
  const job = isWorking ? cached : await world.live("Job", name);
  if (job === undefined || !isOwn(job)) return { job: undefined, pods: [] };
  const pods = isWorking ? world.cachedIn("Pod", namespace) : await world.liveIn("Pod", namespace);
  return { job, pods: pods.filter((pod) => controllerOf(pod)?.uid === job.metadata.uid) };
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
async function findForeignRights(session: LiveObject, world: World): Promise<readonly LiveObject[]> {
  const { namespace } = (session.spec?.repository ?? {}) as { readonly namespace?: string };
  if (!namespace || namespace === session.metadata.namespace) return [];
  const name = { namespace, name: foreignRoleName(session, 0) };
  const found = await Promise.all((["RoleBinding", "Role"] as const).map((kind) => world.live(kind, name)));
  const owner = rightsOwner(session);
  return found.filter((object) => object !== undefined).filter(({ metadata }) => metadata.annotations?.[RIGHTS_OF] === owner);
}
