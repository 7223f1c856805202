import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectoryStore } from "../../runner/storage/directory-store.ts";
import { MeasuredStore } from "../../runner/storage/measured-store.ts";
import { MemoryStore } from "../../runner/storage/memory-store.ts";
import type { ObjectStore } from "../../runner/storage/object-store.ts";
import { openStore } from "../../runner/storage/open-store.ts";
import { RetryingStore } from "../../runner/storage/retrying-store.ts";
import { FailingStore } from "../fakes/failing-store.ts";
import { objectStoreSuite, putWhileNeighboursAreDeleted, type StorePlace } from "./object-store.ts";

objectStoreSuite("memory store", () => memoryPlace());
objectStoreSuite("directory store", () => directoryPlace((path) => new DirectoryStore(path)));
objectStoreSuite("retrying store", () => memoryPlace((store) => new RetryingStore(store)));
objectStoreSuite("measured store", () => memoryPlace((store) => new MeasuredStore(store)));
objectStoreSuite("failing store without a fault", () => memoryPlace((store) => new FailingStore(store)));
objectStoreSuite("directory store as a run opens it", () => directoryPlace((path) => openStore({ kind: "directory", path })));

putWhileNeighboursAreDeleted(() => memoryPlace());
putWhileNeighboursAreDeleted(() => directoryPlace((path) => new DirectoryStore(path)));

async function memoryPlace(wrap: (store: ObjectStore) => ObjectStore = (store) => store): Promise<StorePlace> {
  const bucket = new Map<string, Uint8Array>();
  return { open: (prefix) => wrap(new MemoryStore({ bucket, prefix })), [Symbol.asyncDispose]: async () => undefined };
}

async function directoryPlace(open: (path: string) => ObjectStore): Promise<StorePlace> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  return {
    open: (prefix) => open(join(directory, prefix)),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
