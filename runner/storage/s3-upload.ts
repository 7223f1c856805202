import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { StoreUnavailableError } from "../errors.ts";
import { delayedSignal } from "./delayed-signal.ts";
import { AlreadyExistsError, type PutResult } from "./object-store.ts";
import { readSource } from "./read-source.ts";
import { type RetryPolicy, retryUnavailable } from "./retry-unavailable.ts";

// Memory of one upload: two parts on their way, one being filled, and the source's chunk.
const PART_BYTES = 8 * 1024 * 1024;
const PARALLEL_PARTS = 2;
// Smaller than a part by far, so that joining chunks to a part copies little beyond it.
const CHUNK_BYTES = 256 * 1024;
const CLEAN_UP_MS = 8_000;
const TOKEN = "holdfast-upload";

export interface UploadOptions {
  readonly bucket: string;
  /** The whole key, prefix included. */
  readonly key: string;
  readonly ifAbsent: boolean;
  readonly signal: AbortSignal | undefined;
  readonly policy: RetryPolicy;
  /** How long the last request may still take after an abort. */
  readonly abortGraceMs: number;
  readonly translate: (error: unknown) => unknown;
}

/**
 * Stores a stream as one object, in parts, each repeated as the policy says. Whatever ends it early (source, abort, store) removes the
 * parts. Each upload carries a token of its own in the object's metadata, so that a lost answer to its last request can be made good.
 */
export async function uploadStream(client: S3Client, source: AsyncIterable<Uint8Array>, options: UploadOptions): Promise<PutResult> {
  const { Upload } = await import("@aws-sdk/lib-storage");
  const run = new UploadRun(client, await import("@aws-sdk/client-s3"), options);
  const body = Readable.from(run.count(source), { objectMode: true });
  // The failure is kept by the run; without a listener a late one would end the process.
  body.on("error", () => undefined);
  const forward = () => run.fail(options.signal?.reason);
  options.signal?.addEventListener("abort", forward, { once: true });
  try {
    await new Upload({
      client: run.client,
      partSize: PART_BYTES,
      queueSize: PARALLEL_PARTS,
      params: {
        Bucket: options.bucket,
        Key: options.key,
        Body: body,
        Metadata: { [TOKEN]: run.token },
        ...(options.ifAbsent && { IfNoneMatch: "*" }),
      },
    }).done();
    return { size: run.size };
  } catch (error) {
    throw run.failure ?? options.translate(error);
  } finally {
    options.signal?.removeEventListener("abort", forward);
    body.destroy();
  }
}

class UploadRun {
  readonly token = randomUUID();
  /** Stands in for the SDK's client inside the library, which neither repeats nor stops requests by itself. */
  readonly client: S3Client;
  size = 0;
  failure: unknown;
  readonly #client: S3Client;
  readonly #sdk: typeof import("@aws-sdk/client-s3");
  readonly #options: UploadOptions;
  readonly #stop = new AbortController();

  constructor(client: S3Client, sdk: typeof import("@aws-sdk/client-s3"), options: UploadOptions) {
    this.#client = client;
    this.#sdk = sdk;
    this.#options = options;
    this.client = Object.create(client, { send: { value: (command: Command) => this.#send(command) } });
  }

  /** The first failure counts: it stops the parts on their way and the reading of the source. */
  fail(error: unknown): void {
    this.failure ??= error;
    this.#stop.abort(error);
  }

  async *count(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of readSource(source, this.#stop.signal)) {
        this.size += chunk.length;
        for (let at = 0; at < chunk.length; at += CHUNK_BYTES) yield chunk.subarray(at, at + CHUNK_BYTES);
      }
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  async #send(command: Command): Promise<unknown> {
    const { AbortMultipartUploadCommand, UploadPartCommand, CreateMultipartUploadCommand } = this.#sdk;
    if (command instanceof AbortMultipartUploadCommand) return this.#cleanUp(command);
    try {
      if (command instanceof UploadPartCommand) return await this.#repeat(() => this.#try(command, this.#stop.signal));
      // Not cut at once by an abort: the store may have done it already.
      using late = delayedSignal(this.#stop.signal, this.#options.abortGraceMs);
      const send = () => this.#try(command, late.signal);
      return await (command instanceof CreateMultipartUploadCommand ? this.#repeat(send) : this.#commit(send));
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  #repeat<T>(operation: (attempt: number) => Promise<T>): Promise<T> {
    return retryUnavailable(operation, { policy: this.#options.policy, signal: this.#stop.signal });
  }

  async #try(command: Command, abortSignal: AbortSignal): Promise<unknown> {
    try {
      return await this.#client.send(command as Parameters<S3Client["send"]>[0], { abortSignal });
    } catch (error) {
      throw this.#options.translate(error);
    }
  }

  /** The request that makes the object: after a lost answer, the object's token tells whether it was ours that was made. */
  async #commit(send: () => Promise<unknown>): Promise<unknown> {
    let isUnclear = false;
    try {
      return await this.#repeat(async () => {
        try {
          return await send();
        } catch (error) {
          if (isUnclear && error instanceof AlreadyExistsError && (await this.#isOurs())) return {};
          isUnclear ||= error instanceof StoreUnavailableError;
          throw error;
        }
      });
    } catch (error) {
      // When the store does not answer this either, the first failure stands.
      if (isUnclear && (await this.#isOurs().catch(() => false))) return {};
      throw error;
    }
  }

  async #isOurs(): Promise<boolean> {
    const head = new this.#sdk.HeadObjectCommand({ Bucket: this.#options.bucket, Key: this.#options.key });
    try {
      const { Metadata } = await this.#client.send(head, { abortSignal: AbortSignal.timeout(CLEAN_UP_MS) });
      return Metadata?.[TOKEN] === this.token;
    } catch (error) {
      if (error instanceof this.#sdk.NotFound) return false;
      throw this.#options.translate(error);
    }
  }

  async #cleanUp(command: Command): Promise<unknown> {
    const abortSignal = AbortSignal.timeout(CLEAN_UP_MS);
    const policy = { ...this.#options.policy, maxElapsedMs: Math.min(this.#options.policy.maxElapsedMs, CLEAN_UP_MS) };
    try {
      return await retryUnavailable(() => this.#try(command, abortSignal), { policy, signal: abortSignal });
    } catch (error) {
      if (!isGone(error)) this.#nameLeftover();
      // The failure that led here is the one to tell.
      return {};
    }
  }

  #nameLeftover(): void {
    if (!(this.failure instanceof StoreUnavailableError)) return;
    const hint = `unfinished parts of object "${this.#options.key}" may be left: let a lifecycle rule abort incomplete multipart uploads`;
    this.failure = new StoreUnavailableError(this.failure.message, { cause: this.failure.cause, hint });
  }
}

type Command = object;

function isGone(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.message.startsWith("NoSuchUpload");
}
