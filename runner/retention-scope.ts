import type { BackupInvoker } from "./kubernetes/cluster.ts";
import type { RetentionScope } from "./snapshot/retention.ts";

/** The host name of a target without an alias. */
export const DEFAULT_HOST = "host-0";

/** The snapshots that are an invoker's own: those of its targets under its aliases, although others may share the repository. */
export function retentionScope(invoker: BackupInvoker): RetentionScope {
  const targets = invoker.kind === "BackupBatch" ? (invoker.spec.members ?? []).map(({ target }) => target) : [invoker.spec.target];
  const { namespace: own = "" } = invoker.metadata;
  return targets.flatMap((target) => {
    const { kind, name, namespace } = target?.ref ?? {};
    if (kind === undefined || name === undefined) return [];
    return [{ target: { namespace: namespace || own, kind, name }, hosts: [target?.alias || DEFAULT_HOST] }];
  });
}
