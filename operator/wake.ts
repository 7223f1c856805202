// Which objects are to be looked at when one of them changed. Being woken for nothing costs a look at the caches; not being woken costs minutes.
import { isDeepStrictEqual } from "node:util";
import type { ObjectName } from "../runner/kubernetes/cluster.ts";
import type { WatchedKind } from "./kinds.ts";
import { TRIGGER_LABEL } from "./names.ts";
import { controllerOf, type Fields, type LiveObject } from "./objects.ts";
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
      return [...own(change), ...waitingSessionsOf(object, caches)];
    case "BackupSession":
      return [...own(change), ...(isOver(change.after) && !isOver(change.before) ? waitingSessions(caches) : [])];
    case "BackupBatch":
    case "RestoreBatch":
    case "BackupBlueprint":
    case "RestoreSession":
      return own(change);
    case "Repository":
      return isOnlyStatus(change) ? [] : [...own(change), ...usersOf(object, caches, repositoryOf)];
    case "AppBinding":
      return isOnlyStatus(change) ? [] : usersOf(object, caches, targetOf);
    case "CronJob":
      return isOnlyStatus(change) ? [] : ownerOf(object);
    case "Job":
      return object.metadata.labels?.[TRIGGER_LABEL] === "true" ? own(change) : ownerOf(object);
    case "Pod":
      return ownersOfPod(object, caches);
    case "ServiceAccount":
    case "Role":
    case "RoleBinding":
      // What a pass has just made needs no other pass.
      return change.before === undefined || isOnlyStatus(change) ? [] : ownerOf(object);
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

function ownerOf(object: LiveObject): readonly Waking[] {
  const owner = controllerOf(object);
  const kinds: readonly string[] = ["BackupConfiguration", "BackupSession", "RestoreSession"];
  if (owner === undefined || !kinds.includes(owner.kind)) return [];
  return [{ kind: owner.kind as WatchedKind, name: { namespace: object.metadata.namespace ?? "", name: owner.name } }];
}

function ownersOfPod(pod: LiveObject, { cached }: Caches): readonly Waking[] {
  const name = pod.metadata.labels?.["batch.kubernetes.io/job-name"] ?? controllerOf(pod)?.name;
  if (name === undefined) return [];
  const job = cached("Job", { namespace: pod.metadata.namespace ?? "", name });
  return job === undefined || job.metadata.labels?.[TRIGGER_LABEL] === "true" ? [] : ownerOf(job);
}

/** Sessions of this invoker that have not begun: whether it is ready decides whether they may. */
function waitingSessionsOf({ metadata }: LiveObject, { cachedIn }: Caches): readonly Waking[] {
  const sessions = cachedIn("BackupSession", metadata.namespace ?? "").filter(isWaiting);
  return sessions.filter(({ spec }) => (spec?.invoker as Fields | undefined)?.name === metadata.name).map(asBackupSession);
}

/** Whoever waited for one that is over: those with the same target, and the CPU for the others is nothing. */
function waitingSessions({ cachedAll }: Caches): readonly Waking[] {
  return cachedAll("BackupSession").filter(isWaiting).map(asBackupSession);
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

function isOver(session: LiveObject | undefined): boolean {
  return ["Succeeded", "Failed", "Skipped", "Unknown"].includes(String(session?.status?.phase));
}

function asBackupSession(session: LiveObject): Waking {
  return { kind: "BackupSession", name: nameOf(session) };
}

function nameOf({ metadata }: LiveObject): ObjectName {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}
