import type { Cluster } from "./kubernetes/cluster.ts";
import { openFileCluster } from "./kubernetes/file-cluster.ts";

export interface ClusterParameters {
  readonly manifests: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly master: string | undefined;
}

export interface ClusterSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  warn(reason: string, message: string): void;
}

/** The cluster that the parameters name, opened once, when it is first asked for: whoever uses files alone never waits for a client. */
export function clusterOpener(parameters: ClusterParameters, surroundings: ClusterSurroundings): () => Promise<Cluster> {
  let opened: Promise<Cluster> | undefined;
  return () => {
    opened ??= open(parameters, surroundings);
    return opened;
  };
}

async function open(parameters: ClusterParameters, { environment, signal, warn }: ClusterSurroundings): Promise<Cluster> {
  const { manifests, kubeconfig, master } = parameters;
  if (manifests !== undefined) return openFileCluster(manifests);
  const { openApiCluster } = await import("./kubernetes/api-cluster.ts");
  return openApiCluster({ kubeconfig, master, environment, signal, warn: (message) => warn("ClusterWarning", message) });
}
