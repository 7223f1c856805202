import { ParameterError } from "./errors.ts";
import type { Cluster } from "./kubernetes/cluster.ts";
import { openFileCluster } from "./kubernetes/file-cluster.ts";

export interface ClusterParameters {
  readonly manifests: string | undefined;
}

/** The cluster that the parameters name, opened once, when it is first asked for: whoever uses files alone never waits for a client. */
export function clusterOpener(parameters: ClusterParameters): () => Promise<Cluster> {
  let opened: Promise<Cluster> | undefined;
  return () => {
    opened ??= open(parameters);
    return opened;
  };
}

async function open({ manifests }: ClusterParameters): Promise<Cluster> {
  if (manifests !== undefined) return openFileCluster(manifests);
  throw new ParameterError("--manifests is required: the files that hold the objects");
}
