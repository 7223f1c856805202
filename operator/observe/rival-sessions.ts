import type { TargetRef } from "../../runner/kubernetes/status-target.ts";
import { invokerOf, isFinal } from "../decide/session-facts.ts";
import { isBeingDeleted, type LiveObject } from "../objects.ts";
import type { World } from "../world.ts";
import { targetOfConfiguration, targetRefOf } from "./session-target.ts";

export interface RivalSearch {
  readonly world: World;
  readonly target: TargetRef;
  /** Every session of this one's namespace, asked of the server. */
  readonly found: readonly LiveObject[];
}

/**
 * Other sessions, of this invoker as of others in any namespace, that back up the same target and have not ended. The server is asked for every namespace in which the cache knows
 * an invoker with this target; of the session's own it has been asked already.
 */
export async function observeRivals(session: LiveObject, { world, target, found }: RivalSearch): Promise<readonly LiveObject[]> {
  const own = session.metadata.namespace ?? "";
  const isSameTarget = (ref: TargetRef | undefined) => ref !== undefined && key(ref) === key(target);
  const invokers = world.cachedAll("BackupConfiguration").filter((invoker) => isSameTarget(targetOfConfiguration(invoker)));
  const elsewhere = [...new Set(invokers.map(({ metadata }) => metadata.namespace ?? ""))].filter((namespace) => namespace !== own);
  const others = await Promise.all(elsewhere.map((namespace) => world.liveIn("BackupSession", namespace)));
  const isRival = (other: LiveObject) => {
    if (other.metadata.uid === session.metadata.uid || isFinal(other) || isBeingDeleted(other)) return false;
    const { kind, namespace, name } = invokerOf(other);
    const invoker = kind === "BackupConfiguration" ? world.cached("BackupConfiguration", { namespace, name }) : undefined;
    return isSameTarget(targetRefOf(other, invoker));
  };
  return [...found, ...others.flat()].filter(isRival);
}

/** A Kubernetes name holds no slash. */
function key({ kind, namespace, name }: TargetRef): string {
  return `${kind}/${namespace}/${name}`;
}
