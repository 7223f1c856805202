import { ParameterError } from "../errors.ts";
import type { Cluster, ClusterOptions, Repository } from "./cluster.ts";
import { matchesSelector } from "./matches-selector.ts";

/** Resolves when the Repository's usage policy lets `fromNamespace` use it: its own namespace always, others only as allowed. @throws ParameterError */
export async function assertUsageAllowed(
  cluster: Cluster,
  repository: Repository,
  options: ClusterOptions & { readonly fromNamespace: string },
): Promise<void> {
  const { fromNamespace } = options;
  const { namespace, name } = repository.metadata;
  if (fromNamespace === namespace) return;
  const allowed = repository.spec.usagePolicy?.allowedNamespaces;
  const from = allowed?.from ?? "Same";
  if (from === "All") return;
  if (from === "Selector" && allowed?.selector !== undefined) {
    const labels = await cluster.namespaceLabels(fromNamespace, options);
    if (matchesSelector(allowed.selector, labels)) return;
  }
  throw new ParameterError(`Repository "${namespace}/${name}" must not be used from namespace "${fromNamespace}"`, {
    reason: "RepositoryNotAllowed",
    hint: `Its spec.usagePolicy.allowedNamespaces.from is ${from}; allow the namespace there, or use a Repository of the same namespace`,
  });
}
