import type { AppBinding, Cluster, ClusterOptions, Repository } from "./cluster.ts";
import { type ResolvedJob, resolveJob } from "./resolve-job.ts";
import type { RunRequest } from "./resolve-request.ts";
import { chooseTask, type ResolveSettings } from "./task-variables.ts";
import { assertUsageAllowed } from "./usage-policy.ts";

export interface ResolveSource extends ClusterOptions {
  readonly cluster: Cluster;
  readonly settings: ResolveSettings;
  /** Takes the place of the Task that the objects name. */
  readonly task?: string | undefined;
}

/** With the objects that it was made from. */
export interface FoundJob extends ResolvedJob {
  readonly repository: Repository;
  readonly appBinding: AppBinding;
}

/**
 * Reads everything that a request names, and makes its Job of that. @throws ParameterError for what is missing, must not be used or cannot be resolved;
 * otherwise as Cluster does
 */
export async function resolveFromCluster(request: RunRequest, source: ResolveSource): Promise<FoundJob> {
  const { cluster, settings, task: named, signal, patienceMs } = source;
  const options = { signal, patienceMs };
  const repository = await cluster.repository(request.repository, options);
  await assertUsageAllowed(cluster, repository, { ...options, fromNamespace: request.session.namespace });
  const appBinding = await cluster.appBinding(request.appBinding, options);
  const { name, params } = chooseTask(appBinding, request, named);
  const task = await cluster.task(name, options);
  const names = new Set((task.spec?.steps ?? []).map((step) => step.name));
  const functions = await Promise.all([...names].map(async (each) => [each, await cluster.stashFunction(each, options)] as const));
  const resolved = resolveJob(request, { task, params, functions: new Map(functions), repository, settings });
  return { ...resolved, repository, appBinding };
}
