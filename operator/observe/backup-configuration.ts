import { ClusterRefusedError, ParameterError } from "../../runner/errors.ts";
import type { ObjectName, Repository } from "../../runner/kubernetes/cluster.ts";
import { parseObject } from "../../runner/kubernetes/parse-object.ts";
import { assertUsageAllowed } from "../../runner/kubernetes/usage-policy.ts";
import { RIGHTS_OF, rightsOwner } from "../build/job-rbac.ts";
import type { BackupConfiguration, Found, ObservedConfiguration, ObservedDeletion, OwnObjects } from "../decide/observed-configuration.ts";
import { names } from "../decide/repository-references.ts";
import { sentence } from "../decide/sentence.ts";
import { foreignRoleName } from "../names.ts";
import { controllerOf, type Fields, isBeingDeleted, type LiveObject } from "../objects.ts";
import type { World } from "../world.ts";
import { findObject, findSecret } from "./find-object.ts";

export async function observeBackupConfiguration(object: LiveObject, world: World): Promise<ObservedConfiguration> {
  const own = observeOwn(object, world);
  const parsed = parse(object);
  const nothing = { object, parsed, repository: undefined, secret: undefined, target: undefined, usageFault: undefined, own };
  if (typeof parsed === "string") return nothing;
  const { namespace } = parsed.metadata;
  const { repository: named, target } = parsed.spec;
  const place = (reference: { name?: string | undefined; namespace?: string | undefined } | undefined): ObjectName | undefined =>
    reference?.name ? { namespace: reference.namespace || namespace, name: reference.name } : undefined;
  const repositoryName = place(named);
  const targetName = target?.ref?.kind === "AppBinding" ? place(target.ref) : undefined;
  const [repository, appBinding] = await Promise.all([
    repositoryName && findObject("Repository", repositoryName, world),
    targetName && findObject("AppBinding", targetName, world),
  ]);
  if (repository?.kind !== "there") return { ...nothing, repository, target: appBinding };
  const [secret, usageFault] = await Promise.all([
    observeSecret(repository.value.parsed, world),
    observeUsage(repository.value.parsed, { world, fromNamespace: namespace }),
  ]);
  return { ...nothing, repository, secret, target: appBinding, usageFault };
}

/** `undefined` when the object is gone for good, or is another one by now, for which there is another look. */
export async function observeDeletion(object: LiveObject, world: World): Promise<ObservedDeletion | undefined> {
  const { namespace = "", name, uid } = object.metadata;
  const live = await world.live("BackupConfiguration", { namespace, name });
  if (live?.metadata.uid !== uid || !isBeingDeleted(live)) return undefined;
  const { foreignRights, references } = observeOwn(live, world);
  const elsewhere = (live.spec?.repository as Fields | undefined)?.namespace;
  const missed =
    typeof elsewhere === "string" && elsewhere !== "" && elsewhere !== namespace ? await liveRights(live, elsewhere, world) : [];
  const known = new Set(foreignRights.map(({ metadata }) => metadata.uid));
  return { object: live, references, foreignRights: [...foreignRights, ...missed.filter(({ metadata }) => !known.has(metadata.uid))] };
}

/** Asked of the server: after the finalizer is gone nobody looks again. */
async function liveRights(object: LiveObject, namespace: string, world: World): Promise<readonly LiveObject[]> {
  const name = { namespace, name: foreignRoleName(object, 0) };
  const found = await Promise.all((["RoleBinding", "Role"] as const).map((kind) => world.live(kind, name)));
  return found.filter((each) => each !== undefined).filter((each) => isOf(each, object));
}

function observeOwn(object: LiveObject, world: World): OwnObjects {
  const { namespace = "", uid } = object.metadata;
  const isOwned = (other: LiveObject) => controllerOf(other)?.uid === uid;
  const rights = (["RoleBinding", "Role"] as const).flatMap((kind) => world.cachedAll(kind));
  const foreign = rights.filter(({ metadata }) => metadata.namespace !== namespace);
  return {
    cronJobs: world.cachedIn("CronJob", namespace).filter(isOwned),
    rights: rights.filter(isOwned),
    foreignRights: foreign.filter((each) => each.metadata.annotations?.[RIGHTS_OF] === rightsOwner(object)),
    takenBy: takenBy(object, foreign),
    references: world.cachedAll("Repository").filter((repository) => names(repository.status, object)),
  };
}

/** Two invokers' names may come to the same where namespace and name are put together. */
function takenBy(object: LiveObject, foreign: readonly LiveObject[]): string | undefined {
  const elsewhere = (object.spec?.repository as Fields | undefined)?.namespace;
  const taken = foreign.find(
    (each) => each.metadata.namespace === elsewhere && each.metadata.name === foreignRoleName(object, 0) && !isOf(each, object),
  );
  return taken?.metadata.annotations?.[RIGHTS_OF];
}

/** Those that Stash made under the same name say nothing of whose they are. */
function isOf({ metadata, ...other }: LiveObject, object: LiveObject): boolean {
  const owner = metadata.annotations?.[RIGHTS_OF];
  return (
    owner === rightsOwner(object) || (owner === undefined && controllerOf({ metadata, ...other }) === undefined && isManaged(metadata))
  );
}

function isManaged({ labels }: LiveObject["metadata"]): boolean {
  return labels?.["app.kubernetes.io/managed-by"] === "stash.appscode.com";
}

function parse(object: LiveObject): BackupConfiguration | string {
  const { namespace, name } = object.metadata;
  try {
    return parseObject("BackupConfiguration", object, { name: `${namespace}/${name}` });
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    return error.message;
  }
}

async function observeSecret({ metadata, spec }: Repository, world: World): Promise<Found<ObjectName>> {
  const name = spec.backend.storageSecretName;
  if (name !== undefined) return findSecret({ namespace: metadata.namespace, name }, world);
  const label = `Repository "${metadata.namespace}/${metadata.name}"`;
  return { kind: "missing", message: `${label} names no Secret: set spec.backend.storageSecretName to one that has RESTIC_PASSWORD` };
}

async function observeUsage(
  repository: Repository,
  { world, fromNamespace }: { readonly world: World; readonly fromNamespace: string },
): Promise<string | undefined> {
  try {
    await assertUsageAllowed(world.cluster, repository, { fromNamespace });
    return undefined;
  } catch (error) {
    if (error instanceof ParameterError || error instanceof ClusterRefusedError) return sentence(error);
    throw error;
  }
}
