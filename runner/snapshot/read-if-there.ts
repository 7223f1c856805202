import { IncompleteError } from "../errors.ts";
import { NotFoundError, type ObjectStore, readObject, type StoreOptions } from "../storage/object-store.ts";

/** A small object's bytes; undefined when it is not there. @throws IncompleteError beyond `maxBytes` */
export async function readIfThere(
  store: ObjectStore,
  key: string,
  options: StoreOptions & { maxBytes: number },
): Promise<Buffer | undefined> {
  try {
    return await readObject(store, key, options);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    if (error instanceof RangeError) throw new IncompleteError(`Object "${key}" is not what it should be`, { cause: error });
    throw error;
  }
}
