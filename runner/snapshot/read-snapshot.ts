import { IncompleteError } from "../errors.ts";
import type { SnapshotReader } from "../function.ts";
import type { StoreOptions } from "../storage/object-store.ts";
import { findMissingObject } from "./find-missing-object.ts";
import type { Manifest, StoredStream } from "./manifest.ts";
import { readStoredObject } from "./read-object.ts";
import type { Repository } from "./repository.ts";

/** Reads the streams of a snapshot; they may be read in any order, several at a time, and again. */
export function readSnapshot(repository: Repository, manifest: Manifest, options: StoreOptions = {}): SnapshotReader {
  const streams = new Map(manifest.streams.map((stream) => [stream.name, stream]));
  const find = (name: string): StoredStream => {
    const stream = streams.get(name);
    if (stream === undefined) throw new IncompleteError(`Snapshot "${manifest.id}" has no stream "${name}"`);
    return stream;
  };
  return {
    id: manifest.id,
    facts: manifest.facts,
    streams: manifest.streams.map(({ name, mediaType, rawBytes, count, digest }) => ({ name, mediaType, rawBytes, count, digest })),
    stream: (name) => readStream(repository, find(name), options),
    findMissing: (names) => findMissingObject(repository, { ...manifest, streams: names.map(find) }, options),
  };
}

async function* readStream(repository: Repository, stream: StoredStream, options: StoreOptions): AsyncGenerator<Buffer> {
  let rawBytes = 0;
  for (const object of stream.objects) {
    for await (const chunk of readStoredObject(repository, object, options)) {
      rawBytes += chunk.length;
      yield chunk;
    }
  }
  if (rawBytes !== stream.rawBytes)
    throw new IncompleteError(`Stream "${stream.name}" has ${rawBytes} bytes instead of ${stream.rawBytes}`);
}
