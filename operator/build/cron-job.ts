import { podSettings } from "../../runner/kubernetes/resolve-job.ts";
import { type CoreValue, type EnvironmentVariable, itemsWith } from "../../runner/kubernetes/resolve-objects.ts";
import type { RunRequest } from "../../runner/kubernetes/resolve-request.ts";
import { cronJobName, labelsFor, ownedBy, TRIGGER_LABEL } from "../names.ts";
import type { LiveObject, WantedObject } from "../objects.ts";
import type { OperatorSettings } from "../settings.ts";

/** A trigger that could not be started for so long is left out; the controller looks every 10 s. */
const STARTING_DEADLINE_S = 600;

/** What Pod Security's level "restricted" asks for; the image's user is a number. */
const RESTRICTED: CoreValue = {
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

const RESOURCES: CoreValue = { requests: { cpu: "10m", memory: "64Mi" } };

/** Given by Kubernetes; the trigger makes the session's name from it. */
const OWN_ENVIRONMENT: readonly EnvironmentVariable[] = [
  { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
  { name: "HOLDFAST_JOB_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } } },
];

/** The CronJob's name: that of the trigger's service account and Role, too. */
export function triggerName(invoker: LiveObject, request: RunRequest): string {
  const { namespace = "", name } = invoker.metadata;
  return cronJobName({ namespace, name }, { hasForeignTarget: request.appBinding.namespace !== namespace });
}

export interface CronJobParts {
  readonly invoker: LiveObject;
  readonly schedule: string;
  readonly isPaused: boolean;
  readonly settings: Pick<OperatorSettings, "image">;
}

/** The CronJob whose pods make a BackupSession each time the schedule says so. @throws ParameterError for a setting that cannot be kept */
export function triggerCronJob(request: RunRequest, { invoker, schedule, isPaused, settings }: CronJobParts): WantedObject {
  const labels = labelsFor(invoker, "stash-backup");
  const name = triggerName(invoker, request);
  const pod = request.runtimeSettings?.pod ?? {};
  const { podLabels, podAnnotations } = pod;
  const podMetadata = { labels: { ...podLabels, ...labels }, ...(podAnnotations === undefined ? {} : { annotations: podAnnotations }) };
  const spec = {
    restartPolicy: "Never",
    containers: [triggerContainer(request, { invoker, settings })],
    ...podSettings(request, { serviceAccountName: name }),
  };
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name, namespace: invoker.metadata.namespace as string, labels, ownerReferences: [ownedBy(invoker)] },
    spec: {
      schedule,
      suspend: isPaused,
      startingDeadlineSeconds: STARTING_DEADLINE_S,
      jobTemplate: {
        metadata: { labels: { ...labels, [TRIGGER_LABEL]: "true" } },
        spec: { template: { metadata: podMetadata, spec } },
      },
    },
  };
}

function triggerContainer(request: RunRequest, { invoker, settings }: Pick<CronJobParts, "invoker" | "settings">): CoreValue {
  const { env, envFrom, resources, securityContext } = request.runtimeSettings?.container ?? {};
  const own = new Set(OWN_ENVIRONMENT.map(({ name }) => name));
  const theirs = itemsWith(env, ["name"], `${request.origin}, runtimeSettings.container.env`).filter(({ name }) => !own.has(name));
  return {
    name: "stash-trigger",
    image: settings.image,
    imagePullPolicy: "IfNotPresent",
    args: ["create-backupsession", `--invoker-name=${invoker.metadata.name}`, `--invoker-kind=${invoker.kind}`],
    env: [...uniqueByName(theirs), ...OWN_ENVIRONMENT],
    ...(envFrom === undefined ? {} : { envFrom }),
    resources: resources === undefined || Object.keys(resources).length === 0 ? RESOURCES : resources,
    securityContext: { ...RESTRICTED, ...securityContext },
  };
}

/** The last one of each name counts, as in the jobs. */
function uniqueByName(variables: readonly EnvironmentVariable[]): readonly EnvironmentVariable[] {
  return [...new Map(variables.map((variable) => [variable.name, variable])).values()];
}
