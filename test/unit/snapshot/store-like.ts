import type { ObjectStore } from "../../../runner/storage/object-store.ts";

/** The store with some verbs replaced. */
export function storeLike(store: ObjectStore, replaced: Partial<ObjectStore>): ObjectStore {
  return {
    description: store.description,
    put: store.put.bind(store),
    get: store.get.bind(store),
    stat: store.stat.bind(store),
    list: store.list.bind(store),
    delete: store.delete.bind(store),
    ...replaced,
  };
}
