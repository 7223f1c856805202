import { ParameterError } from "../../runner/errors.ts";
import type { AppBinding, Repository } from "../../runner/kubernetes/cluster.ts";
import { parseDuration } from "../../runner/kubernetes/go-format.ts";
import { locationOf } from "../../runner/kubernetes/repository-backend.ts";
import { podSettings } from "../../runner/kubernetes/resolve-job.ts";
import { repositoryVariables } from "../../runner/kubernetes/resolve-repository-variables.ts";
import { backupRequest, type RetentionPolicy, type RunRequest } from "../../runner/kubernetes/resolve-request.ts";
import { podVolumes } from "../../runner/kubernetes/resolve-volumes.ts";
import { chooseTask } from "../../runner/kubernetes/task-variables.ts";
import type { BackupConfiguration } from "./observed-configuration.ts";

export interface JudgedParts {
  /** Absent while it is not there. */
  readonly repository: Repository | undefined;
  readonly appBinding: AppBinding | undefined;
}

/**
 * What a session of this BackupConfiguration would do. @throws ParameterError for everything that would make each of them fail, as far as that can be told today: a person reads it
 * while he changes the object, not in the night
 */
export function judgeConfiguration(configuration: BackupConfiguration, { repository, appBinding }: JudgedParts): RunRequest {
  const { metadata, spec } = configuration;
  const request = backupRequest(configuration, { session: { name: metadata.name }, targetIndex: 0 });
  const { origin } = request;
  if ((spec.schedule ?? "").trim() === "") {
    throw new ParameterError(`${origin}: it has no schedule`, { hint: 'Say in spec.schedule when to back up, such as "0 3 * * *"' });
  }
  assertKeepsSomething(spec.retentionPolicy, origin);
  assertDurations(configuration, origin);
  assertAccountForForeignTarget(request);
  podSettings(request, {});
  if (repository !== undefined) assertServed(repository, request);
  if (appBinding !== undefined) chooseTask(appBinding, request);
  return request;
}

function assertKeepsSomething(policy: RetentionPolicy, origin: string): void {
  const { keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, keepTags = [] } = policy;
  const counts = [keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly];
  if (keepTags.length > 0 || counts.some((count = 0) => count > 0)) return;
  throw new ParameterError(`${origin}: the retentionPolicy "${policy.name}" keeps nothing`, {
    hint: "Set keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly or keepTags",
  });
}

function assertDurations({ spec }: BackupConfiguration, origin: string): void {
  const delay = spec.retryConfig?.delay;
  if (delay !== undefined) assertDuration(delay, `${origin}: retryConfig.delay`);
  if (spec.timeOut === undefined) return;
  if (assertDuration(spec.timeOut, `${origin}: timeOut`) > 0) return;
  throw new ParameterError(`${origin}: timeOut is "${spec.timeOut}": every session would have failed before it began`, {
    hint: 'Give it time, such as "2h", or remove timeOut',
  });
}

function assertDuration(text: string, field: string): number {
  try {
    return parseDuration(text);
  } catch (cause) {
    throw new ParameterError(`${field} is no duration`, { cause, hint: 'Write it as "30s" or "1h30m"' });
  }
}

/** Rights in a namespace that is not the invoker's are not ours to give away. */
function assertAccountForForeignTarget({ origin, session, appBinding, runtimeSettings }: RunRequest): void {
  if (appBinding.namespace === session.namespace || (runtimeSettings?.pod?.serviceAccountName ?? "") !== "") return;
  throw new ParameterError(`${origin}: its target lies in namespace "${appBinding.namespace}", where the operator gives nobody rights`, {
    hint: `Name in runtimeSettings.pod.serviceAccountName an account of namespace "${session.namespace}" that may read the AppBinding and its Secrets there`,
  });
}

/** What resolving a Job would refuse of the Repository. */
function assertServed(repository: Repository, request: RunRequest): void {
  locationOf(repository);
  repositoryVariables(repository);
  const task = { apiVersion: "stash.appscode.com/v1beta1", kind: "Task", metadata: { name: "none" } } as const;
  podVolumes(request, { task, repository, variables: new Map(), hasInterimVolume: false });
}
