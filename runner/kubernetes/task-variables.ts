// What the templates of Tasks and Functions may name. The names are Stash's.
import { ParameterError } from "../errors.ts";
import { type AddonTask, addonTask } from "./addon-task.ts";
import type { AppBinding, Repository } from "./cluster.ts";
import { imageParts } from "./resolve-image.ts";
import { repositoryVariables } from "./resolve-repository-variables.ts";
import type { BackupWork, RestoreWork, RetentionPolicy, RunRequest } from "./resolve-request.ts";
import type { Variables } from "./substitute.ts";

export interface ResolveSettings {
  /** Takes the place of every Function's own image. */
  readonly image?: string | undefined;
  /** What ${STASH_DOCKER_REGISTRY}, ${STASH_DOCKER_IMAGE} and ${STASH_IMAGE_TAG} name; `image` when absent. */
  readonly operatorImage?: string | undefined;
  /** Where metrics are pushed; nowhere when absent. */
  readonly pushgatewayUrl?: string | undefined;
  /** The Pod runs as this one when the invoker names none. */
  readonly serviceAccountName?: string | undefined;
}

type Entry = readonly [name: string, value: string];

/**
 * The Task of a request and its parameters: the AppBinding's for the same direction, of which the invoker replaces the name and single parameters.
 * `name` replaces both names. @throws ParameterError when nobody names a Task
 */
export function chooseTask(appBinding: AppBinding, request: RunRequest, name?: string): AddonTask & { readonly name: string } {
  const { direction } = request.work;
  const addon = addonTask(appBinding, direction);
  const chosen = name || request.task?.name || addon.name;
  if (chosen === undefined) {
    const binding = `AppBinding "${appBinding.metadata.namespace}/${appBinding.metadata.name}"`;
    throw new ParameterError(`No Task is named for this ${direction}: neither by ${request.origin} nor by ${binding}`, {
      hint: `Set spec.task.name, or spec.parameters.stash.addon.${direction}Task.name of the AppBinding`,
    });
  }
  const own = (request.task?.params ?? []).map(({ name, value }) => [name, value] as const);
  return { name: chosen, params: Object.fromEntries([...Object.entries(addon.params), ...own]) };
}

/** All that the templates of one Job may name; the Task's parameters come last, so that they may replace any of the others. @throws ParameterError */
export function jobVariables(
  request: RunRequest,
  options: {
    readonly repository: Repository;
    readonly params: Readonly<Record<string, string>>;
    readonly settings: ResolveSettings;
    /** Whether the pod has the volume that the invoker's interimVolumeTemplate describes. */
    readonly hasInterimVolume?: boolean | undefined;
  },
): Variables {
  const { repository, params, settings, hasInterimVolume = false } = options;
  const { work } = request;
  return new Map<string, string>([
    ...sessionVariables(request),
    ...repositoryVariables(repository),
    ...targetVariables(request),
    ["INTERIM_DATA_DIR", `${hasInterimVolume ? "" : "/stash-tmp"}/stash-interim-volume/data`],
    ...(work.direction === "backup" ? backupVariables(work) : restoreVariables(work)),
    ...settingsVariables(request, settings),
    ...Object.entries(params),
  ]);
}

/** What one step's Function may name: the step's own parameters count least, the image last. */
export function stepVariables(
  variables: Variables,
  step: { readonly params?: readonly { readonly name: string; readonly value: string }[] | undefined; readonly image: string },
): Variables {
  const own = (step.params ?? []).map(({ name, value }): Entry => [name, value]);
  return new Map([...own, ...variables, ["ADDON_IMAGE", step.image]]);
}

function sessionVariables({ session, invoker }: RunRequest): readonly Entry[] {
  return [
    ["NAMESPACE", session.namespace],
    [session.kind === "BackupSession" ? "BACKUP_SESSION" : "RESTORE_SESSION", session.name],
    ["INVOKER_KIND", invoker.kind],
    ["INVOKER_NAME", invoker.name],
    ["PROMETHEUS_JOB_NAME", invoker.name],
  ];
}

function targetVariables({ appBinding, tempDir, work: { target } }: RunRequest): readonly Entry[] {
  const mountPath = target.volumeMounts?.[0]?.mountPath;
  return [
    ["TARGET_KIND", "AppBinding"],
    ["TARGET_NAME", appBinding.name],
    ["TARGET_NAMESPACE", appBinding.namespace],
    ["TARGET_MOUNT_PATH", typeof mountPath === "string" ? mountPath : "/stash-data"],
    ...ifAny("DRIVER_ARGS", target.args, " "),
    ["ENABLE_CACHE", String(tempDir?.disableCaching !== true)],
  ];
}

function backupVariables({ target, retentionPolicy }: BackupWork): readonly Entry[] {
  const paths = target.paths ?? [];
  return [
    ["HOSTNAME", target.alias || "host-0"],
    ["TARGET_PATHS", paths.length > 0 ? paths.join(",") : "/stash-data"],
    ...ifAny("EXCLUDE_PATTERNS", target.exclude, ","),
    ...retentionVariables(retentionPolicy),
  ];
}

function restoreVariables({ target, selection }: RestoreWork): readonly Entry[] {
  return [
    ["HOSTNAME", selection.hostname],
    ["SOURCE_HOSTNAME", selection.sourceHostname],
    ["RESTORE_PATHS", selection.paths.join(",")],
    ["RESTORE_SNAPSHOTS", selection.snapshots.join(",")],
    ["INCLUDE_PATTERNS", selection.include.join(",")],
    ["EXCLUDE_PATTERNS", selection.exclude.join(",")],
    ["TARGET_APP_REPLICAS", String(target.replicas ?? 1)],
  ];
}

function retentionVariables(policy: RetentionPolicy): readonly Entry[] {
  const counts = [
    ["RETENTION_KEEP_LAST", policy.keepLast],
    ["RETENTION_KEEP_HOURLY", policy.keepHourly],
    ["RETENTION_KEEP_DAILY", policy.keepDaily],
    ["RETENTION_KEEP_WEEKLY", policy.keepWeekly],
    ["RETENTION_KEEP_MONTHLY", policy.keepMonthly],
    ["RETENTION_KEEP_YEARLY", policy.keepYearly],
  ] as const;
  return [
    ...counts.filter(([, count = 0]) => count > 0).map(([name, count]): Entry => [name, String(count)]),
    ...ifAny("RETENTION_KEEP_TAGS", policy.keepTags, ","),
    ...(policy.prune ? [["RETENTION_PRUNE", "true"] as const] : []),
    ...(policy.dryRun ? [["RETENTION_DRY_RUN", "true"] as const] : []),
  ];
}

function settingsVariables({ origin }: RunRequest, settings: ResolveSettings): readonly Entry[] {
  const { operatorImage: image = settings.image, pushgatewayUrl } = settings;
  const parts = image === undefined ? undefined : imageParts(image, origin);
  return [
    ...(parts === undefined
      ? []
      : ([
          ["STASH_DOCKER_REGISTRY", parts.registry],
          ["STASH_DOCKER_IMAGE", parts.name],
          ...(parts.tag === undefined ? [] : [["STASH_IMAGE_TAG", parts.tag] as const]),
        ] as const)),
    ["LICENSE_APISERVICE", ""],
    ["PROMETHEUS_PUSHGATEWAY_URL", pushgatewayUrl ?? ""],
  ];
}

function ifAny(name: string, values: readonly string[] | undefined, separator: string): readonly Entry[] {
  return values === undefined || values.length === 0 ? [] : [[name, values.join(separator)]];
}
