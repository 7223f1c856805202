// What a restore needs before it may begin, looked at in this order; after the first thing that is missing nothing further is looked at.
import { ClusterRefusedError, describeError, type HoldfastError, ParameterError } from "../../runner/errors.ts";
import type { AppBinding, Repository } from "../../runner/kubernetes/cluster.ts";
import { parseObject } from "../../runner/kubernetes/parse-object.ts";
import { locationOf } from "../../runner/kubernetes/repository-backend.ts";
import { type RunRequest, restoreRequest } from "../../runner/kubernetes/resolve-request.ts";
import { resolveFromCluster } from "../../runner/kubernetes/resolve-with-cluster.ts";
import type { Condition } from "../../runner/kubernetes/status-condition.ts";
import { assertUsageAllowed } from "../../runner/kubernetes/usage-policy.ts";
import { jobAccount, jobRights } from "../build/job-rbac.ts";
import { restoreDeadline, restoreJob } from "../build/restore-job.ts";
import { jobSettings } from "../build/session-job.ts";
import type { Preparation } from "../decide/observed-restore.ts";
import type { LiveObject, WantedObject } from "../objects.ts";
import type { World } from "../world.ts";

/** @throws ClusterUnavailableError when the cluster does not answer */
export async function prepareRestore(live: LiveObject, world: World): Promise<Preparation> {
  const conditions: Condition[] = [];
  const found = <T>(type: FindingType, look: () => Promise<T>) => find(type, { look, conditions });
  const checked = await found("ValidationPassed", async () => checkSession(live));
  if (checked === undefined) return { conditions };
  conditions.pop();
  const { request, deadline } = checked;
  const repository = await found("RepositoryFound", () => findRepository(request, world));
  if (repository === undefined) return { conditions, deadline };
  const isAllowed = await found("ValidationPassed", () => checkUse(request, { repository, world }));
  if (isAllowed === undefined) return { conditions, deadline };
  const isOpen = await found("BackendSecretFound", () => findSecret(repository, world));
  if (isOpen === undefined) return { conditions, deadline };
  const appBinding = await found("RestoreTargetFound", () => findTarget(request, world));
  if (appBinding === undefined) return { conditions, deadline };
  return { conditions, deadline, ...(await makePlan({ ...checked, live, repository, appBinding }, world)) };
}

type FindingType = "RepositoryFound" | "BackendSecretFound" | "ValidationPassed" | "RestoreTargetFound";

/** Reasons for True, False and Unknown. */
const REASONS: Readonly<Record<FindingType, readonly [string, string, string]>> = {
  RepositoryFound: ["RepositoryAvailable", "RepositoryNotAvailable", "UnableToCheckRepositoryAvailability"],
  BackendSecretFound: ["BackendSecretAvailable", "BackendSecretNotAvailable", "UnableToCheckBackendSecretAvailability"],
  ValidationPassed: ["ResourceValidationPassed", "ResourceValidationFailed", "UnableToValidateResource"],
  RestoreTargetFound: ["TargetAvailable", "TargetNotAvailable", "UnableToCheckTargetAvailability"],
};

const GOOD: Readonly<Record<FindingType, string>> = {
  RepositoryFound: "The Repository is there",
  BackendSecretFound: "The Repository's storage Secret is there",
  ValidationPassed: "The restore is one that can be served",
  RestoreTargetFound: "The target is there",
};

/** Looks, and notes what came of it; `undefined` when it is not as it has to be. */
async function find<T>(
  type: FindingType,
  { look, conditions }: { look: () => Promise<T>; conditions: Condition[] },
): Promise<T | undefined> {
  const [good, bad, unknown] = REASONS[type];
  try {
    const result = await look();
    conditions.push({ type, status: "True", reason: good, message: GOOD[type] });
    return result;
  } catch (error) {
    if (error instanceof ParameterError) conditions.push({ type, status: "False", reason: bad, message: wordsOf(error) });
    else if (error instanceof ClusterRefusedError) conditions.push({ type, status: "Unknown", reason: unknown, message: wordsOf(error) });
    else throw error;
    return undefined;
  }
}

interface CheckedSession {
  readonly request: RunRequest;
  readonly deadline: Date | undefined;
}

function checkSession(live: LiveObject): CheckedSession {
  const { namespace = "", name } = live.metadata;
  const session = parseObject("RestoreSession", live, { name: `${namespace}/${name}` });
  const request = restoreRequest(session);
  const isForeign = request.appBinding.namespace !== namespace;
  if (isForeign && (request.runtimeSettings?.pod?.serviceAccountName ?? "") === "") {
    throw new ParameterError(`${request.origin}: its target lies in namespace "${request.appBinding.namespace}"`, {
      hint: "Name a ServiceAccount in spec.runtimeSettings.pod.serviceAccountName that may read the AppBinding and its Secrets there",
    });
  }
  return { request, deadline: restoreDeadline(live) };
}

async function findRepository({ repository }: RunRequest, { cluster }: World): Promise<Repository> {
  const found = await cluster.repository(repository);
  if (found.metadata.deletionTimestamp === undefined) return found;
  throw new ParameterError(`Repository "${repository.namespace}/${repository.name}" is being deleted`);
}

async function checkUse(request: RunRequest, { repository, world }: { repository: Repository; world: World }): Promise<true> {
  await assertUsageAllowed(world.cluster, repository, { fromNamespace: request.session.namespace });
  // No Job is made that would find out only then.
  locationOf(repository);
  return true;
}

async function findSecret({ metadata: { namespace, name }, spec }: Repository, { cluster }: World): Promise<true> {
  const secret = spec.backend.storageSecretName;
  if (secret === undefined) {
    throw new ParameterError(`Repository "${namespace}/${name}" names no spec.backend.storageSecretName`, {
      hint: `Name a Secret of namespace "${namespace}" that has RESTIC_PASSWORD`,
    });
  }
  await cluster.secret({ namespace, name: secret });
  return true;
}

async function findTarget({ appBinding }: RunRequest, { cluster }: World): Promise<AppBinding> {
  const found = await cluster.appBinding(appBinding);
  if (found.metadata.deletionTimestamp === undefined) return found;
  throw new ParameterError(`AppBinding "${appBinding.namespace}/${appBinding.name}" is being deleted`);
}

type Found = CheckedSession & { readonly live: LiveObject; readonly repository: Repository; readonly appBinding: AppBinding };

async function makePlan(found: Found, world: World): Promise<Pick<Preparation, "plan" | "unresolvable">> {
  const { request, deadline, live, repository, appBinding } = found;
  const settings = { ...jobSettings(world.settings), serviceAccountName: jobAccount(request, live) };
  try {
    const resolved = await resolveFromCluster(request, { cluster: world.cluster, settings });
    const job = restoreJob(resolved, { deadline, now: world.now() });
    const rights = jobRights(request, { invoker: live, appBinding, repository, settings: world.settings });
    return { plan: { rights, claim: resolved.claim as WantedObject | undefined, job, labels: kubedbLabels(appBinding) } };
  } catch (error) {
    if (error instanceof ParameterError) return { unresolvable: wordsOf(error) };
    throw error;
  }
}

const KUBEDB_LABELS = ["app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/name"];

function kubedbLabels({ metadata: { labels = {} } }: AppBinding): Readonly<Record<string, string>> {
  if (labels["app.kubernetes.io/managed-by"] !== "kubedb.com") return {};
  return Object.fromEntries(KUBEDB_LABELS.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
}

function wordsOf(error: HoldfastError): string {
  return error.hint === undefined ? describeError(error) : `${describeError(error)}; ${error.hint}`;
}
