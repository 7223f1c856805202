import type { Cluster } from "../../../runner/kubernetes/cluster.ts";

const PATIENCE_MS = 300;

/** The same cluster, which believes a refusal soon: where all rights are in force already, doubting each for two seconds proves nothing. */
export function impatientCluster(cluster: Cluster): Cluster {
  return new Proxy(cluster, {
    get: (target, name) => {
      const verb: unknown = Reflect.get(target, name);
      if (typeof verb !== "function") return verb;
      // Options are the last parameter of every verb.
      const last = verb.length - 1;
      return (...args: readonly unknown[]) =>
        verb.call(target, ...Array.from({ length: last }, (_, index) => args[index]), {
          ...(args[last] as object | undefined),
          patienceMs: PATIENCE_MS,
        });
    },
  });
}
