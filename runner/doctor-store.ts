import type { Checkup } from "./checkup.ts";
import { IncompleteError, NoSuchSnapshotError, StoreRefusedError } from "./errors.ts";
import type { RepositoryPlace } from "./places.ts";
import { DAMAGE_REASONS } from "./snapshot/repair-repository.ts";
import { openRepository } from "./snapshot/repository.ts";
import type { ObjectStore } from "./storage/object-store.ts";
import { openStore } from "./storage/open-store.ts";

/** A run rides out the restart of a store; somebody who looks wants to know. */
const IMPATIENT = { retries: 2, maxElapsedMs: 10_000 };

/** Opens the repository and writes nothing, not even what opening it would put back. */
export async function lookAtStore(
  checkup: Checkup,
  place: RepositoryPlace,
  { needsRepository, signal }: { readonly needsRepository: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const store = readOnly(openStore(place.location, { ...place.options, retry: IMPATIENT }));
  const damage: string[] = [];
  await checkup.look("Store and repository", async (note) => {
    if (place.location.kind === "s3" && place.location.insecureTls)
      note("The store's certificate is not verified, because the user said so");
    const warn = (reason: string, message: string) => (DAMAGE_REASONS.has(reason) ? damage.push(message) : note(message));
    const repository = await openRepository(store, { passphrase: place.passphrase, signal, warn }).catch((error: unknown) => {
      const isNew = error instanceof NoSuchSnapshotError && error.reason === "RepositoryNotFound";
      if (isNew && !needsRepository) return undefined;
      throw error;
    });
    if (damage.length > 0) throw new IncompleteError(damage.join("; "), { reason: "RepositoryDamaged" });
    note("Whether objects can be written is not tried: nothing is written here");
    if (repository === undefined)
      return { detail: `${store.description} answers and is empty: the first backup makes the repository`, value: true };
    if (!repository.keepsIfAbsent)
      note("The store does not keep what exists from being replaced (If-None-Match): nothing can be pruned there");
    return { detail: `the passphrase opens the repository at ${store.description}`, value: true };
  });
}

function readOnly(store: ObjectStore): ObjectStore {
  const refuse = () => Promise.reject(new StoreRefusedError("a look writes nothing, the next backup puts it back"));
  return {
    description: store.description,
    get: (...args) => store.get(...args),
    stat: (...args) => store.stat(...args),
    list: (...args) => store.list(...args),
    put: refuse,
    delete: refuse,
  };
}
