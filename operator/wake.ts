// Which objects are to be looked at when one of them changed. Being woken for nothing costs a look at the caches; not being woken costs minutes.
import { isDeepStrictEqual } from "node:util";
import type { ObjectName } from "../runner/kubernetes/cluster.ts";
import { RIGHTS_OF } from "./build/job-rbac.ts";
import { isRetryOpen } from "./decide/session-facts.ts";
import type { WatchedKind } from "./kinds.ts";
import { isTriggerJob, JOB_NAME_LABEL } from "./names.ts";
import { controllerOf, type Fields, isBeingDeleted, type LiveObject } from "./objects.ts";
import type { World } from "./world.ts";

export interface Waking {
  /** Kind of the reconciler's keys. */
  readonly kind: WatchedKind;
  readonly name: ObjectName;
}

export interface Change {
  readonly kind: WatchedKind;
  readonly before: LiveObject | undefined;
  readonly after: LiveObject | undefined;
}

type Caches = Pick<World, "cached" | "cachedIn" | "cachedAll">;

/** Jobs of CronJobs have a reconciler of their own; those of sessions are looked at with their session. */
export function wakings(change: Change, caches: Caches): readonly Waking[] {
  const object = change.after ?? change.before;
  if (object === undefined) return [];
  switch (change.kind) {
    case "BackupConfiguration":
      return [...own(change), ...waitingSessionsOf(object, caches), ...leftRepositories(change)];
    case "BackupSession":
      return [...own(change), ...(isRival(change.before) && !isRival(change.after) ? waitingSessions(caches) : [])];
    case "BackupBatch":
    case "RestoreBatch":
    case "RestoreSession":
      return [...own(change), ...leftRepositories(change)];
    case "BackupBlueprint":
      return own(change);
    case "Repository":
      // One that is to be deleted waits for its list of users, which is status.
      if (isOnlyStatus(change)) return isBeingDeleted(object) ? own(change) : [];
      return [...own(change), ...usersOf(object, caches, repositoryOf)];
    case "AppBinding":
      return isOnlyStatus(change) ? [] : usersOf(object, caches, targetOf);
    case "CronJob":
      return isOnlyStatus(change) ? [] : ownersOf(change);
    case "Job":
      return isTriggerJob(object) ? own(change) : ownersOf(change);
    case "Pod":
      return ownersOfPod(object, caches);
    case "ServiceAccount":
    case "Role":
    case "RoleBinding":
      // What a pass has just made needs no other pass.
      return change.before === undefined || isOnlyStatus(change) ? [] : ownersOf(change);
  }
}

function own({ kind, before, after }: Change): readonly Waking[] {
  const object = after ?? before;
  return object === undefined ? [] : [{ kind, name: nameOf(object) }];
}

/** Neither a new generation, nor another label, nor a deletion. */
function isOnlyStatus({ before, after }: Change): boolean {
  if (before === undefined || after === undefined || before.metadata.uid !== after.metadata.uid) return false;
  const facts = ({ metadata: { resourceVersion: _, ...metadata }, status: __, ...rest }: LiveObject) => ({ ...rest, metadata });
  return isDeepStrictEqual(facts(before), facts(after));
}

const OWNERS: readonly string[] = ["BackupConfiguration", "BackupSession", "RestoreSession"] satisfies readonly WatchedKind[];

/** Who answers for it, and who did before. */
function ownersOf({ before, after }: Pick<Change, "before" | "after">): readonly Waking[] {
  const owners = [after, before].flatMap((object) => (object === undefined ? [] : ownerOf(object)));
  return owners.filter((owner, index) => owners.findIndex((other) => isDeepStrictEqual(other, owner)) === index);
}

function ownerOf(object: LiveObject): readonly Waking[] {
  const owner = controllerOf(object);
  if (owner === undefined) return namedOwnerOf(object);
  return OWNERS.includes(owner.kind)
    ? [{ kind: owner.kind as WatchedKind, name: { namespace: object.metadata.namespace ?? "", name: owner.name } }]
    : [];
}

/** Rights in another namespace than their owner's can name it in words only. */
function namedOwnerOf({ metadata }: LiveObject): readonly Waking[] {
  const [kind = "", namespace, name] = metadata.annotations?.[RIGHTS_OF]?.split("/") ?? [];
  return OWNERS.includes(kind) && namespace && name ? [{ kind: kind as WatchedKind, name: { namespace, name } }] : [];
}

/** A pod that comes before its Job needs nobody: the Job itself wakes then, and the pod is in memory already. */
function ownersOfPod(pod: LiveObject, { cached }: Caches): readonly Waking[] {
  const name = pod.metadata.labels?.[JOB_NAME_LABEL] ?? controllerOf(pod)?.name;
  if (name === undefined) return [];
  const job = cached("Job", { namespace: pod.metadata.namespace ?? "", name });
  if (job === undefined) return [];
  return isTriggerJob(job) ? [{ kind: "Job", name: nameOf(job) }] : ownerOf(job);
}

/** Sessions of this invoker that have not begun: whether it is ready decides whether they may. */
function waitingSessionsOf({ metadata }: LiveObject, { cachedIn }: Caches): readonly Waking[] {
  const sessions = cachedIn("BackupSession", metadata.namespace ?? "").filter(isWaiting);
  return sessions.filter(({ spec }) => (spec?.invoker as Fields | undefined)?.name === metadata.name).map(asBackupSession);
}

/** Whoever waited for one that is over: those with the same target, those whose next try is due; and the CPU for the others is nothing. */
function waitingSessions({ cachedAll }: Caches): readonly Waking[] {
  return cachedAll("BackupSession")
    .filter((session) => isWaiting(session) || isRetryOpen(session))
    .map(asBackupSession);
}

/** A Repository that its user does not name any more, or whose user is gone, may be one that waits for that. */
function leftRepositories({ before, after }: Change): readonly Waking[] {
  const former = before && repositoryOf(before);
  if (former === undefined) return [];
  const isKept = after !== undefined && !isBeingDeleted(after) && isDeepStrictEqual(former, repositoryOf(after));
  return isKept ? [] : [{ kind: "Repository", name: former }];
}

function usersOf(object: LiveObject, { cachedAll }: Caches, reference: (user: LiveObject) => ObjectName | undefined): readonly Waking[] {
  const { namespace = "", name } = object.metadata;
  const isUser = (user: LiveObject) => {
    const used = reference(user);
    return used?.namespace === namespace && used.name === name;
  };
  return (["BackupConfiguration", "RestoreSession"] as const).flatMap((kind) =>
    cachedAll(kind)
      .filter((user) => isUser(user) && !isOver(user))
      .map((user) => ({ kind, name: nameOf(user) })),
  );
}

function repositoryOf({ metadata, spec }: LiveObject): ObjectName | undefined {
  return referenceFrom(spec?.repository, metadata.namespace);
}

function targetOf({ metadata, spec }: LiveObject): ObjectName | undefined {
  return referenceFrom((spec?.target as Fields | undefined)?.ref, metadata.namespace);
}

function referenceFrom(reference: unknown, namespace = ""): ObjectName | undefined {
  const { name, namespace: own } = (reference ?? {}) as { name?: string; namespace?: string };
  return name === undefined ? undefined : { namespace: own || namespace, name };
}

function isWaiting({ status }: LiveObject): boolean {
  return status?.phase === undefined || status.phase === "Pending";
}

/** Whether others may have to wait for it. */
function isRival(session: LiveObject | undefined): boolean {
  return session !== undefined && !isOver(session) && !isBeingDeleted(session);
}

function isOver({ status }: LiveObject): boolean {
  return ["Succeeded", "Failed", "Skipped", "Unknown"].includes(String(status?.phase));
}

function asBackupSession(session: LiveObject): Waking {
  return { kind: "BackupSession", name: nameOf(session) };
}

function nameOf({ metadata }: LiveObject): ObjectName {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}
