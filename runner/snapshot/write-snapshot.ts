// snapshot: one committed backup, a manifest and the objects that it names. No manifest, no snapshot.
import { describeError, IncompleteError } from "../errors.ts";
import type { BackupResult, Log, SnapshotWriter } from "../function.ts";
import { bounded } from "./bounded.ts";
import { commitManifest, UnknownCommitError } from "./commit-manifest.ts";
import { FramePipeline } from "./frame-pipeline.ts";
import { type BackupLease, takeBackupLease } from "./lease.ts";
import { decodeManifest, encodeManifest, FORMAT, type Manifest, type StoredStream } from "./manifest.ts";
import { isStreamName, manifestKey, parseManifestKey, SNAPSHOTS_PREFIX } from "./object-keys.ts";
import { removeUncommitted } from "./remove-uncommitted.ts";
import type { Repository } from "./repository.ts";
import { newSnapshotId } from "./snapshot-id.ts";
import { SnapshotStream } from "./write-stream.ts";

/** What is known before the backup begins. `holdfast` is our version; `parameters` hold no secret. */
export type SnapshotHead = Readonly<
  Pick<Manifest, "engine" | "function" | "target" | "invoker" | "host" | "tags" | "holdfast" | "parameters" | "tls">
>;

/** What the function knows at its end. */
export type SnapshotResult = Pick<BackupResult, "server" | "consistency" | "facts" | "notCarried">;

export interface SnapshotOptions {
  /** The run's abort: ends all streams and prevents a commit that has not begun. */
  readonly signal: AbortSignal;
  readonly now?: (() => Date) | undefined;
  readonly log?: Log | undefined;
  readonly warn?: ((reason: string, message: string) => void) | undefined;
  /** For tests: objects are closed at the first frame at or beyond this size. */
  readonly objectBytes?: number | undefined;
}

export interface SnapshotInProgress extends SnapshotWriter, AsyncDisposable {
  readonly id: string;
  /** Bytes given to the streams so far. */
  rawBytes(): number;
  /** Bytes handed to the store so far. */
  storedBytes(): number;
  /**
   * Makes the snapshot exist. Once the manifest's put has begun, an abort does not hide its outcome: resolves when the snapshot is there, rejects when
   * it is not, and rejects with an `UnknownCommitError` when the store does not say; then nothing is removed.
   */
  commit(result: SnapshotResult): Promise<Manifest>;
}

/** Begins a snapshot: takes the backup's lease. Disposing without a commit removes what was written, as far as it can within seconds. */
export async function startSnapshot(repository: Repository, head: SnapshotHead, options: SnapshotOptions): Promise<SnapshotInProgress> {
  const now = options.now ?? (() => new Date());
  const warn = options.warn ?? (() => undefined);
  const started = now();
  const previous = await findNewestId(repository, options.signal);
  const id = newSnapshotId(started, previous);
  if (previous !== undefined && previous > id) {
    warn(
      "ClockBehind",
      `The clock is behind that of the newest snapshot "${previous}": "latest" will not be the snapshot of this run, "${id}"`,
    );
  }
  const parts = { repository, head, id, previous, started, options: { ...options, now, warn } };
  // What no reader would accept must not wait for the end of a long backup.
  encodeManifest(makeManifest(parts, { streams: [], result: NOTHING }), repository.signingKey, repository.publicKey);
  const lease = await takeBackupLease(repository.store, id, { holder: head.host, signal: options.signal, now, warn });
  return new RunningSnapshot({ ...parts, lease });
}

const NOTHING: SnapshotResult = { server: { flavour: "", version: "", id: "" }, consistency: {}, facts: {}, notCarried: [] };

interface SnapshotBeginning {
  readonly repository: Repository;
  readonly head: SnapshotHead;
  readonly id: string;
  readonly previous: string | undefined;
  readonly started: Date;
  readonly options: SnapshotOptions & { now: () => Date; warn: (reason: string, message: string) => void };
}

interface SnapshotParts extends SnapshotBeginning {
  readonly lease: BackupLease;
}

class RunningSnapshot implements SnapshotInProgress {
  readonly id: string;
  readonly #parts: SnapshotParts;
  readonly #pipeline = new FramePipeline();
  readonly #streams: SnapshotStream[] = [];
  readonly #disposal = new AbortController();
  readonly #signal: AbortSignal;
  #storedBytes = 0;
  #state: "open" | "committing" | "committed" | "failed" | "unknown" | "disposed" = "open";
  #commit: Promise<unknown> = Promise.resolve();
  #manifest: Buffer | undefined;

  constructor(parts: SnapshotParts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.options.signal, this.#disposal.signal]);
  }

  stream(name: string, options: { mediaType: string; frameBytes?: number }): SnapshotStream {
    if (this.#state !== "open") throw new Error(`Snapshot "${this.id}" takes no more streams`);
    if (!isStreamName(name)) throw new TypeError(`Invalid stream name "${name}"`);
    const clash = this.#streams.find(
      (other) => other.name === name || other.name.startsWith(`${name}/`) || name.startsWith(`${other.name}/`),
    );
    if (clash !== undefined) throw new TypeError(`Stream "${name}" clashes with stream "${clash.name}"`);
    const stream = new SnapshotStream({
      ...options,
      repository: this.#parts.repository,
      pipeline: this.#pipeline,
      id: this.id,
      name,
      objectBytes: this.#parts.options.objectBytes,
      signal: this.#signal,
      onStored: (bytes) => {
        this.#storedBytes += bytes;
      },
    });
    this.#streams.push(stream);
    return stream;
  }

  rawBytes(): number {
    return this.#streams.reduce((sum, stream) => sum + stream.rawBytes, 0);
  }

  storedBytes(): number {
    return this.#storedBytes;
  }

  commit(result: SnapshotResult): Promise<Manifest> {
    if (this.#state !== "open") return Promise.reject(new Error(`Snapshot "${this.id}" cannot be committed: it is ${this.#state}`));
    this.#state = "committing";
    const commit = this.#runCommit(result);
    this.#commit = commit.catch(() => undefined);
    return commit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#commit;
    if (this.#state === "committed" || this.#state === "disposed") return;
    const { repository, lease, options } = this.#parts;
    this.#disposal.abort(new Error(`Snapshot "${this.id}" was given up`));
    const mayBeListed = this.#state === "unknown";
    this.#state = "disposed";
    if (mayBeListed) {
      await this.#removeLease();
      options.warn("SnapshotKept", `The objects of snapshot "${this.id}" were left in the store, because it may be committed`);
      return;
    }
    const settled = Promise.all(this.#streams.map((stream) => stream.settled()));
    const keys = this.#streams.flatMap((stream) => stream.keys);
    await removeUncommitted(repository, this.id, { keys, settled, manifest: this.#manifest, lease, warn: options.warn });
  }

  async #runCommit(result: SnapshotResult): Promise<Manifest> {
    const { repository, options, lease } = this.#parts;
    try {
      const encoded = encodeManifest(
        makeManifest(this.#parts, { streams: this.#finishedStreams(), result }),
        repository.signingKey,
        repository.publicKey,
      );
      // As readers will see it, not as it was handed in.
      const manifest = decodeManifest(encoded, { id: this.id, repository });
      if (lease.hasLapsed()) {
        throw new IncompleteError(`The lease of snapshot "${this.id}" lapsed: pruning may have removed objects of it meanwhile`);
      }
      this.#manifest = encoded;
      await commitManifest(repository, this.id, { manifest: encoded, signal: this.#signal, warn: options.warn });
      this.#state = "committed";
      options.log?.info("Snapshot committed", { snapshot: this.id, manifest: manifestKey(this.id) });
      await this.#removeLease();
      return manifest;
    } catch (error) {
      this.#state = error instanceof UnknownCommitError ? "unknown" : "failed";
      throw error;
    }
  }

  #finishedStreams(): StoredStream[] {
    return this.#streams.map((stream) => {
      if (stream.result === undefined)
        throw new IncompleteError(`Stream "${stream.name}" of snapshot "${this.id}" did not come to its end`);
      return stream.result;
    });
  }

  async #removeLease(): Promise<void> {
    const { lease, options } = this.#parts;
    try {
      await bounded(lease.remove(AbortSignal.timeout(10_000)), 11_000);
    } catch (error) {
      options.warn(
        "LeaseNotRemoved",
        `The lease of snapshot "${this.id}" could not be removed and ends by itself: ${describeError(error)}`,
      );
    }
  }
}

async function findNewestId(repository: Repository, signal: AbortSignal): Promise<string | undefined> {
  let newest: string | undefined;
  for await (const { key } of repository.store.list(SNAPSHOTS_PREFIX, { signal })) newest = parseManifestKey(key) ?? newest;
  return newest;
}

function makeManifest(beginning: SnapshotBeginning, end: { streams: StoredStream[]; result: SnapshotResult }): Manifest {
  const { repository, head, id, previous, started, options } = beginning;
  const { engine, target, invoker, host, tags, holdfast, parameters, tls } = head;
  const { server, consistency, facts, notCarried } = end.result;
  return {
    format: FORMAT,
    repository: repository.id,
    id,
    ...(previous === undefined ? {} : { previous }),
    engine,
    function: head.function,
    target,
    ...(invoker === undefined ? {} : { invoker }),
    host,
    tags,
    started: started.toISOString(),
    finished: options.now().toISOString(),
    holdfast,
    server,
    consistency,
    parameters,
    tls,
    streams: end.streams,
    facts,
    notCarried: [...notCarried],
  };
}
