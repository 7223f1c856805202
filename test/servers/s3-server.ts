// What the tests know of an S3 server, whichever it is.
import { connect } from "node:net";
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";

export interface S3Server extends AsyncDisposable {
  readonly name: "versitygw" | "minio";
  /** "http://127.0.0.1:PORT", or https with `tls`. */
  readonly endpoint: string;
  readonly port: number;
  readonly pid: number;
  readonly accessKey: string;
  readonly secretKey: string;
  /** PEM text of the authority that signed the server's certificate, with `tls`. */
  readonly ca: string | undefined;
  /** With `lock`, versioned and with object lock enabled. */
  createBucket(name: string, options?: { lock?: boolean }): Promise<void>;
  /** Unfinished multipart uploads of exactly this key. */
  unfinishedUploads(bucket: string, key: string): Promise<number>;
  /** A plain client of the tests' own; destroyed with the server. */
  readonly client: S3Client;
  stop(): Promise<void>;
}

export interface S3ServerOptions {
  readonly tls?: boolean;
}

export const ACCESS_KEY = "test-access-key";
export const SECRET_KEY = "test-secret-key-0123456789";
export const REGION = "us-east-1";

export function clientFor(endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    maxAttempts: 1,
    // The tests' own view of a server that they started: its certificate is not the point here.
    requestHandler: { httpsAgent: { rejectUnauthorized: false } },
  });
}

export async function createBucket(client: S3Client, name: string, options: { lock?: boolean } = {}): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: options.lock ?? false }));
}

export async function unfinishedUploads(client: S3Client, bucket: string, key: string): Promise<number> {
  const { Uploads, IsTruncated } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }));
  if (IsTruncated) throw new Error("More than one page of unfinished uploads");
  return (Uploads ?? []).filter((upload) => upload.Key === key).length;
}

/** Whether somebody accepts connections on the loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
