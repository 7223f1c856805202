import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirectoryStore } from "../../runner/storage/directory-store.ts";
import { MemoryStore } from "../../runner/storage/memory-store.ts";
import { objectStoreSuite, putWhileNeighboursAreDeleted, type StorePlace } from "./object-store.ts";

objectStoreSuite("memory store", memoryPlace);
objectStoreSuite("directory store", directoryPlace);
putWhileNeighboursAreDeleted(directoryPlace);

async function memoryPlace(): Promise<StorePlace> {
  const bucket = new Map<string, Uint8Array>();
  return { open: (prefix) => new MemoryStore({ bucket, prefix }), [Symbol.asyncDispose]: async () => undefined };
}

async function directoryPlace(): Promise<StorePlace> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  return {
    open: (prefix) => new DirectoryStore(join(directory, prefix)),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
