import { ParameterError } from "../errors.ts";
import { DirectoryStore } from "./directory-store.ts";
import { MeasuredStore } from "./measured-store.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry-unavailable.ts";
import { RetryingStore } from "./retrying-store.ts";
import type { S3Credentials } from "./s3-client.ts";
import { S3Store } from "./s3-store.ts";

export type StoreLocation =
  | { readonly kind: "directory"; readonly path: string }
  | {
      readonly kind: "s3";
      readonly bucket: string;
      /** Without slashes at its ends; may be empty. */
      readonly prefix: string;
      readonly endpoint?: string | undefined;
      readonly region?: string | undefined;
      readonly insecureTls?: boolean | undefined;
    };

export interface OpenStoreOptions {
  /** For S3; default: what the SDK finds by itself. */
  readonly credentials?: S3Credentials | undefined;
  /** PEM, trusted beside the system's authorities. */
  readonly ca?: string | undefined;
  /** "required" for S3 stores that refuse the newer checksums. */
  readonly checksums?: "supported" | "required" | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
}

/** A store that repeats what may be repeated and counts what passes. Touches nothing yet. Its idle connections do not keep a process alive. */
export function openStore(location: StoreLocation, options: OpenStoreOptions = {}): MeasuredStore {
  const policy = { ...DEFAULT_RETRY_POLICY, ...options.retry };
  const { kind, ...place } = location;
  const store =
    kind === "directory" ? new DirectoryStore(location.path) : new S3Store({ ...options, ...(place as S3Place), retry: policy });
  return new MeasuredStore(new RetryingStore(store, policy));
}

type S3Place = Omit<Extract<StoreLocation, { kind: "s3" }>, "kind">;

/** Reads `DIR` or `s3://BUCKET/PREFIX`. @throws ParameterError naming what is not supported */
export function parseStoreLocation(text: string): StoreLocation {
  if (text.trim() === "") throw new ParameterError("The store is empty", { hint: EXPECTED });
  const scheme = /^([a-z][a-z0-9+-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: "directory", path: text };
  if (scheme !== "s3" || !text.slice(3).startsWith("//")) throw unsupported(scheme);
  const [bucket = "", ...segments] = text.slice("s3://".length).split("/");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket)) throw new ParameterError(`Invalid bucket name "${bucket}"`, { hint: EXPECTED });
  return { kind: "s3", bucket, prefix: storePrefix(segments.join("/")) };
}

/** A prefix in its plain form: no slashes at its ends, none doubled. @throws ParameterError when it climbs or holds control characters */
export function storePrefix(text: string): string {
  const segments = text.split("/").filter((segment) => segment !== "");
  const isPlain = segments.every((segment) => segment !== "." && segment !== ".." && !/\p{Cc}/u.test(segment));
  if (!isPlain) throw new ParameterError("Invalid prefix of the store", { hint: 'Expected names joined by "/", without "." and ".."' });
  return segments.join("/");
}

const EXPECTED = "Expected a directory or s3://BUCKET/PREFIX";

const SERVICES: Readonly<Record<string, string>> = {
  gs: "Google Cloud Storage",
  gcs: "Google Cloud Storage",
  azure: "Azure Blob Storage",
  az: "Azure Blob Storage",
  swift: "OpenStack Swift",
  b2: "Backblaze B2",
  rest: "a restic REST server",
  sftp: "SFTP",
  rclone: "rclone",
};

function unsupported(scheme: string): ParameterError {
  const service = SERVICES[scheme];
  if (service !== undefined) return new ParameterError(`Stores of ${service} ("${scheme}") are not supported yet`, { hint: EXPECTED });
  const hint = ["s3", "http", "https"].includes(scheme)
    ? `${EXPECTED}; the server's address goes into the endpoint`
    : `${EXPECTED}; a directory with a colon in its name is written with "./" in front`;
  return new ParameterError(`Stores with "${scheme}:" are not known`, { hint });
}
