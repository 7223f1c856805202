import { ParameterError } from "../errors.ts";
import type { Repository, StashFunction, Task } from "./cluster.ts";
import { resolveContainer } from "./resolve-container.ts";
import { jobName } from "./resolve-names.ts";
import type { Job, ObjectMetadata, PodSpec, VolumeClaim } from "./resolve-objects.ts";
import type { RunRequest } from "./resolve-request.ts";
import { INTERIM_VOLUME, type PodVolumes, podVolumes } from "./resolve-volumes.ts";
import { jobVariables, type ResolveSettings } from "./task-variables.ts";

export interface ResolveParts {
  readonly task: Task;
  /** Of the Task as chosen for this request. */
  readonly params: Readonly<Record<string, string>>;
  /** Every Function that a step names. */
  readonly functions: ReadonlyMap<string, StashFunction>;
  readonly repository: Repository;
  readonly settings: ResolveSettings;
}

export interface ResolvedJob {
  readonly job: Job;
  /** To be made before the Job, when the invoker describes an interim volume and a Function mounts it. */
  readonly claim: VolumeClaim | undefined;
}

/**
 * The Job that does one request: a container a step, one after the other, all but the last as init containers. Nothing is made of what
 * cannot be resolved whole. @throws ParameterError naming the object and the field
 */
export function resolveJob(request: RunRequest, parts: ResolveParts): ResolvedJob {
  const { task, params, repository, settings } = parts;
  const steps = task.spec?.steps ?? [];
  const hasInterimVolume =
    request.interimVolumeTemplate !== undefined && steps.some(({ name }) => mountsInterim(parts.functions.get(name)));
  const variables = jobVariables(request, { repository, params, settings, hasInterimVolume });
  const volumes = podVolumes(request, { task, repository, variables, hasInterimVolume });
  if (steps.length === 0) throw new ParameterError(`Task "${task.metadata.name}" has no steps: nothing would be done`);
  const containers = steps.map((step, index) => {
    const fn = parts.functions.get(step.name);
    if (fn === undefined) throw new ParameterError(`Task "${task.metadata.name}" names the Function "${step.name}", which is missing`);
    return resolveContainer(fn, {
      step: index,
      params: step.params,
      variables,
      image: settings.image,
      settings: request.runtimeSettings?.container,
      mounts: volumes.mounts,
      isLast: index === steps.length - 1,
    });
  });
  assertVolumesAreThere(containers, volumes);
  const spec: PodSpec = {
    ...(containers.length > 1 ? { initContainers: containers.slice(0, -1) } : {}),
    containers: containers.slice(-1),
    volumes: volumes.volumes,
    restartPolicy: "Never",
    ...podSettings(request, settings),
  };
  return { job: jobAround(spec, request), claim: claimOf(request, volumes) };
}

/** A Function that does not name the volume does not work on it: ours never do, and a claim for nothing would hold the pod up, and cost. */
function mountsInterim(fn: StashFunction | undefined): boolean {
  return (fn?.spec?.volumeMounts ?? []).some(({ name }) => name === INTERIM_VOLUME);
}

function jobAround(spec: PodSpec, request: RunRequest): Job {
  const { podAnnotations, podLabels } = request.runtimeSettings?.pod ?? {};
  const labels = labelsOf(request);
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadataOf(request, jobName(request.session, request.targetIndex)),
    spec: {
      backoffLimit: 0,
      // Changes nothing in what happens, since nothing is tried again anyway, but the Job then names the container and its exit code.
      podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "NotIn", values: [0] } }] },
      template: {
        metadata: { labels: { ...podLabels, ...labels }, ...(podAnnotations === undefined ? {} : { annotations: podAnnotations }) },
        spec,
      },
    },
  };
}

/** Of the Pod's settings, those that stand in its spec under the same name. */
const POD_SETTINGS = [
  ...(["nodeSelector", "automountServiceAccountToken", "nodeName", "securityContext", "imagePullSecrets", "affinity"] as const),
  ...(["schedulerName", "tolerations", "priorityClassName", "priority", "readinessGates", "runtimeClassName"] as const),
  ...(["enableServiceLinks", "topologySpreadConstraints"] as const),
] as const;

/** Those that are used elsewhere. `serviceAccountAnnotations` are for whoever makes the service account. */
const OTHER_POD_SETTINGS = ["podLabels", "podAnnotations", "serviceAccountName", "serviceAccountAnnotations"] as const;

/** What an invoker's settings say of a Pod, as it stands in the Pod's spec. @throws ParameterError for a setting that is not known */
export function podSettings(
  { runtimeSettings, origin }: Pick<RunRequest, "runtimeSettings" | "origin">,
  settings: Pick<ResolveSettings, "serviceAccountName">,
): Readonly<Record<string, unknown>> {
  const pod = runtimeSettings?.pod ?? {};
  const known: readonly string[] = [...POD_SETTINGS, ...OTHER_POD_SETTINGS];
  const unknown = Object.keys(pod).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ParameterError(`${origin}: runtimeSettings.pod.${unknown} is not supported`, { reason: "NotSupported" });
  const serviceAccountName = pod.serviceAccountName || settings.serviceAccountName;
  const taken = POD_SETTINGS.filter((name) => pod[name] !== undefined).map((name) => [name, pod[name]]);
  return { ...(serviceAccountName ? { serviceAccountName } : {}), ...Object.fromEntries(taken) };
}

function claimOf(request: RunRequest, { claim }: PodVolumes): VolumeClaim | undefined {
  if (claim === undefined) return undefined;
  const spec = request.interimVolumeTemplate?.spec;
  if (spec === undefined) throw new ParameterError(`${request.origin}: interimVolumeTemplate.spec is missing`);
  return { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: metadataOf(request, claim), spec };
}

function metadataOf(request: RunRequest, name: string): ObjectMetadata {
  const { session } = request;
  const owner = session.uid && {
    apiVersion: "stash.appscode.com/v1beta1",
    kind: session.kind,
    name: session.name,
    uid: session.uid,
    controller: true as const,
    blockOwnerDeletion: true as const,
  };
  return { name, namespace: session.namespace, labels: labelsOf(request), ...(owner ? { ownerReferences: [owner] } : {}) };
}

function labelsOf({ invoker, work }: RunRequest): Readonly<Record<string, string>> {
  return {
    ...invoker.labels,
    "app.kubernetes.io/component": `stash-${work.direction}`,
    "app.kubernetes.io/managed-by": "stash.appscode.com",
  };
}

function assertVolumesAreThere(containers: PodSpec["containers"], { volumes }: PodVolumes): void {
  const names = volumes.map(({ name }) => name);
  for (const container of containers) {
    const devices = (container.volumeDevices ?? []) as readonly { readonly name: string }[];
    const missing = [...container.volumeMounts, ...devices].find(({ name }) => !names.includes(name));
    if (missing === undefined) continue;
    throw new ParameterError(`Container "${container.name}" mounts the volume "${missing.name}", which the Task does not have`);
  }
}
