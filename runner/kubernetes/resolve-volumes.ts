import { ParameterError } from "../errors.ts";
import type { Repository, Task } from "./cluster.ts";
import { claimName } from "./resolve-names.ts";
import { itemsWith, type Volume, type VolumeMount } from "./resolve-objects.ts";
import type { RunRequest } from "./resolve-request.ts";
import { substitute, type Variables } from "./substitute.ts";

export interface PodVolumes {
  readonly volumes: readonly Volume[];
  /** What every container mounts, besides its own. */
  readonly mounts: readonly VolumeMount[];
  /** Name of the claim for the interim volume, when the invoker wants one. */
  readonly claim: string | undefined;
}

/** Described by an invoker's interimVolumeTemplate; a Function that works on it mounts it by this name. */
export const INTERIM_VOLUME = "stash-interim-volume";

/** The Pod's volumes: scratch space, the Task's own, the interim volume, and the Repository's when it lies on one. @throws ParameterError */
export function podVolumes(
  request: RunRequest,
  options: { readonly task: Task; readonly repository: Repository; readonly variables: Variables; readonly hasInterimVolume: boolean },
): PodVolumes {
  const { task, repository, variables, hasInterimVolume } = options;
  const origin = `Task "${task.metadata.name}"`;
  const filled = substitute(task.spec?.volumes, variables, { origin, path: "spec.volumes" });
  const own = itemsWith(filled, ["name"], `${origin}, spec.volumes`);
  const template = request.interimVolumeTemplate;
  const claim = !hasInterimVolume || template === undefined ? undefined : claimName(request.session.name, template.metadata?.name ?? "");
  const { medium, sizeLimit } = request.tempDir ?? {};
  const scratch = { ...(medium ? { medium } : {}), ...(sizeLimit === undefined ? {} : { sizeLimit }) };
  const local = localVolume(repository, request);
  const volumes: Volume[] = [
    ...own,
    { name: "stash-tmp-dir", emptyDir: scratch },
    ...(claim === undefined ? [] : [{ name: INTERIM_VOLUME, persistentVolumeClaim: { claimName: claim } }]),
    ...(local === undefined ? [] : [local.volume]),
  ];
  assertNamesDiffer(volumes, origin);
  const mounts: VolumeMount[] = [
    { name: "stash-tmp-dir", mountPath: "/stash-tmp" },
    ...(claim === undefined ? [] : [{ name: INTERIM_VOLUME, mountPath: "/stash-interim-volume" }]),
    ...(local === undefined ? [] : [local.mount]),
  ];
  return { volumes, mounts, claim };
}

/** A backup into a directory that nothing is mounted at is gone with its Pod. */
function localVolume(repository: Repository, request: RunRequest): { volume: Volume; mount: VolumeMount } | undefined {
  const { local } = repository.spec.backend;
  if (local === undefined) return undefined;
  const { namespace, name } = repository.metadata;
  const { mountPath, subPath, ...source } = local as typeof local & Readonly<Record<string, unknown>>;
  const fail = (message: string, hint: string): never => {
    throw new ParameterError(`Repository "${namespace}/${name}": spec.backend.local ${message}`, { hint });
  };
  const kinds = Object.keys(source);
  if (kinds.length !== 1)
    fail("needs one volume beside mountPath", "Name a volume, such as persistentVolumeClaim or nfs: what is written elsewhere is lost");
  if (kinds[0] === "emptyDir")
    fail("is an emptyDir, which is removed with its Pod", "Name a volume that stays, such as persistentVolumeClaim or nfs");
  // The name of a claim means another volume in another namespace.
  if (kinds[0] === "persistentVolumeClaim" && namespace !== request.session.namespace) {
    fail(
      `is a claim of namespace "${namespace}", and the Pod runs in "${request.session.namespace}"`,
      "Use a Repository of the same namespace",
    );
  }
  return {
    volume: { name: "stash-local", ...source },
    mount: { name: "stash-local", mountPath, ...(subPath ? { subPath } : {}) },
  };
}

function assertNamesDiffer(volumes: readonly Volume[], origin: string): void {
  const names = volumes.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new ParameterError(`${origin}, spec.volumes: the name "${twice}" stands there twice, or is taken`, {
      hint: "Rename the Task's volume",
    });
  }
}
