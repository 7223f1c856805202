// snapshot: one committed backup, a manifest and the objects that it names. No manifest, no snapshot.
import { describeError, IncompleteError } from "../errors.ts";
import type { BackupResult, Log, SnapshotWriter } from "../function.ts";
import { idsBehind, judgeBase } from "./base-snapshot.ts";
import { bounded } from "./bounded.ts";
import { commitManifest, UnknownCommitError } from "./commit-manifest.ts";
import { confirmForeignObjects } from "./confirm-foreign-objects.ts";
import { FramePipeline } from "./frame-pipeline.ts";
import { type BackupLease, takeBackupLease } from "./lease.ts";
import { makeManifest } from "./make-manifest.ts";
import { decodeManifest, encodeManifest, type Manifest, type StoredStream } from "./manifest.ts";
import { isStreamName, manifestKey, parseManifestKey, SNAPSHOTS_PREFIX } from "./object-keys.ts";
import { removeUncommitted, withdrawManifest } from "./remove-uncommitted.ts";
import type { Repository } from "./repository.ts";
import { newSnapshotId } from "./snapshot-id.ts";
import { SnapshotStream } from "./write-stream.ts";

/** How long a manifest that does not hold is tried to be taken back at once. */
const WITHDRAWAL_MS = 10_000;

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
  /** An earlier snapshot whose objects may be named instead of written again. */
  readonly base?: Manifest | undefined;
  /** For tests: eight hexadecimal digits for the id. Random when absent. */
  readonly idSuffix?: string | undefined;
  /** For tests: objects are closed at the first frame at or beyond this size. */
  readonly objectBytes?: number | undefined;
}

export interface SnapshotInProgress extends SnapshotWriter, AsyncDisposable {
  readonly id: string;
  /** The base that was offered, if its objects may be named: not when it was forgotten, nor while pruning is under way. */
  readonly base: Manifest | undefined;
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
  const id = newSnapshotId(started, previous, options.idSuffix);
  if (previous !== undefined && previous > id) {
    warn(
      "ClockBehind",
      `The clock is behind that of the newest snapshot "${previous}": "latest" will not be the snapshot of this run, "${id}"`,
    );
  }
  const parts = { repository, head, id, previous, started, options: { ...options, now, warn } };
  // What no reader would accept must not wait for the end of a long backup.
  encodeManifest(makeManifest({ ...parts, finished: started }, { streams: [], ...NOTHING }), repository.signingKey, repository.publicKey);
  const bases = options.base === undefined ? [] : idsBehind(options.base);
  const lease = await takeBackupLease(repository.store, id, { holder: head.host, signal: options.signal, now, bases, warn });
  try {
    const base = await judgeBase(repository, options.base, { ...parts.options, id });
    return new RunningSnapshot({ ...parts, lease, base });
  } catch (error) {
    await dropLease({ id, lease, warn });
    throw error;
  }
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
  readonly base: Manifest | undefined;
}

class RunningSnapshot implements SnapshotInProgress {
  readonly id: string;
  readonly base: Manifest | undefined;
  readonly #parts: SnapshotParts;
  readonly #pipeline = new FramePipeline();
  readonly #streams: SnapshotStream[] = [];
  readonly #reused: StoredStream[] = [];
  readonly #disposal = new AbortController();
  readonly #signal: AbortSignal;
  #storedBytes = 0;
  #state: "open" | "committing" | "committed" | "failed" | "unknown" | "disposed" = "open";
  #commit: Promise<unknown> = Promise.resolve();
  #manifest: Buffer | undefined;

  constructor(parts: SnapshotParts) {
    this.id = parts.id;
    this.base = parts.base;
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.options.signal, this.#disposal.signal]);
  }

  stream(name: string, options: { mediaType: string; frameBytes?: number }): SnapshotStream {
    this.#assertNewName(name);
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

  reuse(name: string, from: string = name): void {
    this.#assertNewName(name);
    const stream = this.base?.streams.find((each) => each.name === from);
    if (stream === undefined) throw new TypeError(`There is no stream "${from}" to name in base "${this.base?.id}"`);
    this.#reused.push({ ...stream, name });
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
      // The manifest may still arrive: until the lease ends by itself, pruning must not take its objects for nobody's.
      await lease.leave();
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
        makeManifest({ ...this.#parts, finished: options.now() }, { streams: this.#finishedStreams(), ...result }),
        repository.signingKey,
        repository.publicKey,
      );
      // As readers will see it, not as it was handed in.
      const manifest = decodeManifest(encoded, { id: this.id, repository });
      this.#assertNotLapsed();
      this.#manifest = encoded;
      await commitManifest(repository, this.id, { manifest: encoded, signal: this.#signal, warn: options.warn });
      await this.#confirmCommit(manifest);
      this.#state = "committed";
      options.log?.info("Snapshot committed", { snapshot: this.id, manifest: manifestKey(this.id) });
      await dropLease({ id: this.id, lease, warn: options.warn });
      return manifest;
    } catch (error) {
      this.#state = error instanceof UnknownCommitError ? "unknown" : "failed";
      throw error;
    }
  }

  /** Readers see the manifest now: what does not hold must not be seen for a moment longer than it takes to find out. */
  async #confirmCommit(manifest: Manifest): Promise<void> {
    const { repository, options } = this.#parts;
    try {
      this.#assertNotLapsed();
      await confirmForeignObjects(repository, manifest, { signal: options.signal });
    } catch (error) {
      await withdrawManifest(repository, this.id, { manifest: this.#manifest as Buffer, signal: AbortSignal.timeout(WITHDRAWAL_MS) }).catch(
        (cause: unknown) => {
          const message = `Snapshot "${this.id}" is not to be trusted, and its manifest could not be taken back yet: ${describeError(error)}`;
          throw new IncompleteError(message, { cause, reason: "SnapshotNotWithdrawn", hint: "Forget this snapshot if it is listed" });
        },
      );
      throw error;
    }
  }

  #assertNotLapsed(): void {
    if (!this.#parts.lease.hasLapsed()) return;
    throw new IncompleteError(`The lease of snapshot "${this.id}" lapsed: pruning may have removed objects of it meanwhile`);
  }

  #assertNewName(name: string): void {
    if (this.#state !== "open") throw new Error(`Snapshot "${this.id}" takes no more streams`);
    if (!isStreamName(name)) throw new TypeError(`Invalid stream name "${name}"`);
    const clash = [...this.#streams, ...this.#reused].find(
      (other) => other.name === name || other.name.startsWith(`${name}/`) || name.startsWith(`${other.name}/`),
    );
    if (clash !== undefined) throw new TypeError(`Stream "${name}" clashes with stream "${clash.name}"`);
  }

  #finishedStreams(): StoredStream[] {
    const written = this.#streams.map((stream) => {
      if (stream.result === undefined)
        throw new IncompleteError(`Stream "${stream.name}" of snapshot "${this.id}" did not come to its end`);
      return stream.result;
    });
    return [...written, ...this.#reused];
  }
}

async function dropLease({
  id,
  lease,
  warn,
}: { id: string; lease: BackupLease } & Pick<SnapshotBeginning["options"], "warn">): Promise<void> {
  try {
    await bounded(lease.remove(AbortSignal.timeout(10_000)), 11_000);
  } catch (error) {
    warn("LeaseNotRemoved", `The lease of snapshot "${id}" could not be removed and ends by itself: ${describeError(error)}`);
  }
}

async function findNewestId(repository: Repository, signal: AbortSignal): Promise<string | undefined> {
  let newest: string | undefined;
  for await (const { key } of repository.store.list(SNAPSHOTS_PREFIX, { signal })) newest = parseManifestKey(key) ?? newest;
  return newest;
}
