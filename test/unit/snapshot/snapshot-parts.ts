// What the snapshot tests share: a repository in memory, a head, and reading back.
import { Secret } from "../../../runner/secret.ts";
import type { Manifest } from "../../../runner/snapshot/manifest.ts";
import { readSnapshot } from "../../../runner/snapshot/read-snapshot.ts";
import { openOrCreateRepository, type Repository } from "../../../runner/snapshot/repository.ts";
import { type SnapshotHead, type SnapshotOptions, startSnapshot } from "../../../runner/snapshot/write-snapshot.ts";
import { MemoryStore } from "../../../runner/storage/memory-store.ts";
import type { ObjectStore } from "../../../runner/storage/object-store.ts";

export const passphrase = new Secret("correct horse battery staple");

export const head: SnapshotHead = {
  engine: "redis",
  function: "redis-backup",
  target: { namespace: "demo", kind: "AppBinding", name: "sample" },
  host: "host-0",
  tags: [],
  holdfast: "0.0.0-test",
  parameters: { password: new Secret("never seen") },
  tls: { verified: true },
};

export const result = {
  server: { flavour: "redis", version: "7.0.15", id: "abc" },
  consistency: { method: "replication" },
  facts: { keys: 3 },
  notCarried: [{ name: "acl", reason: "not asked for" }],
};

export interface Bucket {
  readonly objects: Map<string, Uint8Array>;
  readonly repository: Repository;
}

/** A new repository in memory; `objects` is what lies in the store. */
export async function makeBucket(): Promise<Bucket> {
  const objects = new Map<string, Uint8Array>();
  const repository = await openOrCreateRepository(new MemoryStore({ bucket: objects }), { passphrase, warn: failOnWarning });
  return { objects, repository };
}

/** The same repository on another store, without another scrypt. */
export function onStore(repository: Repository, store: ObjectStore): Repository {
  return { ...repository, store };
}

export interface TakeOptions extends Partial<SnapshotOptions> {
  readonly head?: Partial<SnapshotHead>;
  readonly frameBytes?: number;
}

/** Writes and commits a snapshot of these streams. */
export async function takeSnapshot(
  repository: Repository,
  streams: Record<string, Uint8Array>,
  options: TakeOptions = {},
): Promise<Manifest> {
  const { head: ownHead, frameBytes, ...rest } = options;
  const signal = rest.signal ?? new AbortController().signal;
  await using snapshot = await startSnapshot(repository, { ...head, ...ownHead }, { ...rest, signal });
  for (const [name, bytes] of Object.entries(streams)) {
    const stream = snapshot.stream(name, { mediaType: "application/octet-stream", ...(frameBytes === undefined ? {} : { frameBytes }) });
    await stream.write(bytes);
    await stream.finish();
  }
  return await snapshot.commit(result);
}

/** All bytes of a stream. */
export async function readBack(repository: Repository, manifest: Manifest, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readSnapshot(repository, manifest).stream(name)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

export function failOnWarning(reason: string, message: string): void {
  throw new Error(`Unexpected warning ${reason}: ${message}`);
}
