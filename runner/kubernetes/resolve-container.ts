import { ParameterError } from "../errors.ts";
import type { StashFunction } from "./cluster.ts";
import { imageParts } from "./resolve-image.ts";
import { containerName } from "./resolve-names.ts";
import { type Container, type CoreValue, type EnvironmentVariable, itemsWith, type VolumeMount } from "./resolve-objects.ts";
import { INTERIM_VOLUME } from "./resolve-volumes.ts";
import { substitute, type Variables } from "./substitute.ts";
import { stepVariables } from "./task-variables.ts";

export type ContainerSettings = NonNullable<NonNullable<StashFunction["spec"]>["runtimeSettings"]>;
type FunctionSpec = NonNullable<StashFunction["spec"]>;

export interface ContainerOptions {
  readonly step: number;
  readonly params: readonly { readonly name: string; readonly value: string }[] | undefined;
  readonly variables: Variables;
  /** Takes the place of the Function's own. */
  readonly image: string | undefined;
  /** The invoker's, on top of the Function's. */
  readonly settings: ContainerSettings | undefined;
  readonly mounts: readonly VolumeMount[];
  /** The last step alone is no init container. */
  readonly isLast: boolean;
}

/** The container of one step of a Task. @throws ParameterError naming the Function and the field */
export function resolveContainer(fn: StashFunction, options: ContainerOptions): Container {
  const origin = `Function "${fn.metadata.name}"`;
  const spec = fillTemplate(fn, options, origin);
  const { podSecurityPolicyName: _unused, runtimeSettings, image, volumeMounts, ...container } = spec;
  const settings = [runtimeSettings, options.settings].filter((each) => each !== undefined);
  const own = itemsWith(volumeMounts, ["name", "mountPath"], `${origin}, spec.volumeMounts`);
  const mounts = [...own, ...options.mounts.filter((mount) => !own.some((each) => isInterimTwice(each, mount)))];
  const name = containerName(fn.metadata.name, options.step);
  if (name.length > 63)
    throw new ParameterError(`${origin}: its name is too long for a container, "${name}"`, { hint: "Give it a shorter name" });
  assertPathsDiffer(mounts, origin);
  for (const each of settings) assertSettings(each, { origin, isLast: options.isLast });
  return withoutAbsent({
    name,
    image,
    imagePullPolicy: "IfNotPresent",
    ...container,
    env: mergeEnvironment(settings, origin),
    envFrom: listOrAbsent(settings.flatMap(({ envFrom = [] }) => envFrom)),
    resources: lastResources(settings),
    securityContext: mergeFields(settings.map(({ securityContext }) => securityContext)),
    livenessProbe: settings.findLast(({ livenessProbe }) => livenessProbe !== undefined)?.livenessProbe,
    readinessProbe: settings.findLast(({ readinessProbe }) => readinessProbe !== undefined)?.readinessProbe,
    lifecycle: settings.findLast(({ lifecycle }) => lifecycle !== undefined)?.lifecycle,
    volumeMounts: mounts,
  });
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...["image", "command", "args", "workingDir", "ports", "volumeMounts", "volumeDevices"],
  ...["runtimeSettings", "podSecurityPolicyName"],
]);

function fillTemplate(fn: StashFunction, { params, variables, image }: ContainerOptions, origin: string): FunctionSpec & { image: string } {
  const template = fn.spec ?? {};
  const unknown = Object.keys(template).find((field) => !KNOWN_FIELDS.has(field));
  if (unknown !== undefined) throw new ParameterError(`${origin}: spec.${unknown} is not supported`, { reason: "NotSupported" });
  const chosen = image ?? substitute(template.image ?? "", stepVariables(variables, { params, image: "" }), { origin, path: "spec.image" });
  imageParts(chosen, `${origin}, spec.image`);
  const names = stepVariables(variables, { params, image: chosen });
  return { ...substitute({ ...template, image: chosen }, names, { origin, path: "spec" }), image: chosen };
}

const KNOWN_SETTINGS: ReadonlySet<string> = new Set([
  ...["resources", "livenessProbe", "readinessProbe", "lifecycle", "securityContext", "nice", "ionice", "env", "envFrom"],
]);

function assertSettings(settings: ContainerSettings, { origin, isLast }: { origin: string; isLast: boolean }): void {
  const unknown = Object.keys(settings).find((field) => !KNOWN_SETTINGS.has(field));
  if (unknown !== undefined)
    throw new ParameterError(`${origin}: runtimeSettings has ${unknown}, which is not supported`, { reason: "NotSupported" });
  const forLast = (["livenessProbe", "readinessProbe", "lifecycle"] as const).find((field) => settings[field] !== undefined);
  if (forLast !== undefined && !isLast) {
    throw new ParameterError(`${origin}: runtimeSettings has ${forLast}, which an init container cannot have`, {
      hint: "All steps of a Task but the last are init containers; remove the setting",
    });
  }
}

/** Later settings replace a variable of the same name, in its place. */
function mergeEnvironment(settings: readonly ContainerSettings[], origin: string): readonly EnvironmentVariable[] | undefined {
  const merged = new Map<string, EnvironmentVariable>();
  for (const each of settings) {
    const variables = [...itemsWith(each.env, ["name"], `${origin}, runtimeSettings: env`), ...priorityVariables(each)];
    for (const variable of variables) merged.set(variable.name, variable);
  }
  return listOrAbsent([...merged.values()]);
}

function priorityVariables({ nice, ionice }: ContainerSettings): readonly EnvironmentVariable[] {
  const entries = [
    ["NICE_ADJUSTMENT", nice?.adjustment],
    ["IONICE_CLASS", ionice?.class],
    ["IONICE_CLASS_DATA", ionice?.classData],
  ] as const;
  return entries.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: String(value) }]));
}

/** The invoker's replace the Function's whole; requests count without limits as well. */
function lastResources(settings: readonly ContainerSettings[]): CoreValue | undefined {
  return settings.map(({ resources }) => withoutEmpty(resources ?? {})).findLast((resources) => Object.keys(resources).length > 0);
}

function withoutEmpty(value: CoreValue): CoreValue {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => typeof field !== "object" || Object.keys(field ?? {}).length > 0));
}

/** Field by field, the later one's counts. */
function mergeFields(values: readonly (CoreValue | undefined)[]): CoreValue | undefined {
  const merged: CoreValue = Object.assign({}, ...values);
  return Object.keys(merged).length === 0 ? undefined : merged;
}

/** A Function asks for the interim volume by mounting it, be it where every container has it anyway. */
function isInterimTwice(own: VolumeMount, mount: VolumeMount): boolean {
  return own.name === INTERIM_VOLUME && mount.name === INTERIM_VOLUME && own.mountPath === mount.mountPath;
}

function assertPathsDiffer(mounts: readonly VolumeMount[], origin: string): void {
  const paths = mounts.map(({ mountPath }) => mountPath);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined)
    throw new ParameterError(`${origin}: two volumes are mounted at "${twice}"`, { hint: "Mount one of them elsewhere" });
}

function listOrAbsent<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function withoutAbsent(container: Container): Container {
  return Object.fromEntries(Object.entries(container).filter(([, field]) => field !== undefined)) as unknown as Container;
}
