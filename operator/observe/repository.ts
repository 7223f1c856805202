import { ClusterRefusedError } from "../../runner/errors.ts";
import { listIn } from "../../runner/kubernetes/status-list.ts";
import type { ObservedRepository } from "../decide/repository.ts";
import type { Reference } from "../decide/repository-references.ts";
import { SPARED_KINDS, type WatchedKind } from "../kinds.ts";
import type { LiveObject } from "../objects.ts";
import type { World } from "../world.ts";

/** Kinds that use a Repository. Others that an entry may name are not known to exist, nor not to: they are left in the list and not waited for. */
const USERS = ["BackupConfiguration", "BackupBatch", "RestoreSession", "RestoreBatch"] as const satisfies readonly WatchedKind[];

export async function observeRepository(object: LiveObject, world: World): Promise<ObservedRepository> {
  const references = listIn(object.status ?? {}, "references").flatMap((entry): readonly Reference[] => {
    const { kind, namespace, name } = entry;
    return typeof kind === "string" && typeof namespace === "string" && typeof name === "string" ? [{ kind, namespace, name }] : [];
  });
  const known = references.filter(({ kind }) => kindOf(kind) !== undefined);
  const states = await Promise.all(known.map(async (reference) => ({ reference, isThere: await isThere(reference, world) })));
  return {
    object,
    users: states.filter((state) => state.isThere).map(({ reference }) => reference),
    gone: states.filter((state) => !state.isThere).map(({ reference }) => reference),
  };
}

/** Gone is only what the server itself does not know. */
async function isThere({ kind, namespace, name }: Reference, world: World): Promise<boolean> {
  const watched = kindOf(kind) as WatchedKind;
  if (world.cached(watched, { namespace, name }) !== undefined) return true;
  try {
    return (await world.live(watched, { namespace, name })) !== undefined;
  } catch (error) {
    // Who may not look knows nothing; but of a kind that the cluster need not have and does not, there is nobody.
    if (error instanceof ClusterRefusedError) return !(SPARED_KINDS.has(watched) && error.reason === "ObjectNotFound");
    throw error;
  }
}

function kindOf(kind: string): WatchedKind | undefined {
  return USERS.find((each) => each === kind);
}
