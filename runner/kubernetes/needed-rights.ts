import type { BackupInvokerKind, ClusterAction, ObjectName } from "./cluster.ts";
import { type Right, type RightObject, rightsFor, type Work } from "./permissions.ts";

/** What one job works with; what is absent needs no right. */
export interface JobObjects {
  /** Namespace of the job and of its session. */
  readonly namespace: string;
  /** Name of the BackupSession, or of the RestoreSession; "*" is every one of the namespace, for a Role that is made before there is a session. */
  readonly session?: string | undefined;
  readonly invoker?: { readonly kind: BackupInvokerKind; readonly name: string } | undefined;
  readonly appBinding?: (ObjectName & { readonly secrets: readonly string[] }) | undefined;
  readonly repository?:
    | (ObjectName & {
        readonly secrets: readonly string[];
        /** Whether its usage policy asks for labels of the job's namespace. */
        readonly selectsNamespaces: boolean;
      })
    | undefined;
}

export interface NeededRight {
  readonly right: Right;
  readonly action: ClusterAction;
}

/** The rights that this job needs, each for one object by its name. */
export function neededRights(work: Work, objects: JobObjects): readonly NeededRight[] {
  return rightsFor(work).flatMap((right) => {
    const { verb, group, resource } = right;
    const namespace = { job: objects.namespace, AppBinding: objects.appBinding?.namespace, Repository: objects.repository?.namespace }[
      right.place
    ];
    if (namespace === undefined) return [];
    return namesOf(right, objects).map((name) => ({ right, action: { verb, group, resource, namespace, name } }));
  });
}

/** Undefined stands for all names. */
function namesOf({ object, place }: Right, objects: JobObjects): readonly (string | undefined)[] {
  const { appBinding, repository, invoker, session, namespace } = objects;
  const sessions = session === "*" ? [undefined] : optional(session);
  const names: Readonly<Record<RightObject, readonly (string | undefined)[]>> = {
    AppBinding: optional(appBinding?.name),
    "database Secret": appBinding?.secrets ?? [],
    Repository: optional(repository?.name),
    "storage Secret": repository?.secrets ?? [],
    "Namespace of the job": repository?.selectsNamespaces ? [namespace] : [],
    BackupSession: sessions,
    RestoreSession: sessions,
    BackupConfiguration: session === "*" ? sessions : optional(invoker?.kind === "BackupConfiguration" ? invoker.name : undefined),
    BackupBatch: session === "*" ? sessions : optional(invoker?.kind === "BackupBatch" ? invoker.name : undefined),
    // Events are about the session; where there is none, about the Repository.
    any: (place === "job") === (session !== undefined) ? [undefined] : [],
  };
  return names[object];
}

function optional(name: string | undefined): readonly string[] {
  return name === undefined ? [] : [name];
}
