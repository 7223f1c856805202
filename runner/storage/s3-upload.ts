import { randomUUID } from "node:crypto";
import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import { StoreRefusedError, StoreUnavailableError } from "../errors.ts";
import { delayedSignal } from "./delayed-signal.ts";
import { AlreadyExistsError, type PutResult } from "./object-store.ts";
import { cutIntoParts, type Part, type PartBuffers } from "./part-buffers.ts";
import { readSource } from "./read-source.ts";
import { type RetryPolicy, retryUnavailable } from "./retry-unavailable.ts";

const PARALLEL_PARTS = 2;
const MOST_PARTS = 10_000;
const CLEAN_UP_MS = 8_000;
const CLEAN_UP_POLICY: RetryPolicy = { retries: 8, minDelayMs: 50, maxDelayMs: 1_500, maxElapsedMs: CLEAN_UP_MS };
const TOKEN = "holdfast-upload";

export interface UploadOptions {
  readonly bucket: string;
  /** The whole key, prefix included. */
  readonly key: string;
  readonly ifAbsent: boolean;
  readonly hasChecksums: boolean;
  readonly signal: AbortSignal | undefined;
  readonly policy: RetryPolicy;
  readonly buffers: PartBuffers;
  /** How long a request that the store may have carried out already can still take after an abort. */
  readonly abortGraceMs: number;
  readonly translate: (error: unknown) => unknown;
}

/**
 * Stores a stream as one object: by one request when it fits into a part, else in parts, each repeated as the policy says. Whatever ends it
 * early (source, abort, store) removes the parts. Each upload carries a token of its own in the object's metadata, so that a lost answer to
 * the request that makes the object can be made good.
 */
export async function uploadStream(client: S3Client, source: AsyncIterable<Uint8Array>, options: UploadOptions): Promise<PutResult> {
  const upload = new Upload(client, await import("@aws-sdk/client-s3"), options);
  const onAbort = () => upload.fail(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await upload.run(source);
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
  }
}

type Sdk = typeof import("@aws-sdk/client-s3");
/** Sends a request, also again. */
type Request<T> = (options: { readonly abortSignal: AbortSignal }) => Promise<T>;

class Upload {
  readonly #token = randomUUID();
  readonly #client: S3Client;
  readonly #sdk: Sdk;
  readonly #options: UploadOptions;
  readonly #target: { readonly Bucket: string; readonly Key: string };
  readonly #stop = new AbortController();
  readonly #parts: CompletedPart[] = [];
  #uploadId: string | undefined;
  #failure: unknown;
  #isLost = false;

  constructor(client: S3Client, sdk: Sdk, options: UploadOptions) {
    this.#client = client;
    this.#sdk = sdk;
    this.#options = options;
    this.#target = { Bucket: options.bucket, Key: options.key };
  }

  /** The first failure counts: it stops the parts on their way and the reading of the source. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#stop.abort(error);
  }

  async run(source: AsyncIterable<Uint8Array>): Promise<PutResult> {
    const underWay = new Set<Promise<void>>();
    let size = 0;
    try {
      let count = 0;
      for await (const part of cutIntoParts(readSource(source, this.#stop.signal), this.#options.buffers)) {
        size += part.length;
        count++;
        if (count === 1 && part.isLast) {
          await this.#storeWhole(part);
          return { size };
        }
        if (count > MOST_PARTS) throw tooLarge(this.#options);
        this.#uploadId ??= await this.#create();
        const sending: Promise<void> = this.#sendPart(part, count)
          .catch((error: unknown) => this.fail(error))
          .finally(() => underWay.delete(sending));
        underWay.add(sending);
        while (underWay.size >= PARALLEL_PARTS) await Promise.race(underWay);
      }
      await Promise.all(underWay);
      this.#stop.signal.throwIfAborted();
      await this.#complete(this.#uploadId as string);
      return { size };
    } catch (error) {
      this.fail(error);
      await Promise.all(underWay);
      if (this.#uploadId !== undefined) await this.#cleanUp(this.#uploadId);
      throw this.#failure;
    }
  }

  async #storeWhole({ buffer, length }: Part): Promise<void> {
    const Body = buffer.subarray(0, length);
    const command = new this.#sdk.PutObjectCommand({ ...this.#target, Body, Metadata: { [TOKEN]: this.#token }, ...this.#condition() });
    await this.#commit((options) => this.#client.send(command, options));
    this.#options.buffers.giveBack(buffer);
  }

  /** A lost answer leaves an empty upload behind that nobody can name safely: another writer of this key may have begun one too. */
  async #create(): Promise<string> {
    const command = new this.#sdk.CreateMultipartUploadCommand({
      ...this.#target,
      Metadata: { [TOKEN]: this.#token },
      // Without it the store expects no checksum of any part when the upload is completed, with it one of each.
      ...(this.#options.hasChecksums && { ChecksumAlgorithm: "CRC32" }),
    });
    using late = this.#lateSignal();
    const { UploadId } = await this.#repeat(() => this.#send((options) => this.#client.send(command, options), late.signal));
    if (!UploadId) throw this.#unconfirmed("upload");
    return UploadId;
  }

  async #sendPart({ buffer, length }: Part, PartNumber: number): Promise<void> {
    const Body = buffer.subarray(0, length);
    const command = new this.#sdk.UploadPartCommand({ ...this.#target, UploadId: this.#uploadId, PartNumber, Body });
    const { ETag, ChecksumCRC32 } = await this.#repeat(() =>
      this.#send((options) => this.#client.send(command, options), this.#stop.signal),
    );
    if (!ETag) throw this.#unconfirmed(`part ${PartNumber}`);
    this.#parts.push({ PartNumber, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) });
    // Only now: after a failure a connection may still read from it.
    this.#options.buffers.giveBack(buffer);
  }

  async #complete(UploadId: string): Promise<void> {
    const Parts = this.#parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    const command = new this.#sdk.CompleteMultipartUploadCommand({
      ...this.#target,
      UploadId,
      MultipartUpload: { Parts },
      ...this.#condition(),
    });
    await this.#commit((options) => this.#client.send(command, options));
  }

  /** The request that makes the object: after a lost answer, the object's token tells whether it was ours that was made. */
  async #commit(request: Request<{ ETag?: string | undefined }>): Promise<void> {
    using late = this.#lateSignal();
    let isUnclear = false;
    try {
      await this.#repeat(async () => {
        // By repeating alone it may never be told: stores that refuse what exists cut the connection on a body still on its way, answer and all.
        if (isUnclear && (await this.#isOurs().catch(() => false))) return;
        try {
          const { ETag } = await this.#send(request, late.signal);
          if (!ETag) throw this.#unconfirmed("object");
        } catch (error) {
          if (isUnclear && (error instanceof AlreadyExistsError || this.#isLost) && (await this.#isOurs())) return;
          isUnclear ||= error instanceof StoreUnavailableError;
          throw error;
        }
      });
    } catch (error) {
      // When the store does not answer this either, the first failure stands.
      if (isUnclear && (await this.#isOurs().catch(() => false))) return;
      throw error;
    }
  }

  async #isOurs(): Promise<boolean> {
    try {
      const { Metadata } = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#target), {
        abortSignal: AbortSignal.timeout(CLEAN_UP_MS),
      });
      return Metadata?.[TOKEN] === this.#token;
    } catch (error) {
      if (error instanceof this.#sdk.NotFound) return false;
      throw this.#options.translate(error);
    }
  }

  /** The failure that led here is the one to tell; when the parts cannot be removed, it says so. */
  async #cleanUp(UploadId: string): Promise<void> {
    const abortSignal = AbortSignal.timeout(CLEAN_UP_MS);
    const upload = { ...this.#target, UploadId };
    try {
      await retryUnavailable(() => this.#abortUpload(upload, abortSignal), {
        policy: CLEAN_UP_POLICY,
        signal: abortSignal,
        mayRetry: () => !this.#isLost,
      });
    } catch {
      if (this.#isLost || !(this.#failure instanceof StoreUnavailableError)) return;
      const hint = `unfinished parts of object "${this.#options.key}" may be left: let a lifecycle rule abort incomplete multipart uploads`;
      this.#failure = new StoreUnavailableError(this.#failure.message, { cause: this.#failure.cause, hint });
    }
  }

  /** A part that the store still takes outlives an abort, which then has to be repeated; the upload is gone when the store does not know it any more. */
  async #abortUpload(upload: { Bucket: string; Key: string; UploadId: string }, signal: AbortSignal): Promise<void> {
    await this.#send((options) => this.#client.send(new this.#sdk.AbortMultipartUploadCommand(upload), options), signal);
    try {
      await this.#send((options) => this.#client.send(new this.#sdk.ListPartsCommand(upload), options), signal);
    } catch (error) {
      // Whoever may not look has the word of the store alone.
      if (this.#isLost || error instanceof StoreRefusedError) return;
      throw error;
    }
    throw this.#unconfirmed("end of an upload");
  }

  #repeat<T>(operation: () => Promise<T>): Promise<T> {
    return retryUnavailable(operation, { policy: this.#options.policy, signal: this.#stop.signal, mayRetry: () => !this.#isLost });
  }

  async #send<T>(request: Request<T>, abortSignal: AbortSignal): Promise<T> {
    try {
      return await request({ abortSignal });
    } catch (error) {
      // No repetition brings back an upload that is gone: it was completed, or somebody aborted it.
      if (error instanceof Error && error.name === "NoSuchUpload") this.#isLost = true;
      throw this.#options.translate(error);
    }
  }

  /** Not cut at once by an abort: the store may have done it already. */
  #lateSignal(): { readonly signal: AbortSignal } & Disposable {
    return delayedSignal(this.#stop.signal, this.#options.abortGraceMs);
  }

  #unconfirmed(what: string): StoreUnavailableError {
    const { bucket, key } = this.#options;
    return new StoreUnavailableError(`Cannot write object "${key}" in bucket "${bucket}": the store did not confirm the ${what}`);
  }

  #condition(): { IfNoneMatch?: "*" } {
    return this.#options.ifAbsent ? { IfNoneMatch: "*" } : {};
  }
}

function tooLarge({ bucket, key }: UploadOptions): StoreRefusedError {
  return new StoreRefusedError(`Cannot write object "${key}" in bucket "${bucket}": it is larger than one upload can be`, {
    hint: "this is a defect: objects are cut long before",
  });
}
