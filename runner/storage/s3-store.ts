import type { Readable } from "node:stream";
import type { GetObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { StoreRefusedError, StoreUnavailableError } from "../errors.ts";
import { byteRange } from "./byte-range.ts";
import { delayedSignal } from "./delayed-signal.ts";
import {
  assertKey,
  type GetOptions,
  isKey,
  type ListedObject,
  type ObjectStat,
  type ObjectStore,
  type PutOptions,
  type PutResult,
  type PutSource,
  type StoreOptions,
} from "./object-store.ts";
import { PartBuffers } from "./part-buffers.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry-unavailable.ts";
import { createS3Client, type S3ConnectionOptions } from "./s3-client.ts";
import { deleteObjects } from "./s3-delete.ts";
import { parseS3Endpoint } from "./s3-endpoint.ts";
import { uploadStream } from "./s3-upload.ts";
import { translateS3Error } from "./translate-s3-error.ts";

export interface S3StoreOptions extends S3ConnectionOptions {
  readonly bucket: string;
  readonly prefix?: string | undefined;
  /** For the single requests of a streamed put; every other request is tried once. */
  readonly retry?: RetryPolicy | undefined;
  /** How long a request that may have been carried out already can still take after an abort. Default 5 s. */
  readonly abortGraceMs?: number | undefined;
}

/**
 * Objects in an S3 bucket below a prefix. Nothing is contacted or loaded before the first verb. A put from a stream holds 24 MB,
 * may be 80 GB long, and is made of parts; a put of bytes is one request.
 */
export class S3Store implements ObjectStore, Disposable {
  readonly description: string;
  readonly #options: S3StoreOptions;
  readonly #prefix: string;
  readonly #endpoint: string | undefined;
  readonly #buffers = new PartBuffers();
  #client: Promise<S3Client> | undefined;

  constructor(options: S3StoreOptions) {
    const prefix = (options.prefix ?? "").split("/").filter((segment) => segment !== "");
    this.#options = options;
    this.#prefix = prefix.map((segment) => `${segment}/`).join("");
    this.#endpoint = parseS3Endpoint(options.endpoint).url;
    this.description = `s3://${[options.bucket, ...prefix].join("/")}`;
  }

  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    assertKey(key);
    const { signal, ifAbsent = false } = options;
    signal?.throwIfAborted();
    return this.#translated(`write object "${key}"`, { key, signal }, async (client, bucket) => {
      const { abortGraceMs = 5_000, retry: policy = DEFAULT_RETRY_POLICY } = this.#options;
      if (!(source instanceof Uint8Array)) {
        return uploadStream(client, source, {
          ...{ bucket, key: this.#prefix + key, ifAbsent, signal, policy, abortGraceMs },
          hasChecksums: this.#options.checksums !== "required",
          buffers: this.#buffers,
          translate: (error) => this.#translate(error, `write object "${key}"`, key),
        });
      }
      const { PutObjectCommand } = await import("@aws-sdk/client-s3");
      using late = delayedSignal(signal, abortGraceMs);
      const Body = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
      const command = new PutObjectCommand({ Bucket: bucket, Key: this.#prefix + key, Body, ...(ifAbsent && { IfNoneMatch: "*" }) });
      const { ETag } = await client.send(command, { abortSignal: late.signal });
      if (!ETag) throw new StoreUnavailableError(`Cannot write object "${key}" in bucket "${bucket}": the store did not confirm it`);
      return { size: source.length };
    });
  }

  async *get(key: string, options: GetOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    assertKey(key);
    const { offset, end } = byteRange(options);
    const { signal } = options;
    const action = `read object "${key}"`;
    // HTTP has no words for a range of no bytes.
    if (end === offset) return void (await this.stat(key, options));
    const range = offset === 0 && end === Number.POSITIVE_INFINITY ? undefined : `bytes=${offset}-${Number.isFinite(end) ? end - 1 : ""}`;
    const response = await this.#translated(action, { key, signal }, () => this.#open(key, range, signal));
    if (response === undefined) return;
    const expected = this.#announcedBytes(response, { key, offset, end });
    let received = 0;
    try {
      for await (const chunk of response.Body as Readable) {
        signal?.throwIfAborted();
        received += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#translate(error, action, key);
    }
    if (received !== expected) throw this.#unavailable(key, `${received} of ${expected} bytes arrived`);
  }

  async stat(key: string, options: StoreOptions = {}): Promise<ObjectStat> {
    assertKey(key);
    const { signal } = options;
    return this.#translated(`read object "${key}"`, { key, signal }, async (client, Bucket) => {
      const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
      try {
        const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key: this.#prefix + key }), { abortSignal: signal });
        if (ContentLength === undefined) throw this.#unavailable(key, "the store announced no length");
        return { size: ContentLength };
      } catch (error) {
        if (!isRefusalWithoutWords(error)) throw error;
        return this.#explain(key, signal);
      }
    });
  }

  async *list(prefix: string, options: StoreOptions = {}): AsyncGenerator<ListedObject, void, void> {
    const { signal } = options;
    const action = `list objects below "${this.#prefix}${prefix}"`;
    signal?.throwIfAborted();
    // Some servers refuse a prefix that no key can have.
    if (!isKey(`${prefix}x`)) return;
    let last = "";
    for (let token: string | undefined; ; ) {
      const page = await this.#translated(action, { signal }, async (client, Bucket) => {
        const { ListObjectsV2Command } = await import("@aws-sdk/client-s3");
        const command = new ListObjectsV2Command({ Bucket, Prefix: this.#prefix + prefix, ContinuationToken: token });
        return client.send(command, { abortSignal: signal });
      });
      // Every S3 says this. A gateway's welcome page does not, and would read as an empty store.
      if (page.IsTruncated === undefined) throw this.#unavailable(prefix, "the answer is no list");
      for (const { Key = "", Size } of page.Contents ?? []) {
        signal?.throwIfAborted();
        const key = Key.slice(this.#prefix.length);
        if (!Key.startsWith(this.#prefix + prefix) || !isKey(key)) continue;
        if (key <= last) throw this.#refused(`list objects in bucket "${this.#options.bucket}"`, `"${key}" came after "${last}"`);
        if (Size === undefined) throw this.#unavailable(key, "the list tells no size");
        last = key;
        yield { key, size: Size };
      }
      if (!page.IsTruncated) return;
      token = page.NextContinuationToken;
      if (!token)
        throw this.#refused(`list objects in bucket "${this.#options.bucket}"`, "a page has no successor although it is not the last");
    }
  }

  async delete(keys: readonly string[], options: StoreOptions = {}): Promise<void> {
    for (const key of keys) assertKey(key);
    const { signal } = options;
    await this.#translated("delete objects", { signal }, (client, bucket) =>
      deleteObjects(client, keys, { bucket, prefix: this.#prefix, signal }),
    );
  }

  /** Closes idle connections; the store must not be used afterwards. */
  [Symbol.dispose](): void {
    void this.#client?.then((client) => client.destroy()).catch(() => undefined);
  }

  async #translated<T>(
    action: string,
    context: { key?: string; signal: AbortSignal | undefined },
    operation: (client: S3Client, bucket: string) => Promise<T>,
  ): Promise<T> {
    context.signal?.throwIfAborted();
    try {
      this.#client ??= createS3Client(this.#options);
      return await operation(await this.#client, this.#options.bucket);
    } catch (error) {
      if (context.signal?.aborted) throw context.signal.reason;
      throw this.#translate(error, action, context.key);
    }
  }

  /** Undefined when the range lies beyond the end. */
  async #open(key: string, range: string | undefined, signal: AbortSignal | undefined): Promise<GetObjectCommandOutput | undefined> {
    const { GetObjectCommand } = await import("@aws-sdk/client-s3");
    const client = await this.#client;
    const command = new GetObjectCommand({ Bucket: this.#options.bucket, Key: this.#prefix + key, Range: range });
    try {
      return await client?.send(command, { abortSignal: signal });
    } catch (error) {
      if (range !== undefined && statusOf(error) === 416) return undefined;
      throw error;
    }
  }

  /** A refused HEAD has no body, so a missing object, a missing bucket and an unknown user look alike: a read of one byte says which it is. */
  async #explain(key: string, signal: AbortSignal | undefined): Promise<ObjectStat> {
    const response = await this.#open(key, "bytes=0-0", signal);
    if (response === undefined) return { size: 0 };
    (response.Body as Readable).destroy();
    return { size: contentRange(response)?.total ?? this.#announcedBytes(response, { key, offset: 0, end: 1 }) };
  }

  #announcedBytes(response: GetObjectCommandOutput, asked: { key: string; offset: number; end: number }): number {
    const { ContentLength } = response;
    if (ContentLength === undefined) throw this.#unavailable(asked.key, "the store announced no length");
    if (asked.offset === 0 && asked.end === Number.POSITIVE_INFINITY) return ContentLength;
    const range = contentRange(response);
    const isAsAsked = range?.start === asked.offset && ContentLength === Math.min(asked.end, range.total) - asked.offset;
    if (isAsAsked) return ContentLength;
    (response.Body as Readable).destroy();
    throw this.#refused(
      `read object "${asked.key}" in bucket "${this.#options.bucket}"`,
      "the store gave another range than was asked for",
    );
  }

  #translate(error: unknown, action: string, key: string | undefined): unknown {
    return translateS3Error(error, { action, bucket: this.#options.bucket, endpoint: this.#endpoint, ...(key !== undefined && { key }) });
  }

  #unavailable(key: string, what: string): StoreUnavailableError {
    return new StoreUnavailableError(`Cannot read "${key}" in bucket "${this.#options.bucket}": ${what}`);
  }

  #refused(action: string, what: string): StoreRefusedError {
    return new StoreRefusedError(`Cannot ${action}: ${what}`, { hint: "this server does not behave as S3 does: use another store" });
  }
}

function isRefusalWithoutWords(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && status >= 300 && status < 500 && status !== 429;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function contentRange({ ContentRange }: GetObjectCommandOutput): { start: number; total: number } | undefined {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? "") ?? [];
  return start === undefined ? undefined : { start: Number(start), total: Number(total) };
}
