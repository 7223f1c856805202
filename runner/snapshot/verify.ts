import { createHash } from "node:crypto";
import { describeError, IncompleteError, NoSuchSnapshotError, ParameterError } from "../errors.ts";
import { NotFoundError, type StoreOptions } from "../storage/object-store.ts";
import { listSnapshotIds, tryReadManifest } from "./list-snapshots.ts";
import type { StoredObject } from "./manifest.ts";
import { DATA_PREFIX, isSnapshotId } from "./object-keys.ts";
import { readStoredObject } from "./read-object.ts";
import type { Repository } from "./repository.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface VerifyOptions extends StoreOptions {
  /** Only this snapshot: an id, or "latest" for the newest of all. */
  readonly snapshot?: string | undefined;
  /** Share of the objects whose content is read; it rotates by the day: with 10, ten daily runs have read everything. Default 100. */
  readonly samplePercent?: number | undefined;
  readonly now?: Date | undefined;
  progress?(progress: { objects: number; totalObjects: number; bytes: number }): void;
}

export interface VerifyReport {
  /** Snapshots whose manifest was found, damaged ones included. */
  readonly snapshots: number;
  /** Objects whose presence and size were checked. */
  readonly objects: number;
  /** Objects whose content was read, decrypted and decompressed. */
  readonly objectsRead: number;
  readonly bytesRead: number;
  /** Empty when all is well. */
  readonly problems: readonly VerifyProblem[];
}
export interface VerifyProblem {
  readonly key: string;
  /** The newest that it hurts. */
  readonly snapshot?: string;
  /** All of them, from the oldest on, where it is an object that several share. */
  readonly snapshots?: readonly string[];
  readonly problem: string;
}

interface NamedObject {
  readonly object: StoredObject;
  /** All that name it, from the oldest to the newest. */
  readonly snapshots: readonly string[];
}

/**
 * Checks signatures of all manifests, presence and size of all objects they name, and the content of all or of a sample. What is wrong in the
 * repository is reported; a store that fails is thrown. @throws NoSuchSnapshotError, ParameterError
 */
export async function verifySnapshots(repository: Repository, options: VerifyOptions = {}): Promise<VerifyReport> {
  const isSampled = chooseSample(options.samplePercent ?? 100, options.now ?? new Date());
  const problems: VerifyProblem[] = [];
  const { snapshots, objects } = await readManifests(repository, problems, options);
  const sizes = await listSizes(repository, options);
  const present = objects.filter((one) => {
    const problem = findSizeProblem(one.object, sizes);
    if (problem !== undefined) problems.push(describe(one, problem));
    return problem === undefined;
  });
  const sample = present.filter(({ object }) => isSampled(object.key));
  let bytesRead = 0;
  for (const [index, one] of sample.entries()) {
    const problem = await findContentProblem(repository, one.object, options);
    if (problem !== undefined) problems.push(describe(one, problem));
    bytesRead += one.object.storedBytes;
    options.progress?.({ objects: index + 1, totalObjects: sample.length, bytes: bytesRead });
  }
  return { snapshots, objects: objects.length, objectsRead: sample.length, bytesRead, problems };
}

function describe({ object: { key }, snapshots }: NamedObject, problem: string): VerifyProblem {
  return { key, snapshot: snapshots.at(-1) as string, ...(snapshots.length > 1 ? { snapshots } : {}), problem };
}

/** n = ⌈100 / percent⌉ groups by a hash of the key; the group of the day is read, so that n days in a row read everything. */
function chooseSample(percent: number, now: Date): (key: string) => boolean {
  if (!(percent > 0 && percent <= 100)) throw new ParameterError(`Invalid sample of ${percent} %: expected more than 0 and at most 100`);
  const groups = Math.ceil(100 / percent);
  const today = Math.floor(now.getTime() / DAY_MS) % groups;
  return (key) => createHash("sha256").update(key).digest().readUInt32BE(0) % groups === today;
}

/** None at all is no success: somebody relies on what is verified. */
async function chooseIds(repository: Repository, options: VerifyOptions): Promise<string[]> {
  const { snapshot } = options;
  if (snapshot !== undefined && snapshot !== "latest" && !isSnapshotId(snapshot))
    throw new ParameterError(`Invalid snapshot id "${snapshot}": expected "latest" or an id like "20300131T235959Z-0123abcd"`);
  const all = await listSnapshotIds(repository, options);
  const ids = snapshot === undefined ? all : snapshot === "latest" ? all.slice(-1) : all.filter((id) => id === snapshot);
  if (ids.length > 0) return ids;
  const which = snapshot === undefined || snapshot === "latest" ? "" : ` "${snapshot}"`;
  throw new NoSuchSnapshotError(`There is no snapshot${which} at ${repository.store.description}`);
}

async function readManifests(
  repository: Repository,
  problems: VerifyProblem[],
  options: VerifyOptions,
): Promise<{ snapshots: number; objects: NamedObject[] }> {
  const ids = await chooseIds(repository, options);
  const objects = new Map<string, NamedObject>();
  for (const id of ids) {
    const read = await tryReadManifest(repository, id, options);
    if ("problem" in read) {
      problems.push({ ...read, snapshot: id });
      continue;
    }
    for (const object of read.streams.flatMap((stream) => stream.objects)) {
      const known = objects.get(object.key)?.object;
      if (
        known !== undefined &&
        (known.sha256 !== object.sha256 || known.storedBytes !== object.storedBytes || known.rawBytes !== object.rawBytes)
      ) {
        problems.push({ key: object.key, snapshot: id, problem: "Two snapshots name this object with different checksums" });
      }
      const before = objects.get(object.key)?.snapshots ?? [];
      objects.set(object.key, { object, snapshots: before.at(-1) === id ? before : [...before, id] });
    }
  }
  return { snapshots: ids.length, objects: [...objects.values()] };
}

/** Sizes of all objects: one listing instead of a question for each. */
async function listSizes(repository: Repository, options: VerifyOptions): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of repository.store.list(DATA_PREFIX, options)) sizes.set(key, size);
  return sizes;
}

function findSizeProblem(object: StoredObject, sizes: ReadonlyMap<string, number>): string | undefined {
  const size = sizes.get(object.key);
  if (size === undefined) return "The object is missing";
  return size === object.storedBytes ? undefined : `The object has ${size} bytes instead of ${object.storedBytes}`;
}

async function findContentProblem(repository: Repository, object: StoredObject, options: VerifyOptions): Promise<string | undefined> {
  try {
    for await (const _ of readStoredObject(repository, object, options)) options.signal?.throwIfAborted();
    return undefined;
  } catch (error) {
    if (error instanceof IncompleteError || error instanceof NotFoundError) return describeError(error);
    throw error;
  }
}
